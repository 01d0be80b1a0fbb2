// SPDX-License-Identifier: Apache-2.0
// Drawing samples: the base distribution carried back through the blocks.
#pragma once

#include <cstdint>
#include <string>

#include "model/chain.hpp"
#include "model/recorder.hpp"
#include "odeum/objective.hpp"

namespace odeum::model {

/// Samples [rows, ...] in the units of the data; `objective` under its `evaluate:` settings. A
/// ConfigError where a block has no inverse or the objective no base.
Tensor record_samples(const Chain& chain, const Objective& objective, Recorder& recorder);

/// Samples come in batches of a fixed size so that memory stays bounded: a field of images holds
/// some hundred numbers for each of a sample's. `elements`: of a sample.
std::int64_t samples_at_once(std::int64_t elements);

}  // namespace odeum::model
