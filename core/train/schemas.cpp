// SPDX-License-Identifier: Apache-2.0
#include "train/schemas.hpp"

#include "model/schemas.hpp"
#include "train/learning_rate.hpp"

namespace odeum::train {
namespace {

Schema early_stopping_schema() {
  return Schema("When training ends before its last step")
      .integer("patience", 0,
               "evaluations in a row without a better validation metric after which training ends; "
               "0: never")
      .at_least(0)
      .number("min_delta", 0.0, "how much lower a metric has to be to count as better, in its unit")
      .at_least(0);
}

Schema train_schema() {
  return Schema("The training loop")
      .integer("steps", "optimizer steps; this or `epochs`, or both: what ends first")
      .optional()
      .at_least(1)
      .integer("epochs", "passes over the training rows; for data with an end")
      .optional()
      .at_least(1)
      .integer("read_ahead", 2,
               "batches that are read, and augmented, while the steps before them run, each on a "
               "thread of its own; 0: when their step begins. It changes no result")
      .at_least(0)
      .at_most(64)
      .integer("log_every", 10, "steps a line of metrics.jsonl, which averages over them")
      .at_least(1)
      .integer("evaluate_every", 0,
               "steps between evaluations on the validation split; the best ones are tested in the "
               "end. 0: no validation, the last step is tested")
      .at_least(0)
      .integer("evaluate_samples",
               "rows of a validation; left out: all of them, 4,096 of endless data")
      .optional()
      .at_least(2)
      .integer("evaluate_batch", "rows of an evaluation batch; left out: as `data.batch`")
      .optional()
      .at_least(1)
      .integer("test_samples",
               "rows of the final test; left out: all of them, 20,000 of endless data")
      .optional()
      .at_least(2)
      .integer("checkpoint_every", 200, "steps between checkpoints: what a killed run can lose")
      .at_least(1)
      .integer("keep", 2, "checkpoints kept beside the best one")
      .at_least(1)
      .section("early_stopping", early_stopping_schema(), "ending before the last step");
}

Schema machine_keys(const char* precision) {
  return Schema()
      .integer("seed", 0, "of everything random: initial parameters, order of rows, probes, noise")
      .at_least(0)
      .component("device", "device", "cpu", "where tensor programs run")
      .text("precision", precision, "type of states and parameters")
      .choices({"float32", "float64"});
}

Schema times_schema() {
  return Schema("Times of the solution: `at`, or `count` equally spaced ones")
      .number("from", 0.0, "start of the integration")
      .number("to", "its end; smaller than `from`: backwards in time")
      .optional()
      .integer("count", 2, "times, both ends included")
      .at_least(2)
      .numbers("at", "the times themselves, monotone; the first one is the start")
      .optional()
      .size(2)
      .text("save", "interpolated",
            "interpolated: from the dense output of whatever steps the solver takes; exact: a step "
            "ends at each time; steps: not at these times, but where steps end")
      .choices({"interpolated", "exact", "steps"})
      .integer("every", "of `save: steps`: each so manieth step; default: every one")
      .optional()
      .at_least(1);
}

Schema event_schema() {
  return Schema("Something that happens where a function of the state passes through a value")
      .integer("component", "of the state, counted from 0: the function is this component")
      .at_least(0)
      .optional()
      .text("function", "or the name of one of the field's own event functions")
      .optional()
      .number("value", 0.0, "which the function passes")
      .text("direction", "any", "of the passage, in the direction of integration")
      .choices({"any", "rising", "falling"})
      .flag("terminal", false, "whether the solve ends there");
}

Schema problem_schema() {
  return Schema("An initial value problem")
      .component("field", "field", "the right-hand side f(t, z)")
      .numbers("initial", "state at the first time, one number per component")
      .size(1)
      .section("times", times_schema(), "where the solution is wanted")
      .component("solver", "solver", "dopri5", "the numerical method")
      .sections("events", event_schema(),
                "what is looked for along the solution; gradcheck takes derivatives through the "
                "first terminal one")
      .text("until", "end",
            "end: the last time; steady_state: or before it, where the rates are under the "
            "tolerances")
      .choices({"end", "steady_state"})
      .number("steady_within",
              "of `until: steady_state`: largest RMS of rate over tolerance (atol + rtol |z|, per "
              "unit of time); default 1. Explicit methods keep moving by about the tolerance times "
              "the fastest rate of decay")
      .above(0)
      .optional()
      .component("gradient", "gradient", "backprop",
                 "how derivatives of the solve are had (gradcheck)");
}

}  // namespace

Schema root_schema() {
  Schema schema("A model, its data and how it is trained");
  schema.include(machine_keys("float32"));
  schema.component("data", "dataset", "what is learned from")
      .components("model", "block", "from data towards the base, in this order")
      .size(1)
      .component("objective", "objective", "what is minimised")
      .component("optimizer", "optimizer", "adam", "how parameters move")
      .texts("bind", {}, "which column plays which role of the objective, as `role:column`")
      .section("train", train_schema(), "the training loop");
  return schema;
}

Schema solve_schema() {
  Schema schema("An initial value problem, solved once");
  schema.include(machine_keys("float64"));
  schema.section("problem", problem_schema(), "what is solved");
  return schema;
}

Schema gradcheck_schema() {
  Schema schema(
      "A problem whose derivatives are compared: of the sum of the state at the last time; with a "
      "terminal event, of the state at the event and its time");
  schema.include(machine_keys("float64"));
  schema.section("problem", problem_schema(), "what is solved");
  return schema;
}

Schema common_keys(const std::string& kind) {
  if (kind != "optimizer") return model::common_keys(kind);
  return Schema()
      .number("lr", "learning rate; default 0.001, of an optimizer with a line search 1")
      .optional()
      .above(0)
      .component("schedule", "schedule", "constant",
                 "what the learning rate is multiplied by over the steps")
      .number("gradient_clip",
              "longest gradient, by the norm over all parameters; a longer one is shortened to it")
      .optional()
      .above(0);
}

std::vector<BuiltIn> built_in_components() {
  std::vector<BuiltIn> all{{"block", "ode", model::ode_schema()},
                           {"block", "split", model::split_schema()},
                           {"block", "multiscale", model::multiscale_schema()}};
  for (auto& [name, schema] : schedule_schemas()) all.push_back({"schedule", name, schema});
  return all;
}

}  // namespace odeum::train
