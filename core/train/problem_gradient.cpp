// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <chrono>
#include <cmath>
#include <optional>

#include "odeum/gradient.hpp"
#include "plugin/registry.hpp"
#include "solve/event_solve.hpp"
#include "solve/piecewise.hpp"
#include "solve/setting.hpp"
#include "train/gradient_reference.hpp"
#include "train/problem.hpp"
#include "train/round_trip.hpp"

namespace odeum::train {
namespace {

Config with_solver(const Config& root, const Config& solver) {
  const Config problem = with_value(root.section("problem"), "solver", std::vector<Config>{solver});
  return with_value(root, "problem", std::vector<Config>{problem});
}

/// Variables in a row: the initial state, the parameters with their padding, start and end.
struct Variables {
  std::vector<double> initial;
  std::vector<double> parameters;
  std::array<double, 2> times{};

  std::vector<double> flat() const {
    std::vector<double> all = initial;
    all.insert(all.end(), parameters.begin(), parameters.end());
    all.insert(all.end(), times.begin(), times.end());
    return all;
  }
  Variables at(const std::vector<double>& all) const {
    Variables v = *this;
    std::copy_n(all.begin(), initial.size(), v.initial.begin());
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(initial.size()), parameters.size(),
                v.parameters.begin());
    std::copy_n(all.end() - 2, 2, v.times.begin());
    return v;
  }
};

Variables variables_of(const Problem& problem) {
  return {problem.initial(),
          problem.parameter_values(),
          {problem.times().front(), problem.times().back()}};
}

/// One method on one problem: made once, run at any variables.
class Differentiated {
 public:
  Differentiated(const Problem& problem, const Config& method, const plugin::Registry& registry)
      : problem_(problem),
        features_(problem.initial().size()),
        method_(registry.create<GradientMethod>(method)) {
    const Problem::Constants constants = problem.constants(problem.parameter_values());
    std::vector<bool> wanted;
    for (const int entry : constants.entry) wanted.push_back(entry >= 0);
    const std::unique_ptr<SolveSetting> setting = problem.setting(problem.options());
    solve::check_gradient(method, *method_, setting->solver(), setting->options(),
                          setting->dynamics());
    const solve::MakeSetting make = [&problem](const SolveOptions& options) {
      return problem.setting(options);
    };
    if (problem.has_terminal_event()) {
      to_event_ = std::make_unique<solve::EventSolve>(method_, make, problem.options(), wanted,
                                                      problem.events());
    } else {
      solve_ = solve::prepare(method_, make, problem.options(), wanted);
    }
    result_ = problem.upload(std::vector<double>(features_, 0.0));
  }

  double loss(const Variables& at) {
    const Arguments arguments = begin(at);
    forward(arguments.call);
    return sum_of_result() + (to_event_ ? to_event_->event().t : 0.0);
  }

  /// The last state of the last solve.
  std::vector<double> result() const { return problem_.download({result_.get(), 0}, features_); }

  std::vector<double> gradient(const Variables& at, GradientRow& row) {
    const Arguments arguments = begin(at);
    const SolveReport forward = this->forward(arguments.call);
    const std::shared_ptr<void> ones = problem_.upload(std::vector<double>(features_, 1.0));
    const std::array cotangents{View{ones.get(), 0}};
    const std::shared_ptr<void> initial = problem_.upload(std::vector<double>(features_, 0.0));
    const std::array initial_targets{View{initial.get(), 0}};
    const Problem::Constants targets =
        problem_.constants(std::vector<double>(at.parameters.size(), 0.0));
    std::vector<View> constant_targets = targets.views;
    for (std::size_t i = 0; i < constant_targets.size(); ++i) {
      if (targets.entry[i] < 0) constant_targets[i] = View{};
    }
    std::array<double, 2> times{};
    const CotangentTargets to{initial_targets, constant_targets, times};
    const SolveReport backward = to_event_
                                     ? to_event_->backward(arguments.call, cotangents, 1.0, to)
                                     : solve_->backward(arguments.call, cotangents, to);
    if (!backward.ok()) throw RunError("the backward solve failed: " + backward.message());

    Variables result = at;
    result.initial = problem_.download(initial_targets[0], features_);
    std::fill(result.parameters.begin(), result.parameters.end(), 0.0);
    for (std::size_t i = 0; i < constant_targets.size(); ++i) {
      if (targets.entry[i] < 0) continue;
      const model::Entry& entry =
          problem_.parameters().entries[static_cast<std::size_t>(targets.entry[i])];
      const auto values =
          problem_.download(constant_targets[i], static_cast<std::size_t>(entry.size));
      std::copy(values.begin(), values.end(), result.parameters.begin() + entry.offset);
    }
    result.times = times;
    row.forward = forward.evaluations;
    row.backward = backward.evaluations;
    row.kept_bytes = to_event_ ? to_event_->kept_bytes() : solve_->kept_bytes();
    return result.flat();
  }

 private:
  struct Arguments {
    std::shared_ptr<void> initial;
    Problem::Constants constants;
    std::unique_ptr<std::array<double, 2>> times;
    std::unique_ptr<std::array<View, 2>> views;  ///< of the initial state and the result
    SolveCall call;
  };

  SolveReport forward(const SolveCall& call) {
    SolveReport report = to_event_ ? to_event_->forward(call) : solve_->forward(call);
    if (!report.ok()) throw RunError("the solve failed: " + report.message());
    if (to_event_ && report.status != Status::event) {
      throw RunError(
          "no terminal event is met before the last time, so there is nothing to "
          "differentiate: let `times` end later");
    }
    return report;
  }

  Arguments begin(const Variables& at) {
    Arguments arguments;
    arguments.initial = problem_.upload(at.initial);
    arguments.constants = problem_.constants(at.parameters);
    arguments.times = std::make_unique<std::array<double, 2>>(at.times);
    arguments.views = std::make_unique<std::array<View, 2>>(
        std::array{View{arguments.initial.get(), 0}, View{result_.get(), 0}});
    arguments.call.rows = 1;
    arguments.call.times = *arguments.times;
    arguments.call.initial = std::span<const View>(arguments.views->data(), 1);
    arguments.call.constants = arguments.constants.views;
    arguments.call.results = std::span<const View>(arguments.views->data() + 1, 1);
    return arguments;
  }

  double sum_of_result() const {
    double sum = 0.0;
    for (const double v : result()) sum += v;
    return sum;
  }

  const Problem& problem_;
  std::size_t features_;
  std::shared_ptr<const GradientMethod> method_;
  std::unique_ptr<DifferentiableSolve> solve_;
  std::unique_ptr<solve::EventSolve> to_event_;  ///< in its place where the problem has an event
  std::shared_ptr<void> result_;
};

/// The first method that is not refused.
std::unique_ptr<Differentiated> differentiated(const Problem& problem,
                                               const std::vector<Config>& methods,
                                               const plugin::Registry& registry, Config& used) {
  std::optional<ConfigError> refusal;
  for (const Config& method : reference_candidates(methods)) {
    try {
      auto made = std::make_unique<Differentiated>(problem, method, registry);
      used = method;
      return made;
    } catch (const ConfigError& error) {
      if (!refusal) refusal.emplace(error);
    }
  }
  throw ConfigError(*refusal);
}

GradientRow check_method(const Problem& problem, const Config& method, const Variables& at,
                         const std::vector<double>& exact, const plugin::Registry& registry) {
  GradientRow row;
  row.method = method.use();
  try {
    Differentiated checked(problem, method, registry);
    checked.gradient(at, row);
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<double> gradient = checked.gradient(at, row);
    row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    row.relative_error = relative_error(gradient, exact);
  } catch (const ConfigError& error) {
    row.refusal = reason_of(error, method);
  } catch (const std::runtime_error& error) {
    row.failure = error.what();
  }
  return row;
}

/// What the result and the gradient move by; nothing where one of the solves fails or half the
/// tolerance is too tight for the precision.
std::optional<Halving> compare_halved(const Config& root, const Problem& problem,
                                      const Config& method, const Variables& at,
                                      const plugin::Registry& registry) {
  const Config& solver = root.section("problem").component("solver");
  try {
    GradientRow ignored;
    Differentiated whole(problem, method, registry);
    const std::vector<double> gradient = whole.gradient(at, ignored);
    const Problem finer(with_solver(root, halved(solver)), registry);
    Differentiated half(finer, method, registry);
    const std::vector<double> finer_gradient = half.gradient(at, ignored);
    return Halving{.given_steps = has_given_steps(solver),
                   .result = relative_error(whole.result(), half.result()),
                   .gradient = relative_error(gradient, finer_gradient)};
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

/// |dL/dz0| over |dL/dz1|, whose entries are ones.
double growth_of(const std::vector<double>& gradient, std::size_t features) {
  double squares = 0.0;
  for (std::size_t i = 0; i < features; ++i) squares += gradient[i] * gradient[i];
  return std::sqrt(squares / static_cast<double>(features));
}

}  // namespace

GradientCheck check_problem(const Config& root, const std::vector<Config>& methods, double allowed,
                            plugin::Registry& registry) {
  const Config& solver = root.section("problem").component("solver");
  const Problem problem(root, registry);
  const Problem tight(with_value(with_solver(root, tightened(solver)), "precision",
                                 Config::Value(std::string("float64"))),
                      registry);
  GradientCheck check;
  check.allowed = allowed > 0.0 ? allowed
                                : default_allowance(solver.number("rtol"), has_given_steps(solver),
                                                    problem.precision() == DType::f32);
  Config method;
  const std::unique_ptr<Differentiated> reference =
      differentiated(tight, methods, registry, method);
  check.reference = method.use();
  const Variables at = variables_of(tight);
  GradientRow ignored;
  const std::vector<double> exact = reference->gradient(at, ignored);
  check.variables = static_cast<std::int64_t>(exact.size());
  check.growth = growth_of(exact, at.initial.size());
  compare_with_differences(
      [&](const std::vector<double>& moved) { return reference->loss(at.at(moved)); }, at.flat(),
      exact, check);
  for (const Config& each : methods) {
    check.rows.push_back(check_method(problem, each, at, exact, registry));
  }
  check.halved = compare_halved(root, problem, method, at, registry);
  check.round_trip = round_trip(problem);
  return check;
}

}  // namespace odeum::train
