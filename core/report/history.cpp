// SPDX-License-Identifier: Apache-2.0
#include "report/history.hpp"

#include <limits>
#include <sstream>

#include "io/file.hpp"
#include "io/json.hpp"
#include "odeum/error.hpp"

namespace odeum::report {
namespace {

void add(History& history, const std::string& key, double step, const io::Json& value) {
  if (value.is_object()) {
    for (const auto& [name, inner] : value.items()) {
      add(history, std::string(key).append(".").append(name), step, inner);
    }
    return;
  }
  if (!value.is_number() && !value.is_null()) return;
  Series& series = history[key];
  series.x.push_back(step);
  series.y.push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                     : value.get<double>());
}

void read_lines(const std::filesystem::path& file, History& history) {
  if (!std::filesystem::exists(file)) return;
  std::istringstream lines(io::read_file(file));
  for (std::string line; std::getline(lines, line);) {
    const io::Json object = io::parse_json(line, file);
    if (!object.is_object() || !object.contains("step")) {
      throw ConfigError(Place{file.string()}, "has a line that is no logged step: " + line);
    }
    const double step = object["step"].get<double>();
    for (const auto& [key, value] : object.items()) {
      if (key != "step") add(history, key, step, value);
    }
  }
}

}  // namespace

History read_history(const std::filesystem::path& metrics, const std::filesystem::path& timing) {
  History history;
  read_lines(metrics, history);
  read_lines(timing, history);
  return history;
}

}  // namespace odeum::report
