// SPDX-License-Identifier: Apache-2.0
#include "solve/options.hpp"

#include <cmath>
#include <cstdio>
#include <limits>

namespace odeum::solve {
namespace {

constexpr double kTightUnits = 10.0;  // units of the state's rounding that an rtol must be above

constexpr const char* kDefaultController = "integral";

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

double rounding(DType state) {
  return state == DType::f32 ? std::numeric_limits<float>::epsilon()
                             : std::numeric_limits<double>::epsilon();
}

void check_tolerances(const Config& config, const SolveOptions& options, DType state,
                      std::vector<std::string>& warnings) {
  const double least = kTightUnits * rounding(state);
  if (options.rtol < least) {
    const std::string text = "rtol " + number(options.rtol) +
                             " is under ten units of rounding of " + name(state) + " (" +
                             number(least) + ")";
    if (!config.flag("allow_tight")) {
      const std::string wider = state == DType::f32 ? "use precision: float64, " : "";
      config.fail("rtol", text + ": raise it, " + wider + "or set allow_tight: true");
    }
    warnings.push_back(text + ": steps may be rejected for rounding alone");
  }
  for (const double atol : options.atol) {
    if (atol < 0.0) config.fail("atol", "must not be negative");
    if (atol == 0.0 && options.rtol == 0.0) config.fail("atol", "rtol and atol are both zero");
  }
}

void check_fixed(const Config& config, const Solver& solver, const SolveOptions& options) {
  if (options.step > 0.0 && options.steps > 0) {
    config.fail("steps", "step and steps exclude each other: give one");
  }
  if (options.step <= 0.0 && options.steps <= 0) {
    const std::string why = solver.error_order() == 0
                                ? "'" + config.use() + "' has no error estimate, so it needs"
                                : std::string("the controller does not choose steps: give");
    config.fail("step", why + " step: or steps:");
  }
  for (const char* key : {"first_step", "max_step"}) {
    if (config.has(key)) config.fail(key, "has no effect on given steps: remove it");
  }
  if (options.min_step > 0.0) config.fail("min_step", "has no effect on given steps: remove it");
  if (options.at_min_step == AtMinStep::clip) {
    config.fail("at_min_step", "has no effect on given steps: remove it");
  }
}

void check_step_size(const Config& config, const Solver& solver, const SolveOptions& options) {
  if (options.step_size == StepSize::shared) return;
  const char* why = "the controller does not choose steps";
  if (options.step > 0.0 || options.steps > 0) why = "the steps are given";
  if (solver.error_order() == 0) why = "the method has no error estimate to choose steps by";
  config.fail("step_size", std::string("per_sample is of no use here: ") + why +
                               ", so all samples take the same ones. Remove it");
}

void check_adaptive(const Config& config, const SolveOptions& options) {
  if (options.min_step > options.max_step) config.fail("min_step", "is larger than max_step");
  if (options.at_min_step == AtMinStep::clip && options.min_step == 0.0) {
    config.fail("at_min_step", "clip needs a min_step above 0 to clip at");
  }
}

/// Of a method that brings its own loop.
void check_own_loop(const Config& config) {
  const std::string why = "'" + config.use() + "' chooses its own steps: remove it";
  for (const char* key : {"step", "steps"}) {
    if (config.has(key)) config.fail(key, why + ", or bound them by max_step");
  }
  if (config.component("controller").use() != kDefaultController) config.fail("controller", why);
  if (config.text("at_min_step") == "clip") {
    config.fail("at_min_step", "'" + config.use() + "' takes no step against its error test: fail");
  }
}

OnFailure on_failure(const std::string& text) {
  if (text == "partial") return OnFailure::partial;
  return text == "skip_sample" ? OnFailure::skip_sample : OnFailure::fail;
}

}  // namespace

Schema common_solver_keys() {
  return Schema()
      .number("rtol", 1e-5, "relative tolerance of an accepted step")
      .at_least(0)
      .numbers("atol", {1e-5},
               "absolute tolerance: one number, or one for each feature of the state")
      .size(1)
      .flag("allow_tight", false, "an rtol under ten units of rounding is a warning, not an error")
      .component("controller", "controller", kDefaultController,
                 "chooses the steps of an adaptive method")
      .number("step",
              "length of a given step [time], instead of control; the last one is shortened")
      .above(0)
      .optional()
      .integer("steps",
               "number of equal given steps between two times (those of the solve, step_times, "
               "jump_times), instead of control")
      .at_least(1)
      .optional()
      .number("first_step", "first step tried [time]; default: Hairer, Norsett, Wanner II.4")
      .above(0)
      .optional()
      .number("min_step", 0.0, "shortest step but for those cut to land on a time [time]")
      .at_least(0)
      .text("at_min_step", "fail",
            "a step that would have to be shorter than min_step: fail ends the solve, clip takes "
            "it at min_step whatever its error")
      .choices({"fail", "clip"})
      .number("max_step", "longest step [time]; default: no limit")
      .above(0)
      .optional()
      .text("step_size", "shared",
            "shared: one step for the batch; per_sample: each sample has its own and finished ones "
            "leave the batch, for batches whose samples differ in difficulty")
      .choices({"shared", "per_sample"})
      .numbers("step_times", {}, "times at which a step ends [time]")
      .numbers("jump_times", {},
               "times at which the right-hand side jumps [time]: a step ends before each, never "
               "seeing what is behind it, and the method starts anew there")
      .integer("max_steps", 100000, "attempted steps after which a solve ends")
      .at_least(1)
      .integer("steps_at_once",
               "attempted steps that a device is given before the host looks at what became of "
               "them; changes no result; more wait less and need memory for a state each. Default: "
               "on accelerators up to 8, of given steps 64, within 64 MiB")
      .at_least(1)
      .at_most(1024)
      .optional()
      .text("on_failure", "fail",
            "fail: stop; partial: keep what was reached (solve only); skip_sample: train on the "
            "other samples")
      .choices({"fail", "partial", "skip_sample"});
}

SolveOptions options_from(const Config& config, const Solver& solver, const Controller& controller,
                          DType state, std::vector<std::string>& warnings) {
  SolveOptions options;
  options.rtol = config.number("rtol");
  options.atol = config.numbers("atol");
  if (config.has("step")) options.step = config.number("step");
  if (config.has("steps")) options.steps = config.integer("steps");
  if (config.has("first_step")) options.first_step = config.number("first_step");
  options.min_step = config.number("min_step");
  if (config.text("at_min_step") == "clip") options.at_min_step = AtMinStep::clip;
  options.step_times = config.numbers("step_times");
  options.jump_times = config.numbers("jump_times");
  if (config.has("max_step")) options.max_step = config.number("max_step");
  options.max_steps = config.integer("max_steps");
  options.on_failure = on_failure(config.text("on_failure"));
  if (config.text("step_size") == "per_sample") options.step_size = StepSize::per_sample;

  if (solver.host_driven()) check_own_loop(config);
  const bool has_estimate = solver.error_order() > 0;
  const bool given = options.step > 0.0 || options.steps > 0;
  // The default controller stands in every resolved file, so it is no wish of the user's.
  const bool chosen = config.component("controller").use() != kDefaultController;
  if (chosen && controller.adaptive()) {
    if (!has_estimate) {
      config.fail("controller", "'" + config.use() + "' has no error estimate to control: leave " +
                                    "the controller out or write constant");
    }
    if (given) {
      config.fail(config.has("step") ? "step" : "steps",
                  "the controller '" + config.component("controller").use() +
                      "' chooses the steps: leave it out, or give first_step for the first one");
    }
  }
  if (has_estimate && controller.adaptive() && !given) {
    check_tolerances(config, options, state, warnings);
    check_adaptive(config, options);
  } else {
    check_step_size(config, solver, options);
    check_fixed(config, solver, options);
  }
  return options;
}

std::int64_t steps_at_once(const Config& config, const Solver& solver) {
  if (!config.has("steps_at_once")) return 0;
  if (solver.host_driven()) {
    config.fail("steps_at_once", "'" + config.use() + "' chooses its own steps: remove it");
  }
  if (config.text("step_size") == "per_sample") {
    config.fail("steps_at_once",
                "has no effect on step_size: per_sample, whose finished samples leave the batch "
                "after each step: remove it");
  }
  return config.integer("steps_at_once");
}

}  // namespace odeum::solve
