// SPDX-License-Identifier: Apache-2.0
// A validated configuration back to text: the file that is saved with each run.
#pragma once

#include <string>

#include "odeum/config.hpp"

namespace odeum::config {

/// YAML with every key that has a value, defaults included, paths absolute, numbers in the shortest
/// form that reads back as the same double. Validated against the same schemas it gives the same
/// values.
std::string write_yaml(const Config& config);

}  // namespace odeum::config
