// SPDX-License-Identifier: Apache-2.0
#include "model/schemas.hpp"

#include "solve/options.hpp"

namespace odeum::model {

namespace {

Schema divergence_schema() {
  return Schema("How the trace of the field's Jacobian is had")
      .text("estimator", "hutchinson",
            "exact: D tangents an evaluation; hutchinson: one random probe")
      .choices({"exact", "hutchinson", "none"})
      .text("probe", "gaussian", "distribution of the probe, fixed during a solve and its gradient")
      .choices({"gaussian", "rademacher"});
}

}  // namespace

Schema ode_schema() {
  return Schema("Solves dz/dt = f(t, z) over a span of time; log-density and costs along the way")
      .cite(
          "Chen, Rubanova, Bettencourt, Duvenaud, Neural Ordinary Differential Equations, NeurIPS "
          "2018")
      .cite("Grathwohl et al., FFJORD, ICLR 2019")
      .component("field", "field", "the right-hand side f")
      .numbers("span", {0.0, 1.0}, "start and end of the time of integration")
      .size(2, 2)
      .flag("learn_span", false,
            "learn the end of the span as s^2 beyond its start, as FFJORD's T; needs a span with "
            "end > start")
      .component("solver", "solver", "dopri5", "the numerical method")
      .component("gradient", "gradient", "backprop", "how derivatives of the solve are had")
      .section("divergence", divergence_schema(), "the log-density's rate")
      .components("regularizers", "regularizer", "costs added to the training loss");
}

Schema common_keys(const std::string& kind) {
  if (kind == "solver") return solve::common_solver_keys();
  if (kind == "regularizer") {
    return Schema().schedule("weight", 1.0,
                             "factor of this cost relative to the training loss, in its units");
  }
  if (kind == "dataset") {
    return Schema().integer("batch", 512, "rows of a training batch").at_least(1);
  }
  return Schema();
}

}  // namespace odeum::model
