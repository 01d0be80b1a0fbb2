// SPDX-License-Identifier: Apache-2.0
// `--set path=value` on Nodes.
#pragma once

#include <string>

#include "config/node.hpp"
#include "odeum/schema.hpp"

namespace odeum::config {

/// Applies "a.b.c=value": the value is YAML, its place "--set a.b.c=value". The first word of the
/// path is a key of the root (of the file, or of the schema) or the `name:` of any component. In a
/// list a word is an item's index, its `name:`, or its `use:` where only one item has it. Keys
/// that are not there are made, and left to the schema to judge; a scalar on the way becomes the
/// short form of a map. ConfigError: not of that form, malformed YAML, a path that addresses
/// nothing (with the nearest name).
void apply_set(Node& root, const std::string& argument, const Schema& schema);

}  // namespace odeum::config
