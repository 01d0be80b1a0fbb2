// SPDX-License-Identifier: Apache-2.0
// What the components of a pipeline ask for by name: parameters and buffers in flat layouts.
#pragma once

#include <cstdint>
#include <string>

#include "model/pipeline.hpp"

namespace odeum::model {

/// A stable 64-bit number for a name (FNV-1a): keys the draws that belong to it.
std::uint64_t name_key(const std::string& name);

/// Finds the entry, or appends it at the next offset that keeps entries aligned to 64 bytes.
/// The same name with another shape is a bug of the component that asks.
int declare(Layout& layout, const std::string& name, const Shape& shape, Initializer initializer);

/// One draw per element by the entries' initializers; padding is zero.
std::vector<double> initial_values(const Layout& layout, std::uint64_t seed);

}  // namespace odeum::model
