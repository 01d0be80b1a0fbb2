// SPDX-License-Identifier: Apache-2.0
#include "train/skip_rows.hpp"

#include "model/multiscale.hpp"

namespace odeum::train {

bool skips_failed_samples(const Config& root) {
  for (const Config& block : model::plain_blocks(root.components("model"))) {
    if (block.use() != "ode") continue;
    if (block.component("solver").text("on_failure") == "skip_sample") return true;
  }
  return false;
}

}  // namespace odeum::train
