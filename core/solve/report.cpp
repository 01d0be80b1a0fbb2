// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>

#include "odeum/solve.hpp"

namespace odeum::inline v1 {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string where(const SolveReport& report) {
  return "at t = " + number(report.t) + " with step " + number(report.h);
}

/// "sample 17, component 2 of 'z'", as far as it is known.
std::string who(const SolveReport& report) {
  if (report.member.empty()) return "";
  std::string text;
  if (report.sample >= 0) text = "sample " + std::to_string(report.sample) + ", ";
  if (report.component >= 0) text += "component " + std::to_string(report.component) + " of ";
  return text + "'" + report.member + "'";
}

std::string largest_error(const SolveReport& report) {
  const std::string entry = who(report);
  if (entry.empty()) return "";
  return " The largest error is in " + entry + " (error norm " + number(report.error_ratio) +
         " of the tolerance).";
}

std::string counts(const SolveReport& report) {
  return std::to_string(report.accepted) + " accepted and " + std::to_string(report.rejected) +
         " rejected steps";
}

/// "|h| times the spectral radius of df/dz is 3.4, what the method bears 3.3".
std::string measured(const SolveReport& report) {
  return "|h| times the spectral radius of df/dz is " + number(report.stiffness) +
         " there, and what the method bears of it is " + number(report.stability);
}

std::string because(const SolveReport& report) {
  switch (report.cause) {
    case Cause::unknown:
      return "";
    case Cause::accuracy:
      return " The error falls with the step as it should: the tolerance sets the steps.";
    case Cause::stiffness:
      return " The equation is stiff for this method: " + measured(report) +
             ". Stability, not accuracy, sets the step: use an implicit method (radau5, kvaerno5, "
             "cvode), or shorter steps where they are given.";
    case Cause::discontinuity:
      return " The field jumps there or has a kink: shorter steps do not make the error fall as it "
             "should. Smooth the field, or let steps end where it jumps (jump_times).";
    case Cause::rounding:
      return " The error estimate is rounding noise: the tolerance is too tight for the state's "
             "type. Loosen rtol and atol, or use precision: float64 instead of float32.";
    case Cause::blow_up:
      return " The solution blows up" +
             (std::isfinite(report.blow_up_time) ? " near t = " + number(report.blow_up_time)
                                                 : "") +
             ": it grows beyond every number. End the span before, or bound the field.";
    case Cause::domain:
      return " The state itself is moderate: it is the field that has no finite value there.";
  }
  return "";
}

std::string non_finite(const SolveReport& report) {
  std::string text = "The solve met a value that is not finite " + where(report);
  if (const std::string entry = who(report); !entry.empty()) text += ", first in " + entry;
  if (report.samples.size() > 1) {
    text += " (" + std::to_string(report.samples.size()) + " samples in all)";
  }
  return text + "." + because(report) +
         " Check the field and its inputs there; in training, a lower learning rate, gradient "
         "clipping or a bounded activation helps, or on_failure: skip_sample.";
}

// The tolerance keeps errors between this and one.
constexpr double kOfTheTolerance = 1e-3;

std::string max_steps(const SolveReport& report) {
  std::string facts =
      "The solve stopped after max_steps = " + std::to_string(report.accepted + report.rejected) +
      " attempted steps " + where(report) + " (" + counts(report) + ")." + largest_error(report);
  if (report.cause == Cause::accuracy && report.error_ratio < kOfTheTolerance) {
    return facts +
           " It is not the tolerance that sets the steps: raise max_step, let fewer steps end at "
           "given times, or raise max_steps.";
  }
  facts += because(report);
  if (report.cause == Cause::unknown && report.member.empty()) {
    return facts +
           " Raise max_steps; where steps are given, give longer or fewer ones, else loosen rtol "
           "and atol.";
  }
  if (report.cause == Cause::accuracy) return facts + " Loosen rtol and atol or raise max_steps.";
  if (report.cause != Cause::unknown) return facts;
  return facts +
         " Loosen rtol and atol or raise max_steps; steps this short over a smooth solution mean "
         "that the equation is stiff for an explicit method.";
}

std::string step_too_small(const SolveReport& report) {
  std::string facts = "The step became too small to go on " + where(report) + " (" +
                      counts(report) + ")." + largest_error(report) + because(report);
  if (report.cause == Cause::accuracy) return facts + " Loosen rtol and atol or lower min_step.";
  if (report.cause != Cause::unknown) return facts;
  return facts +
         " Loosen rtol and atol, lower min_step, or smooth the field there: the solution may blow "
         "up, jump, or be stiff for an explicit method.";
}

std::string newton_diverged(const SolveReport& report) {
  std::string text = "Newton's iteration for the step did not converge " + where(report) + " (" +
                     counts(report) + ")";
  if (const std::string entry = who(report); !entry.empty()) text += ", in " + entry;
  if (report.samples.size() > 1) {
    text += " (" + std::to_string(report.samples.size()) + " samples in all)";
  }
  return text + "." + because(report) +
         " With given steps, make them shorter or let the error choose them; raise the solver's "
         "iterations or set reuse: 1; a field that jumps or has a kink there needs jump_times or "
         "smoothing, and one that is not finite there has no solution to find.";
}

std::string drifted(const SolveReport& report) {
  return "The steps, undone one by one from the end at t = " + number(report.t) +
         ", miss the known start by " + number(report.error_ratio) +
         " times what `drift` allows: the rounding of every step grows on the way back, most where "
         "the equation contracts. The gradient would be that of another trajectory. Use "
         "precision: float64, fewer steps, a shorter span, or gradient: backprop, which keeps the "
         "steps instead of undoing them.";
}

}  // namespace

const char* name(Status status) {
  switch (status) {
    case Status::success:
      return "success";
    case Status::max_steps:
      return "max_steps";
    case Status::step_too_small:
      return "step_too_small";
    case Status::non_finite:
      return "non_finite";
    case Status::newton_diverged:
      return "newton_diverged";
    case Status::event:
      return "event";
    case Status::steady_state:
      return "steady_state";
    case Status::drifted:
      return "drifted";
  }
  return "unknown";
}

const char* name(Cause cause) {
  switch (cause) {
    case Cause::unknown:
      return "unknown";
    case Cause::accuracy:
      return "accuracy";
    case Cause::stiffness:
      return "stiffness";
    case Cause::discontinuity:
      return "discontinuity";
    case Cause::rounding:
      return "rounding";
    case Cause::blow_up:
      return "blow_up";
    case Cause::domain:
      return "domain";
  }
  return "unknown";
}

std::string SolveReport::note() const {
  if (!ok() || (cause != Cause::stiffness && cause != Cause::discontinuity)) return "";
  if (cause == Cause::stiffness) {
    return "Stability, not accuracy, set most of the " + counts(*this) +
           ": over them |h| times the spectral radius of df/dz was " + number(stiffness) +
           ", and what the method bears of it is " + number(stability) +
           ". An implicit method (radau5, kvaerno5, cvode) takes far fewer.";
  }
  return "Of " + counts(*this) +
         " most were in vain: the field jumps or turns sharply again and again. Let steps end "
         "where "
         "it does (jump_times), or smooth it.";
}

std::string SolveReport::message() const {
  switch (status) {
    case Status::success:
    case Status::event:
    case Status::steady_state:
      return "";
    case Status::max_steps:
      return max_steps(*this);
    case Status::step_too_small:
      return step_too_small(*this);
    case Status::non_finite:
      return non_finite(*this);
    case Status::newton_diverged:
      return newton_diverged(*this);
    case Status::drifted:
      return drifted(*this);
  }
  return "";
}

}  // namespace odeum::inline v1
