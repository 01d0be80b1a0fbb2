// SPDX-License-Identifier: Apache-2.0
#include "config/describe.hpp"

#include "config/scalars.hpp"
#include "config/values.hpp"

namespace odeum::config {
namespace {

std::string type_text(const Key& key) {
  if (key.type == KeyType::component) return "a " + key.kind;
  if (key.type == KeyType::components) return "a list of plugins of the kind " + key.kind;
  return wanted(key.type);
}

std::string items(int count) { return std::to_string(count) + (count == 1 ? " item" : " items"); }

std::string size_text(const Key& key) {
  if (key.minimum_size == key.maximum_size) return items(key.minimum_size);
  std::string text;
  if (key.minimum_size > 0) text = "at least " + items(key.minimum_size);
  if (key.maximum_size >= 0) {
    if (!text.empty()) text += ", ";
    text += "at most " + items(key.maximum_size);
  }
  return text;
}

std::string choices_text(const Key& key) {
  std::string text;
  for (const std::string& choice : key.choices) text += (text.empty() ? "" : " | ") + choice;
  return text;
}

std::string default_text(const Key& key) {
  if (key.required && key.type != KeyType::section) return "required";
  if (std::holds_alternative<std::monostate>(key.default_value)) return "";
  const std::string value =
      std::visit([](const auto& v) { return write_value(Config::Value(v)); }, key.default_value);
  return "default " + value;
}

void append(std::string& text, const std::string& more) {
  if (!more.empty()) text += (text.empty() ? "" : "; ") + more;
}

void describe_keys(const Schema& schema, const std::string& indent, std::string& text) {
  for (const Key& key : schema.keys()) {
    if (!key.replaced_by.empty()) continue;
    std::string facts = key.choices.empty() ? type_text(key) : choices_text(key);
    const std::string range = range_text(key);
    if (range != "any") append(facts, range);
    append(facts, size_text(key));
    append(facts, default_text(key));
    text.append(indent).append(key.name).append(": ").append(facts).append("\n");
    if (!key.doc.empty()) text.append(indent).append("    ").append(key.doc).append("\n");
    if (key.section) describe_keys(*key.section, indent + "  ", text);
  }
}

}  // namespace

std::string describe(const Schema& schema) {
  std::string text = schema.summary() + "\n";
  if (!schema.keys().empty()) text += "\nKeys:\n";
  describe_keys(schema, "  ", text);
  if (!schema.citations().empty()) text += "\nPublished in:\n";
  for (const std::string& citation : schema.citations()) text += "  " + citation + "\n";
  return text;
}

}  // namespace odeum::config
