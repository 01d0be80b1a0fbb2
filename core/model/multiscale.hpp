// SPDX-License-Identifier: Apache-2.0
// The composite block `multiscale`, as the chain of plain blocks that it stands for.
#pragma once

#include <vector>

#include "odeum/config.hpp"

namespace odeum::model {

/// The blocks of a model with every `multiscale` replaced, from the first scale to the last, by
/// what it stands for: its blocks, squeeze, its blocks, split; at the last scale its blocks. Each
/// has a name that says where it stands. A list without composites comes back as it is.
std::vector<Config> plain_blocks(const std::vector<Config>& blocks);

}  // namespace odeum::model
