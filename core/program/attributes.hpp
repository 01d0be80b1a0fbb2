// SPDX-License-Identifier: Apache-2.0
// Equality and hashing of nodes, for merging equal ones. Numbers compare by their bits, so that
// constants keep the sign of zero and NaN equals itself.
#pragma once

#include <cstdint>

#include "odeum/program.hpp"

namespace odeum::program {

bool equal(const Attributes& a, const Attributes& b);
/// Same operation, type, shape, operands and attributes; the row class follows from those.
bool equal(const Node& a, const Node& b);
std::uint64_t hash(const Node& node);

}  // namespace odeum::program
