// SPDX-License-Identifier: Apache-2.0
// Gradient methods: errors against reference values for every solver that can carry them, and work
// and memory as the span grows.
#include <algorithm>
#include <cmath>
#include <exception>

#include "numerics.hpp"
#include "odeum/error.hpp"
#include "plugin/registry.hpp"
#include "solve/differentiation.hpp"

namespace odeum::bench {
namespace {

constexpr double kTolerance = 1e-6;    // of adaptive solvers
constexpr std::int64_t kSteps = 1000;  // of the others

struct GradientProblem {
  std::string name;
  std::int64_t features = 0;
  testing::Field field;
  InputSpec parameters;
  Values initial, parameter_values, cotangent;
  double end = 0.0;
  Values by_parameters, by_initial;  ///< the truth
};

/// conformance.md, section 2: gradients of y1(T) + y2(T).
GradientProblem spiral(const std::string& name, double end, Values by_parameters,
                       Values by_initial) {
  return {name,
          2,
          testing::spiral_of_matrix,
          {"a", {2, 2}, DType::f64},
          {2.0, 0.0},
          {-0.1, 2.0, -2.0, -0.1},
          {1.0, 1.0},
          end,
          std::move(by_parameters),
          std::move(by_initial)};
}

/// conformance.md, section 5: dz/dt = a z, L = z(T)^2.
GradientProblem toy() {
  constexpr double a = 0.2, z0 = 10.0, kEnd = 19.0;
  const double square = z0 * z0 * std::exp(2.0 * a * kEnd);
  return {"toy, T = 19",
          1,
          [](Tensor, Tensor z, std::span<const Tensor> c) { return c[0] * z; },
          {"a", {1}, DType::f64},
          {z0},
          {a},
          {2.0 * z0 * std::exp(a * kEnd)},
          kEnd,
          {2.0 * kEnd * square},
          {2.0 * square / z0}};
}

std::vector<GradientProblem> gradient_problems() {
  return {spiral("spiral, T = 1.5", 1.5,
                 {11.12788206933416, 1.887909678905921, -0.8161797077130105, 10.46922481450369},
                 {4.380756903559729, 0.3543906820469063}),
          spiral("spiral, T = 25", 25.0,
                 {-56.83991706777013, -4.794870717318357, 3.547723694094848, -57.08580044156717},
                 {-5.374708494432528, -0.2819669674013582}),
          toy()};
}

Dynamics dynamics_of(const GradientProblem& p) {
  Dynamics d = testing::dynamics_of(p.features, p.field, {p.parameters});
  d.parts = [field = p.field](Tensor t, const State& y, std::span<const Tensor> c) {
    return Rates::Parts{.rest = {0.0 * y[0]}, .stiff = {field(t, y[0], c)}};
  };
  return d;
}

struct Result {
  std::string refusal;
  std::string failure;
  testing::Gradients gradients;

  bool ok() const { return refusal.empty() && failure.empty(); }
  double evaluations() const {
    return static_cast<double>(gradients.forward.evaluations + gradients.backward.evaluations);
  }
};

Result differentiate(const std::string& method, const SolverEntry& entry, const GradientProblem& p,
                     double end, const std::map<std::string, Config::Value>& keys = {}) {
  Result result;
  const Dynamics dynamics = dynamics_of(p);
  SolveOptions options =
      entry.adaptive() ? adaptive_options(kTolerance, 10000000) : given_steps(kSteps);
  const auto gradient = testing::component<GradientMethod>("gradient", method, keys);
  result.refusal = entry.solver->refusal(dynamics);
  if (result.refusal.empty()) result.refusal = gradient->refusal(*entry.solver, options, dynamics);
  if (!result.refusal.empty()) return result;
  try {
    auto setting = odeum::solve::make_setting(
        dynamics, entry.solver,
        testing::component<Controller>("controller", entry.adaptive() ? "integral" : "constant"),
        options, testing::test_device());
    result.gradients =
        testing::differentiate_setting({method, keys}, std::move(setting), {p.initial}, {0.0, end},
                                       {p.parameter_values}, {{p.cotangent}});
  } catch (const std::exception& error) {
    result.failure = error.what();
    return result;
  }
  for (const SolveReport* report : {&result.gradients.forward, &result.gradients.backward}) {
    if (result.failure.empty() && !report->ok()) result.failure = report->message();
  }
  return result;
}

/// The largest difference of a component, over the truth's largest.
double error_of(const GradientProblem& p, const testing::Gradients& g) {
  double error = 0.0, size = 0.0;
  const auto compare = [&](const Values& truth, const Values& found) {
    for (std::size_t i = 0; i < truth.size(); ++i) {
      error = std::max(error, std::abs(found[i] - truth[i]));
      size = std::max(size, std::abs(truth[i]));
    }
  };
  compare(p.by_parameters, g.constants[0]);
  compare(p.by_initial, g.initial[0]);
  return error / size;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Why methods and solvers do not go together, each reason once.
class Reasons {
 public:
  void add(const std::string& reason, const std::string& method, const std::string& solver) {
    std::vector<std::string>& solvers = by_reason_[reason][method];
    if (std::find(solvers.begin(), solvers.end(), solver) == solvers.end()) {
      solvers.push_back(solver);
    }
  }
  std::string text() const {
    std::string text;
    for (const auto& [reason, by_method] : by_reason_) {
      // Methods with the same solvers share a line.
      std::map<std::string, std::vector<std::string>> methods;
      for (const auto& [method, solvers] : by_method) methods[list_of(solvers)].push_back(method);
      for (const auto& [solvers, same] : methods) {
        text += "- **" + list_of(same) + "** with " + solvers + ": " + reason + "\n";
      }
    }
    return text;
  }
  bool empty() const { return by_reason_.empty(); }

 private:
  std::map<std::string, std::map<std::string, std::vector<std::string>>> by_reason_;
};

std::string error_table(const GradientProblem& p, const std::vector<std::string>& methods,
                        const std::vector<SolverEntry>& solvers, Reasons& reasons) {
  std::vector<std::string> head = {"solver"};
  head.insert(head.end(), methods.begin(), methods.end());
  Table table(head);
  for (const SolverEntry& entry : solvers) {
    std::vector<std::string> cells = {entry.label};
    for (const std::string& method : methods) {
      const Result r = differentiate(method, entry, p, p.end);
      if (r.ok()) {
        cells.push_back(scientific(error_of(p, r.gradients)) + ", " + count_text(r.evaluations()));
        continue;
      }
      cells.push_back(r.refusal.empty() ? "**failed**" : "refused");
      reasons.add(r.refusal.empty() ? r.failure : r.refusal, method, entry.label);
    }
    table.row(cells);
  }
  return "### " + p.name + "\n\n" + table.text() + "\n";
}

/// The first solver that a method takes, dopri5 before others.
const SolverEntry* carrier(const std::string& method, const std::vector<SolverEntry>& solvers,
                           const GradientProblem& p) {
  for (const SolverEntry& entry : solvers) {
    if (entry.label == "dopri5" && differentiate(method, entry, p, p.end).ok()) return &entry;
  }
  for (const SolverEntry& entry : solvers) {
    if (differentiate(method, entry, p, p.end).ok()) return &entry;
  }
  return nullptr;
}

std::string growth_table(const std::vector<std::string>& methods,
                         const std::vector<SolverEntry>& solvers) {
  const GradientProblem p = gradient_problems().front();
  Table table({"method", "solver", "evaluations, T = 1.5", "T = 6", "T = 24", "kept bytes, T = 1.5",
               "T = 6", "T = 24"});
  const auto add = [&](const std::string& label, const std::string& method,
                       const std::map<std::string, Config::Value>& keys) {
    const SolverEntry* entry = carrier(method, solvers, p);
    if (entry == nullptr) return;
    std::vector<std::string> evaluations, bytes;
    for (const double times : {1.0, 4.0, 16.0}) {
      const Result r = differentiate(method, *entry, p, times * p.end, keys);
      evaluations.push_back(r.ok() ? count_text(r.evaluations()) : "**failed**");
      bytes.push_back(r.ok() ? count_text(static_cast<double>(r.gradients.kept_bytes)) : "-");
    }
    std::vector<std::string> cells = {label, entry->label};
    cells.insert(cells.end(), evaluations.begin(), evaluations.end());
    cells.insert(cells.end(), bytes.begin(), bytes.end());
    table.row(cells);
  };
  for (const std::string& method : methods) add(method, method, {});
  add("backprop, memory: 2 KiB", "backprop", {{"memory", 2.0 / 1024.0}});
  return table.text();
}

}  // namespace

std::string gradients(const std::vector<SolverEntry>& solvers) {
  const std::vector<std::string> methods = plugin::registry().names("gradient");
  std::string text =
      "Every gradient method with every solver, both with their defaults: the largest error of a\n"
      "component over the largest true one, and evaluations forwards and backwards. Adaptive\n"
      "solvers at rtol = atol = " +
      tolerance_text(kTolerance) + ", the others in " + std::to_string(kSteps) + " steps.\n\n";
  Reasons reasons;
  for (const GradientProblem& p : gradient_problems()) {
    text += error_table(p, methods, solvers, reasons);
    std::fprintf(stderr, "bench_numerics: gradients of %s\n", p.name.c_str());
  }
  if (!reasons.empty()) text += "What does not go together, and why:\n\n" + reasons.text() + "\n";
  text += "### Growth with the span\n\nThe spiral over a span four and sixteen times as long.\n\n" +
          growth_table(methods, solvers);
  return text;
}

}  // namespace odeum::bench
