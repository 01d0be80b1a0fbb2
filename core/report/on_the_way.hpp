// SPDX-License-Identifier: Apache-2.0
// Models that stop on the way from the base distribution to the data.
#pragma once

#include <optional>

#include "odeum/config.hpp"

namespace odeum::report {

/// `root` with its solves, in the order in which samples pass them, done for the first `share` of
/// their number: 0, none; 1, all; between two whole ones the next is done in part. All other
/// blocks stay, so that the samples are in the data's units. Parameters keep their names. Nothing
/// where there is no solve, or where one has a learned span, another span in evaluation, or steps
/// that have to end at given times.
std::optional<Config> on_the_way(const Config& root, double share);

}  // namespace odeum::report
