// SPDX-License-Identifier: Apache-2.0
// Scalars as YAML writes them, and how odeum writes them back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "odeum/config.hpp"

namespace odeum::config {

/// "1", "-2.5e-3", ".5", ".inf"; nothing else, no hexadecimal, nothing beyond the double's range.
std::optional<double> read_number(const std::string& text);

/// A whole number of at most 64 bits with sign; "2e3" and "5.0" are whole.
std::optional<std::int64_t> read_integer(const std::string& text);

/// "true" or "false" (also True, TRUE, ...).
std::optional<bool> read_flag(const std::string& text);

/// The shortest text that reads back as the same double.
std::string write_number(double value);

/// The text as a YAML scalar, in double quotes where it would read as something else without.
std::string write_text(const std::string& text);

/// A value without keys of its own on one line: "[1, 2]", "{warmup: 10, then: 0.1, from: 0}"; empty
/// for none.
std::string write_value(const Config::Value& value);

/// Why a number is outside the key's range: "0 is too small: above 0 is wanted"; empty: it is not.
std::string out_of_range(double value, const Key& key);

/// "above 0 and at most 1", "any": the range of a key.
std::string range_text(const Key& key);

}  // namespace odeum::config
