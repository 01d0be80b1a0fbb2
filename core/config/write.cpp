// SPDX-License-Identifier: Apache-2.0
#include "config/write.hpp"

#include "config/differences.hpp"
#include "config/scalars.hpp"

namespace odeum::config {
namespace {

using Configs = std::vector<Config>;

/// Writes one configuration as a block of YAML lines.
class Writer {
 public:
  std::string take() { return std::move(text_); }

  /// All keys of a component or a section, each on a line of its own.
  void keys(const Config& config, std::size_t indent) {
    if (!config.use().empty()) line(indent, "use: " + write_text(config.use()));
    if (!config.name().empty()) line(indent, "name: " + write_text(config.name()));
    for (const auto& [key, entry] : config.entries_) this->entry(key, entry, indent);
    evaluate(config, indent);
  }

 private:
  void line(std::size_t indent, const std::string& text) {
    text_ += std::string(indent, ' ') + text + "\n";
  }

  void entry(const std::string& key, const Config::Entry& entry, std::size_t indent) {
    if (std::holds_alternative<std::monostate>(entry.value)) return;
    const auto* nested = std::get_if<Configs>(&entry.value);
    if (!nested) {
      line(indent, key + ": " + write_value(entry.value));
    } else if (entry.type == KeyType::components || entry.type == KeyType::sections) {
      list(key, *nested, indent);
    } else {
      block(key, indent, [&] { keys(nested->front(), indent + 2); });
    }
  }

  // "key:" and what `body` writes below it, or "key: {}".
  template <class Body>
  void block(const std::string& key, std::size_t indent, const Body& body) {
    const std::size_t before = text_.size();
    line(indent, key + ":");
    const std::size_t empty = text_.size();
    body();
    if (text_.size() != empty) return;
    text_.resize(before);
    line(indent, key + ": {}");
  }

  void list(const std::string& key, const Configs& items, std::size_t indent) {
    if (items.empty()) return line(indent, key + ": []");
    line(indent, key + ":");
    for (const Config& item : items) {
      const std::size_t begin = text_.size();
      keys(item, indent + 4);
      if (text_.size() == begin) {
        line(indent + 2, "- {}");
      } else {
        text_[begin + indent + 2] = '-';
      }
    }
  }

  // What `evaluate:` changes; laid over the rest it gives the whole again.
  void evaluate(const Config& config, std::size_t indent) {
    if (!config.evaluate_) return;
    block("evaluate", indent, [&] { changes(config, *config.evaluate_, indent + 2); });
  }

  void changes(const Config& base, const Config& over, std::size_t indent) {
    if (over.use() != base.use()) {
      Config unnamed = over;
      unnamed.name_.clear();
      return keys(unnamed, indent);
    }
    for (const auto& [key, entry] : over.entries_) {
      const Config::Entry& old = base.entries_.at(key);
      if (equal(old.value, entry.value)) continue;
      const bool one = entry.type == KeyType::component || entry.type == KeyType::section;
      const auto* before = std::get_if<Configs>(&old.value);
      const auto* after = std::get_if<Configs>(&entry.value);
      if (one && before && after) {
        block(key, indent, [&] { changes(before->front(), after->front(), indent + 2); });
      } else {
        this->entry(key, entry, indent);
      }
    }
    if (over.evaluate_ &&
        !(base.evaluate_ && differences(*base.evaluate_, *over.evaluate_).empty()))
      evaluate(over, indent);
  }

  std::string text_;
};

}  // namespace

std::string write_yaml(const Config& config) {
  Writer writer;
  writer.keys(config, 0);
  return writer.take();
}

}  // namespace odeum::config
