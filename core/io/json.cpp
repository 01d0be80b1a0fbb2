// SPDX-License-Identifier: Apache-2.0
#include "io/json.hpp"

#include <algorithm>

#include "odeum/error.hpp"

namespace odeum::io {

std::string to_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_text(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json parse_json(std::string_view text, const std::filesystem::path& file) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    const std::size_t end = std::min(text.size(), error.byte == 0 ? 0 : error.byte - 1);
    const std::string_view before = text.substr(0, end);
    Place place{file.string()};
    place.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t newline = before.rfind('\n');
    place.column =
        1 + static_cast<int>(newline == std::string_view::npos ? end : end - newline - 1);
    throw ConfigError(place, std::string("is not JSON: ") + error.what());
  }
}

}  // namespace odeum::io
