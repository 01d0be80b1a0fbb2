// SPDX-License-Identifier: Apache-2.0
// What differs between two validated configurations: a run that is resumed must not have changed.
#pragma once

#include <string>
#include <vector>

#include "odeum/config.hpp"

namespace odeum::config {

/// What `b` has otherwise than `a`, a line each: "train.steps: 2000 → 4000". Where a component was
/// exchanged its keys are not compared. Empty: they are equal (places, and what was given or left
/// to its default, do not count).
std::vector<std::string> differences(const Config& a, const Config& b);

/// Whether two values are the same, in the sense of `differences`.
bool equal(const Config::Value& a, const Config::Value& b);

}  // namespace odeum::config
