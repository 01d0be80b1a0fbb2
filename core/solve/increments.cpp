// SPDX-License-Identifier: Apache-2.0
#include "solve/increments.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "odeum/tensor.hpp"
#include "solve/around.hpp"

namespace odeum::solve {
namespace {

constexpr double kRounding = 1e-12;  // of sums of a tableau's coefficients
// Of a piece: by so much given steps may miss a joint before the loop takes one more (solve/pace).
constexpr double kMiss = 1e-6;
constexpr double kUnitsOfPlace =
    2.0;  // of a time's rounding, what a field's piece of it may err by

const char* name_of(Calculus calculus) {
  return calculus == Calculus::ito ? "Ito" : "Stratonovich";
}

std::string text(double value) {
  char shown[32];
  std::snprintf(shown, sizeof shown, "%.10g", value);
  return shown;
}

/// Why the method cannot take a step an increment at all; empty: it can.
std::string step_refusal(const Solver& solver) {
  if (dynamic_cast<const StochasticScheme*>(&solver) != nullptr) {
    return calculus_of(solver) ? ""
                               : "hands rates from step to step, and the rate jumps between them";
  }
  const Tableau* tableau = solver.runge_kutta();
  if (tableau == nullptr) {
    return "is no explicit Runge-Kutta method: it combines rates of several steps, and the rate "
           "jumps between them";
  }
  if (!tableau->is_explicit()) {
    return "is implicit, and a step's equation need not have a solution for an increment that may "
           "be as large as it likes";
  }
  if (tableau->first_same_as_last()) {
    return "takes its last rate for the next step's first, and the rate jumps between them";
  }
  for (std::size_t i = 0; i < tableau->stages(); ++i) {
    const double c = tableau->c[i].value();
    if (c != 1.0 && (c < 0.0 || c > 1.0 - 2.0 * kBeforeJoint)) {
      return "has a stage at " + text(c) +
             " of its step, which is not told apart from the step's end";
    }
  }
  return "";
}

void check_calculus(const Config& config, const Solver& solver, Calculus wanted) {
  const std::string reason = step_refusal(solver);
  if (!reason.empty()) {
    config.fail("", config.use() + " " + reason +
                        ": for an increment a step use euler (Ito) or heun, midpoint, ralston "
                        "(Stratonovich)");
  }
  const std::optional<Calculus> found = calculus_of(solver);
  if (!found) {
    config.fail("", config.use() +
                        " tends neither to Ito's nor to Stratonovich's solution (the sum of its "
                        "b_i c_i is neither 0 nor 1/2): use euler or midpoint");
  }
  if (*found == wanted) return;
  config.fail("", "the steps of " + config.use() + " tend to the solution of " + name_of(*found) +
                      "'s equation, and the field's is " + name_of(wanted) + "'s: use " +
                      (wanted == Calculus::ito ? "euler, or take f - g dg/dx / 2 as the drift of "
                                                 "`calculus: stratonovich`"
                                               : "heun, midpoint or ralston, or take f + g dg/dx "
                                                 "/ 2 as the drift of `calculus: ito`"));
}

/// The field finds the piece of a time in the state's type, wrong by some units of its rounding.
void check_resolution(const Config& config, double piece, double latest, DType state) {
  const double rounding = state == DType::f32 ? std::numeric_limits<float>::epsilon()
                                              : std::numeric_limits<double>::epsilon();
  if (kUnitsOfPlace * rounding * latest <= 0.5 * kBeforeJoint * piece) return;
  config.fail("", "pieces of the path of length " + text(piece) +
                      " are not told apart at t = " + text(latest) + " in " + name(state) +
                      ": take fewer increments, a span that begins at 0, or precision: float64");
}

/// A step's rates, evaluated below its upper end.
class PieceRates final : public RatesAround {
 public:
  PieceRates(Rates& rates, Tensor from, Tensor h)
      : RatesAround(rates), last_(max(from, from + h) - kBeforeJoint * abs(h)) {}

  State operator()(Tensor t, const State& y) override { return inner()(min(t, last_), y); }
  Parts parts(Tensor t, const State& y) override { return inner().parts(min(t, last_), y); }

 private:
  Tensor last_;
};

class WithinPieces final : public SolverAround {
 public:
  using SolverAround::SolverAround;

  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    PieceRates own(rates, in.t, in.h);
    return inner().step(own, in);
  }
  StepOutputs undo(Rates& rates, const StepInputs& end) const override {
    PieceRates own(rates, end.t - end.h, end.h);
    return inner().undo(own, end);
  }
};

}  // namespace

std::optional<Calculus> calculus_of(const Solver& solver) {
  if (const auto* scheme = dynamic_cast<const StochasticScheme*>(&solver)) {
    return scheme->calculus();
  }
  const Tableau* tableau = solver.runge_kutta();
  if (tableau == nullptr) return std::nullopt;
  double sum = 0.0;
  for (std::size_t i = 0; i < tableau->stages(); ++i) {
    sum += tableau->b[i].value() * tableau->c[i].value();
  }
  if (std::abs(sum) < kRounding) return Calculus::ito;
  if (std::abs(sum - 0.5) < kRounding) return Calculus::stratonovich;
  return std::nullopt;
}

void check_increments(const Config& config, const Solver& solver, const SolveOptions& options,
                      const WienerIncrements& path, DType state, std::span<const double> times) {
  check_calculus(config, solver, path.calculus());
  const double piece =
      std::abs(times.back() - times.front()) / static_cast<double>(path.increments());
  check_resolution(config, piece, std::max(std::abs(times.front()), std::abs(times.back())), state);
  const std::string wanted = "the path has " + std::to_string(path.increments()) +
                             " increments, one a step: step: " + text(piece) + " is wanted";
  if (!options.jump_times.empty()) {
    config.fail("jump_times", "the steps end where the increments do: remove it");
  }
  if (options.steps > 0) {
    if (times.size() > 2 || !options.step_times.empty()) config.fail("steps", wanted);
    if (options.steps != path.increments()) {
      config.fail("steps", wanted + ", or steps: " + std::to_string(path.increments()));
    }
  } else if (options.step <= 0.0) {
    config.fail("step", wanted + ", as a path has no details for shorter steps to follow");
  } else if (std::abs(options.step - piece) * static_cast<double>(path.increments()) >
             kMiss * piece) {
    config.fail("step", wanted);
  }
  const auto meets = [&](double time) {
    const double joint = (time - times.front()) / piece;
    return std::abs(joint - std::round(joint)) <= kMiss;
  };
  for (const double time : options.step_times) {
    if (!meets(time)) {
      config.fail("step_times", text(time) + " lies inside a piece of the path, of length " +
                                    text(piece) + ": a step is a whole one");
    }
  }
  for (const double time : times) {
    if (!meets(time)) {
      config.fail("step", "a solution is wanted at " + text(time) +
                              ", inside a piece of the path, of length " + text(piece) +
                              ": choose a number of increments with a joint there");
    }
  }
}

std::shared_ptr<const Solver> within_pieces(std::shared_ptr<const Solver> solver) {
  return std::make_shared<WithinPieces>(std::move(solver));
}

std::string increments_refusal(const GradientMethod& gradient, const Solver& solver) {
  if (gradient.differentiates_steps()) return "";
  if (dynamic_cast<const WithinPieces*>(&solver) == nullptr) return "";
  return "integrates an equation of its own, whose solution along increments of noise is in "
         "general "
         "the derivative of the steps only where they are short: use backprop";
}

}  // namespace odeum::solve
