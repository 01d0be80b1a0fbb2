// SPDX-License-Identifier: Apache-2.0
#include "config/nearest.hpp"

#include <algorithm>
#include <cctype>

namespace odeum::config {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

int allowed_edits(std::size_t length) {
  if (length <= 3) return 1;
  return std::max<int>(2, static_cast<int>(length) / 3);
}

}  // namespace

int edit_distance(const std::string& a_written, const std::string& b_written) {
  const std::string a = lower(a_written);
  const std::string b = lower(b_written);
  std::vector<int> before;               // row i - 2
  std::vector<int> above(b.size() + 1);  // row i - 1
  std::vector<int> row(b.size() + 1);    // row i
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = above;
    above = row;
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& names) {
  std::optional<std::string> best;
  int best_distance = allowed_edits(word.size());
  for (const std::string& name : names) {
    const int distance = edit_distance(word, name);
    if (distance > best_distance) continue;
    if (distance == best_distance && best && *best <= name) continue;
    // A name of which nothing is left is not what was meant.
    if (distance >= static_cast<int>(std::max(word.size(), name.size()))) continue;
    best = name;
    best_distance = distance;
  }
  return best;
}

std::string listed(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& names,
                       const std::string& others) {
  if (const auto meant = nearest(word, names)) return "did you mean '" + *meant + "'?";
  return others + ": " + (names.empty() ? "none" : listed(names));
}

}  // namespace odeum::config
