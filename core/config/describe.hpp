// SPDX-License-Identifier: Apache-2.0
// A schema for people, as text and as JSON: `odeum describe`.
#pragma once

#include <string>

#include "io/json.hpp"
#include "odeum/schema.hpp"

namespace odeum::config {

/// The summary, every key with its type, range, choices, default and meaning, and the citations.
std::string describe(const Schema& schema);

/// The same: description; keys, each with name, what it takes, whether it is required, doc, and,
/// where it has them, default (as YAML), kind of component, keys of its own; citations.
io::Json to_json(const Schema& schema);

}  // namespace odeum::config
