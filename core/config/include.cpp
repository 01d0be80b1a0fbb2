// SPDX-License-Identifier: Apache-2.0
// Files, and the files that they include.
#include <fstream>
#include <sstream>
#include <system_error>

#include "config/mistakes.hpp"
#include "config/yaml.hpp"

namespace odeum::config {
namespace {

namespace fs = std::filesystem;

// A file on the way from the configuration to what it includes.
struct Open {
  fs::path shown;
  fs::path canonical;
};

[[noreturn]] void refuse(const Place& place, const std::string& path, const std::string& text) {
  throw ConfigError(Mistake{place, path, text}.line());
}

std::string contents(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) throw ConfigError(Mistake{{file.string()}, "", "cannot be read"}.line());
  return text.str();
}

std::string circle(const std::vector<Open>& open, const Open& again) {
  std::string text;
  for (const Open& file : open) {
    if (text.empty() && file.canonical != again.canonical) continue;
    text += file.shown.string() + " includes ";
  }
  return text + again.shown.string();
}

Node with_includes(Node root, std::vector<Open>& open);

Node included(const Member& include, std::vector<Open>& open) {
  const Place& place = include.value.place;
  if (!include.value.is_scalar() || include.value.scalar.empty())
    refuse(place, "include", "the path of one file is wanted, this is " + include.value.shown());
  const fs::path file = open.back().shown.parent_path() / include.value.scalar;
  std::error_code error;
  const fs::path canonical = fs::canonical(file, error);
  if (error || !fs::is_regular_file(canonical))
    refuse(place, "include", "there is no file '" + file.string() + "'");
  const Open next{file, canonical};
  for (const Open& earlier : open) {
    if (earlier.canonical == canonical)
      refuse(place, "include", "the includes go in a circle: " + circle(open, next));
  }
  open.push_back(next);
  Node base = with_includes(parse_yaml(contents(file), file.string()), open);
  open.pop_back();
  return base;
}

Node with_includes(Node root, std::vector<Open>& open) {
  if (!root.is_map())
    refuse(root.place, "", "a configuration is a map of keys, this is " + root.shown());
  const Member* include = root.find("include");
  if (!include) return root;
  Node base = included(*include, open);
  root.erase("include");
  return merge(std::move(base), root);
}

}  // namespace

Node read_yaml_text(const std::string& text, const fs::path& file) {
  std::error_code error;
  std::vector<Open> open{{file, fs::weakly_canonical(file, error)}};
  return with_includes(parse_yaml(text, file.string()), open);
}

Node read_yaml(const fs::path& file) {
  const Place place{file.string()};
  std::error_code error;
  if (!fs::exists(file, error)) refuse(place, "", "there is no such file");
  if (!fs::is_regular_file(file, error)) refuse(place, "", "this is not a file");
  return read_yaml_text(contents(file), file);
}

}  // namespace odeum::config
