// SPDX-License-Identifier: Apache-2.0
// YAML text to Nodes. Only what a configuration needs is taken: one document, string keys, anchors
// and aliases; a repeated key, a merge key (`<<`), a tag or a tab in the indentation is a mistake.
#pragma once

#include <filesystem>
#include <string>

#include "config/node.hpp"

namespace odeum::config {

/// Parses one document; `file` stands in the places. A ConfigError says what is malformed and
/// where.
Node parse_yaml(const std::string& text, const std::string& file);

/// Reads a file and, first, what its top-level `include:` names (relative to the file's folder);
/// the file's own keys win. The result has no `include:`. ConfigErrors: no such file, a circle of
/// includes, malformed YAML.
Node read_yaml(const std::filesystem::path& file);

/// The same for a text that pretends to be `file`.
Node read_yaml_text(const std::string& text, const std::filesystem::path& file);

}  // namespace odeum::config
