// SPDX-License-Identifier: Apache-2.0
#include "config/paths.hpp"

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "config/utf8.hpp"

namespace odeum::config {
namespace {

namespace fs = std::filesystem;

fs::path normalised(const fs::path& path) {
  std::error_code error;
  const fs::path full = fs::absolute(path, error);
  return (error ? path : full).lexically_normal();
}

std::string data_folder() {
  const char* folder = std::getenv("ODEUM_DATA");
  return folder ? folder : "";
}

std::vector<fs::path> candidates(const Node& written, const fs::path& configuration_folder) {
  const fs::path path = written.scalar;
  if (path.is_absolute()) return {path.lexically_normal()};
  const bool command_line = written.place.file.starts_with("--");
  const fs::path beside = fs::path(written.place.file).parent_path();
  std::vector<fs::path> all{normalised(command_line ? path : beside / path)};
  all.push_back(normalised(configuration_folder / path));
  if (!data_folder().empty()) all.push_back(normalised(fs::path(data_folder()) / path));
  if (all[0] == all[1]) all.erase(all.begin());
  return all;
}

}  // namespace

FoundPath find_path(const Node& written, const fs::path& configuration_folder, Files files) {
  const std::vector<fs::path> places = candidates(written, configuration_folder);
  std::error_code error;
  for (const fs::path& place : places) {
    if (!fs::exists(place, error)) continue;
    if (first_not_utf8(place.string()) == std::string::npos) return {place.string(), ""};
    return {"", "the path " + place.string() +
                    " is not UTF-8, as the run folder's config.yaml is: rename what is not"};
  }
  if (files == Files::may_be_missing) return {places.front().string(), ""};
  std::string looked;
  for (const fs::path& place : places) looked += (looked.empty() ? "" : ", ") + place.string();
  std::string wrong = "there is no file '" + written.scalar + "'; looked at: " + looked;
  const bool relative = fs::path(written.scalar).is_relative();
  if (relative && data_folder().empty()) wrong += "; ODEUM_DATA, the folder of data, is not set";
  return {"", wrong};
}

}  // namespace odeum::config
