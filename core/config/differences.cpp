// SPDX-License-Identifier: Apache-2.0
#include "config/differences.hpp"

#include <algorithm>

#include "config/scalars.hpp"

namespace odeum::config {
namespace {

using Configs = std::vector<Config>;

/// Two configurations, compared key by key.
class Comparison {
 public:
  struct Difference {
    std::string path, before, after;
  };

  std::vector<Difference> compare(const Config& a, const Config& b, const std::string& path) {
    if (a.kind() != b.kind() || a.use() != b.use()) return {{path, a.use(), b.use()}};
    std::vector<Difference> all;
    if (a.name() != b.name()) all.push_back({join(path, "name"), a.name(), b.name()});
    for (const auto& [key, entry] : a.entries_) {
      const auto other = b.entries_.find(key);
      static const Config::Value nothing;
      add(all, values(entry.value, other == b.entries_.end() ? nothing : other->second.value,
                      join(path, key)));
    }
    for (const auto& [key, entry] : b.entries_) {
      if (!a.entries_.contains(key)) add(all, values({}, entry.value, join(path, key)));
    }
    if (a.evaluate_ || b.evaluate_) add(all, evaluated(a, b, path, all));
    return all;
  }

 private:
  static std::string join(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + "." + key;
  }

  static void add(std::vector<Difference>& all, std::vector<Difference> more) {
    all.insert(all.end(), more.begin(), more.end());
  }

  std::vector<Difference> values(const Config::Value& a, const Config::Value& b,
                                 const std::string& path) {
    const auto* before = std::get_if<Configs>(&a);
    const auto* after = std::get_if<Configs>(&b);
    if (before && after && before->size() == after->size()) {
      std::vector<Difference> all;
      for (std::size_t i = 0; i < before->size(); ++i) {
        const Config& item = (*before)[i];
        add(all, compare(item, (*after)[i], item.key_path().empty() ? path : item.key_path()));
      }
      return all;
    }
    if (before || after) return {{path, count(a), count(b)}};
    const std::string x = write_value(a);
    const std::string y = write_value(b);
    if (x == y) return {};
    return {{path, x, y}};
  }

  static std::string count(const Config::Value& value) {
    const auto* list = std::get_if<Configs>(&value);
    if (!list) return "";
    if (list->size() == 1 && !list->front().use().empty()) return list->front().use();
    return std::to_string(list->size()) + " items";
  }

  // What differs outside training, but for what differs in the same way in training.
  std::vector<Difference> evaluated(const Config& a, const Config& b, const std::string& path,
                                    const std::vector<Difference>& training) {
    const Config& before = a.evaluate_ ? *a.evaluate_ : a;
    const Config& after = b.evaluate_ ? *b.evaluate_ : b;
    std::vector<Difference> result;
    const bool whole = before.use() != after.use();
    for (Difference& d : compare_plain(before, after, join(path, "evaluate"))) {
      const bool known = std::any_of(training.begin(), training.end(), [&](const Difference& t) {
        return t.before == d.before && t.after == d.after && d.path.ends_with(tail(t.path, path));
      });
      if (!known || whole) result.push_back(std::move(d));
    }
    return result;
  }

  // Without looking at `evaluate:` of the two themselves.
  std::vector<Difference> compare_plain(Config a, Config b, const std::string& path) {
    a.evaluate_ = nullptr;
    b.evaluate_ = nullptr;
    return compare(a, b, path);
  }

  static std::string tail(const std::string& path, const std::string& head) {
    return path.starts_with(head) ? path.substr(head.size()) : path;
  }
};

}  // namespace

std::vector<std::string> differences(const Config& a, const Config& b) {
  std::vector<std::string> lines;
  for (const auto& d : Comparison().compare(a, b, "")) {
    const auto shown = [](const std::string& text) { return text.empty() ? "(nothing)" : text; };
    lines.push_back(d.path + ": " + shown(d.before) + " → " + shown(d.after));
  }
  return lines;
}

bool equal(const Config::Value& a, const Config::Value& b) {
  Config left;
  Config right;
  left.entries_["value"].value = a;
  right.entries_["value"].value = b;
  return differences(left, right).empty();
}

}  // namespace odeum::config
