// SPDX-License-Identifier: Apache-2.0
// The field's change along its own flow, in the two forms that are in use.
#pragma once

#include "odeum/config.hpp"
#include "odeum/regularizer.hpp"
#include "odeum/schema.hpp"

namespace odeum::regularizers {

class AlongTheFlow {
 public:
  static void declare(Schema& schema) {
    schema
        .text("product", "jvp",
              "jvp: J f, the derivative along the flow; vjp: J^T f, what the authors' code "
              "computes; both are the same where J is symmetric")
        .choices({"jvp", "vjp"})
        .cite(
            "Finlay, Jacobsen, Nurbekyan, Oberman, How to train your neural ODE, ICML 2020, arXiv "
            "2002.02798: in their code, lib/layers/wrappers/cnf_regularization.py");
  }
  explicit AlongTheFlow(const Config& config) : transposed_(config.text("product") == "vjp") {}

  /// J f or J^T f, shaped as z.
  Tensor operator()(Path& path) const {
    return transposed_ ? path.vjp(path.velocity()) : path.jvp(path.velocity());
  }

 private:
  bool transposed_;
};

}  // namespace odeum::regularizers
