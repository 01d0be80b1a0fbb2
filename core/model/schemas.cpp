// SPDX-License-Identifier: Apache-2.0
#include "model/schemas.hpp"

#include "model/solution_times.hpp"
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
      .section("times", solution_times_schema(),
               "where the solution is handed on; left out: at the span's end")
      .flag("learn_span", false,
            "learn the end of the span as s^2 beyond its start, as FFJORD's T; needs a span with "
            "end > start")
      .component("solver", "solver", "dopri5", "the numerical method")
      .component("gradient", "gradient", "backprop", "how derivatives of the solve are had")
      .section("divergence", divergence_schema(), "the log-density's rate")
      .components("regularizers", "regularizer", "costs added to the training loss");
}

Schema split_schema() {
  return Schema(
             "Half of the channels (of the features, where samples are vectors) is done: the first "
             "half goes on, the second goes to the base as it is. Behind the last block all halves "
             "and the rest stand side by side, as one vector a sample; log-determinant zero")
      .cite("Dinh, Sohl-Dickstein, Bengio, Real NVP, ICLR 2017, arXiv 1605.08803, section 3.6");
}

Schema multiscale_schema() {
  return Schema(
             "The architecture of image flows: at each scale the blocks, a squeeze, the blocks "
             "again on what are four times the channels, and a split; at the last scale the blocks "
             "alone. Names of the blocks inside: NAME.scale1.BLOCK, NAME.scale1.squeezed.BLOCK, ..")
      .cite("Grathwohl et al., FFJORD, ICLR 2019, arXiv 1810.01367, appendix B")
      .cite("Finlay, Jacobsen, Nurbekyan, Oberman, ICML 2020, arXiv 2002.02798")
      .integer("scales", "number of scales; height and width are halved between two of them")
      .at_least(1)
      .at_most(16)
      .components(
          "blocks", "block",
          "what stands before and behind each squeeze, each time with parameters of its own")
      .size(1)
      .component("squeeze", "block", "squeeze", "how channels are had for height and width");
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
