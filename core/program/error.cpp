// SPDX-License-Identifier: Apache-2.0
#include "odeum/error.hpp"

namespace odeum::inline v1 {

std::string Place::text() const {
  std::string result = file;
  if (line > 0) {
    if (!result.empty()) result += ":";
    result += std::to_string(line);
    if (column > 0) result += ":" + std::to_string(column);
  }
  return result;
}

ConfigError::ConfigError(const std::string& message) : std::runtime_error(message) {}
ConfigError::ConfigError(const Place& place, const std::string& message)
    : std::runtime_error(place.text().empty() ? message : place.text() + " " + message) {}
ConfigError::ConfigError(const ConfigError&) = default;
ConfigError::~ConfigError() = default;

RunError::RunError(const std::string& message) : std::runtime_error(message) {}
RunError::RunError(const RunError&) = default;
RunError::~RunError() = default;

DeviceLost::DeviceLost(const std::string& message) : RunError(message) {}
DeviceLost::DeviceLost(const DeviceLost&) = default;
DeviceLost::~DeviceLost() = default;

void bug(const std::string& message) { throw std::logic_error("odeum bug: " + message); }

}  // namespace odeum::inline v1
