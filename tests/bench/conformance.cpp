// SPDX-License-Identifier: Apache-2.0
// bench_conformance: odeum's side of tests/bench/conformance.py. For every solver that is named,
// every problem and tolerance, one attempt with at most so many steps; a line of JSON each.
//
//   bench_conformance MAX_STEPS SOLVER...
//
// A solver is named as in docs/results/numerics.md ("dopri5", "cvode bdf").
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "bench.hpp"
#include "io/json.hpp"
#include "numerics.hpp"
#include "odeum/error.hpp"
#include "plugin/registry.hpp"

namespace odeum::bench {
namespace {

constexpr double kTolerances[] = {1e-3, 1e-6, 1e-9};

/// As bench_numerics: rtol = atol, but where components are of different sizes a hundredth of that
/// times each one's.
SolveOptions options_at(double tolerance, const std::vector<double>& scale, std::int64_t steps) {
  SolveOptions options = adaptive_options(tolerance, steps);
  if (scale.empty()) return options;
  options.atol.clear();
  for (const double size : scale) options.atol.push_back(0.01 * tolerance * size);
  return options;
}

void attempt(const SolverEntry& entry, const Case& problem, const std::vector<double>& scale,
             std::int64_t steps) {
  const Dynamics dynamics = dynamics_of(problem);
  for (const double tolerance : kTolerances) {
    const Outcome outcome = solve(entry, dynamics, problem, options_at(tolerance, scale, steps));
    io::Json line = {{"solver", entry.label},
                     {"problem", problem.name},
                     {"tolerance", tolerance},
                     {"status", outcome.ok() ? "success" : name(outcome.report.status)},
                     {"evaluations", outcome.report.evaluations}};
    if (outcome.ok()) line["error"] = scale.empty() ? outcome.error : outcome.relative;
    std::cout << line.dump() << std::endl;
  }
}

}  // namespace

void run(int argc, char** argv) {
  if (argc < 3) throw ConfigError("bench_conformance MAX_STEPS SOLVER...");
  ::setenv("ODEUM_PLUGIN_PATH", ODEUM_PLUGINS, 1);
  plugin::set_plugin_path({ODEUM_PLUGINS});
  const std::vector<std::string> wanted(argv + 2, argv + argc);
  const std::vector<std::string> plain = {"D1", "D3", "D5", "arenstorf", "brusselator"};
  for (const SolverEntry& entry : installed_solvers()) {
    if (std::find(wanted.begin(), wanted.end(), entry.label) == wanted.end()) continue;
    for (const Case& problem : testing::cases()) {
      if (std::find(plain.begin(), plain.end(), problem.name) != plain.end())
        attempt(entry, problem, {}, std::stoll(argv[1]));
    }
    for (const testing::StiffCase& stiff : testing::stiff_cases())
      attempt(entry, stiff.problem, stiff.scale, std::stoll(argv[1]));
  }
}

}  // namespace odeum::bench
