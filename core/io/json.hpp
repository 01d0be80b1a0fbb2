// SPDX-License-Identifier: Apache-2.0
// JSON values: nlohmann's, with keys in the order of insertion. Numbers are written so that they
// read back to the same bits; not-a-number and infinities, which JSON lacks, are written as null.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace odeum::io {

using Json = nlohmann::ordered_json;

/// On one line, without a newline. Bytes that are no UTF-8 become U+FFFD.
std::string to_line(const Json& value);
/// Indented by two, with a newline behind.
std::string to_text(const Json& value);

/// The one value in `text`. A ConfigError with `file`, line and column says what is malformed.
Json parse_json(std::string_view text, const std::filesystem::path& file);

}  // namespace odeum::io
