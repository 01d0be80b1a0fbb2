// SPDX-License-Identifier: Apache-2.0
#include "config/mistakes.hpp"

#include <algorithm>
#include <tuple>

namespace odeum::config {

std::string Mistake::line() const {
  if (whole) return text;
  const std::string where = place.text();
  if (where.empty() || path.empty()) return where + path + " — " + text;
  // An argument of the command line that is about this key has named it.
  if (where.starts_with("--set " + path + "=") || where.starts_with("--" + path + " "))
    return where + " — " + text;
  return where + " " + path + " — " + text;
}

void Mistakes::add(const Place& place, const std::string& path, const std::string& text) {
  add(Mistake{place, path, text});
}

void Mistakes::add(const Place& place, const ConfigError& error) {
  add(Mistake{place, "", error.what(), true});
}

void Mistakes::add(const Mistake& mistake) {
  if (!contains(mistake.place, mistake.text)) list_.push_back(mistake);
}

bool Mistakes::contains(const Place& place, const std::string& text) const {
  return std::any_of(list_.begin(), list_.end(), [&](const Mistake& m) {
    return m.text == text && m.place.file == place.file && m.place.line == place.line &&
           m.place.column == place.column;
  });
}

std::vector<Mistake> Mistakes::sorted() const {
  std::vector<Mistake> result = list_;
  const auto rank = [](const Mistake& m) {
    const bool command_line = m.place.line == 0 && m.place.file.starts_with("--");
    return std::make_tuple(command_line, m.place.file, m.place.line, m.place.column);
  };
  std::stable_sort(result.begin(), result.end(),
                   [&](const Mistake& a, const Mistake& b) { return rank(a) < rank(b); });
  return result;
}

void Mistakes::raise() const {
  if (empty()) return;
  std::string all;
  for (const Mistake& mistake : sorted()) all += (all.empty() ? "" : "\n") + mistake.line();
  throw ConfigError(all);
}

}  // namespace odeum::config
