// SPDX-License-Identifier: Apache-2.0
// Plugins and the core's own components as one list.
#pragma once

#include <string>
#include <vector>

#include "plugin/registry.hpp"

namespace odeum::cli {

/// Of one kind, or ("") of all, by kind and name; unusable files included. A ConfigError with the
/// nearest name where there is no such kind. What comes with the core has libodeum's file.
std::vector<plugin::Listed> list_components(plugin::Registry& registry, const std::string& kind);

}  // namespace odeum::cli
