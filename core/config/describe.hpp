// SPDX-License-Identifier: Apache-2.0
// A schema as text for people: `odeum describe`.
#pragma once

#include <string>

#include "odeum/schema.hpp"

namespace odeum::config {

/// The summary, every key with its type, range, choices, default and meaning, and the citations.
std::string describe(const Schema& schema);

}  // namespace odeum::config
