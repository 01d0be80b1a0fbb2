// SPDX-License-Identifier: Apache-2.0
// Schemas of what the core itself contributes to a pipeline: the block `ode`, and the keys that
// every component of a kind takes beside its own.
#pragma once

#include <string>

#include "odeum/schema.hpp"

namespace odeum::model {

/// The block that solves a differential equation between its input and its output.
Schema ode_schema();

/// Half of the channels leaves the chain for the base.
Schema split_schema();
/// Blocks at several scales of an image: model/multiscale.hpp.
Schema multiscale_schema();

/// Keys beside a plugin's own, by kind: `weight` of a regularizer, the step control of a solver,
/// `batch` of a dataset.
Schema common_keys(const std::string& kind);

}  // namespace odeum::model
