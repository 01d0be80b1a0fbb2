// SPDX-License-Identifier: Apache-2.0
// bench_numerics: order, work and precision, stiff problems and gradients of everything installed,
// against reference values.
//
//   build/release/bench/bench_numerics [--only TEXT] [--evaluations N] [--out FILE]
//
// --only takes the solvers whose name contains the text and prints instead of writing;
// --evaluations bounds one solve.
#include "numerics.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "bench.hpp"
#include "odeum/error.hpp"
#include "page_head.hpp"
#include "plugin/registry.hpp"

namespace odeum::bench {
namespace {

namespace fs = std::filesystem;

struct Options {
  Limits limits;
  std::string only;
  std::string out = std::string(ODEUM_SOURCE) + "/docs/results/numerics.md";
};

const std::string kIntroduction =
    R"(Everything in float64, one sample, defaults of each plugin, the default controller; the whole span is one solve. Truth:
reference values of twelve digits and closed forms. An error is the largest difference of a component at the end, over
the solution's size where that is above one. Evaluations are calls of the right-hand side; Jacobians and linear algebra
of implicit methods come on top. Implicit-explicit methods get the whole right-hand side as stiff part, but in section 1
a true splitting.

1. [Does every solver hold its order?](#1-order)
2. [What does a digit cost?](#2-what-a-digit-costs)
3. [Which solvers can do stiff problems?](#3-stiff-problems)
4. [What fails, and why?](#4-what-fails)
5. [How exact are gradients, and what do they cost?](#5-gradients)
6. [Work and precision, problem by problem](#6-work-and-precision)

)";

const std::string kOrder =
    R"(Least-squares slope of the error over the six shortest given steps that leave it above rounding. Linear flow: ten
components, a random matrix. Winding: nonlinear, depends on time. Kepler: eccentricity 0.3. "no": more than 0.2 below
what is stated.

)";

const std::string kDigits =
    R"(Evaluations to an error of 1e-2 ... 1e-10, geometric mean over the fifteen problems of section 6; where not all of them
get there, how many do. Last column: by how much the work grows with each further digit.

)";

const std::string kStiff =
    R"(Adaptive solvers. Error and evaluations at rtol = 1e-3 ... 1e-13, absolute tolerances a hundredth of that times each
component's size; here the error is the largest of a component over its own size. What takes too many evaluations ends
in a status: explicit methods have to, but on Robertson's short span. Robertson at 1e11 and van der Pol compare with
published values.

)";

const std::string kFails =
    R"(Solves that ended otherwise than asked. In sections 3 and 6 a solver is not tried at tighter tolerances than the first
that fails.

)";

const std::string kTables =
    R"(Error and evaluations. Adaptive solvers at rtol = atol = 1e-3 ... 1e-13, others by number of steps; an empty cell would
take too many evaluations. Arenstorf's orbit closes: its error is the distance to the start.

)";

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) throw ConfigError(name + " needs a value");
    if (name == "--only") {
      options.only = argv[i + 1];
    } else if (name == "--evaluations") {
      options.limits.evaluations = std::max(1000LL, std::atoll(argv[i + 1]));
    } else if (name == "--out") {
      options.out = argv[i + 1];
    } else {
      throw ConfigError("unknown option " + name + "; there are --only, --evaluations, --out");
    }
  }
  return options;
}

std::string page(const Options& options, const std::vector<SolverEntry>& solvers) {
  Failures failures;
  const std::string order = orders(solvers);
  std::cerr << "bench_numerics: orders\n";
  const std::string on_stiff = stiff(solvers, options.limits, failures);
  const std::string of_gradients = gradients(solvers);
  const WorkPrecision smooth = work_precision(solvers, options.limits, failures);
  const std::string most = count_text(static_cast<double>(options.limits.evaluations));
  const std::string most_stiff = count_text(static_cast<double>(options.limits.stiff_evaluations));
  const std::string command =
      "bench_numerics --evaluations " + std::to_string(options.limits.evaluations);

  std::string text = "# Numerics\n\n" + page_head(command) + kIntroduction;
  text += "## 1 Order\n\n" + (kOrder + order);
  text += "\n## 2 What a digit costs\n\n" + (kDigits + smooth.summary);
  text += "\nAt most " + most + " evaluations, tolerances down to 1e-13.\n";
  text += "\n## 3 Stiff problems\n\n" + (kStiff + on_stiff);
  text += "At most about " + most_stiff + " evaluations.\n";
  text += "\n## 4 What fails\n\n" + (kFails + failures.text());
  text += "\n## 5 Gradients\n\n" + of_gradients;
  text += "\n## 6 Work and precision\n\n" + (kTables + smooth.tables);
  return text;
}

}  // namespace

void run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  plugin::set_plugin_path({ODEUM_PLUGINS});
  ::setenv("ODEUM_PLUGIN_PATH", ODEUM_PLUGINS, 1);
  std::vector<SolverEntry> solvers;
  for (const SolverEntry& entry : installed_solvers()) {
    if (entry.label.find(options.only) != std::string::npos) solvers.push_back(entry);
  }
  if (solvers.empty()) throw ConfigError("no solver's name contains '" + options.only + "'");
  const std::string text = page(options, solvers);
  if (!options.only.empty()) {
    std::cout << text;
    return;
  }
  fs::create_directories(fs::path(options.out).parent_path());
  std::ofstream(options.out) << text;
}

}  // namespace odeum::bench
