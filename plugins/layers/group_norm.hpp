// SPDX-License-Identifier: Apache-2.0
// Group normalisation (Wu, He, ECCV 2018): each sample's channels in groups of neighbours, every
// group with mean 0 and variance 1 over its channels and pixels, then scaled and shifted by
// channel.
#pragma once

#include <cstdint>
#include <string>

#include "odeum/field.hpp"

namespace odeum::layers {

/// x [rows, channels, height, width]; parameters name.weight (from 1) and name.bias (from 0).
/// Throws std::invalid_argument where the groups do not divide the channels.
Tensor group_norm(Scope& scope, const std::string& name, std::int64_t groups, Tensor x);

}  // namespace odeum::layers
