// SPDX-License-Identifier: Apache-2.0
#include "config/describe.hpp"

#include "config/scalars.hpp"
#include "config/values.hpp"

namespace odeum::config {
namespace {

std::string article(const std::string& noun) {
  return std::string("aeiou").find(noun[0]) == std::string::npos ? "a " : "an ";
}

std::string type_text(const Key& key) {
  if (key.type == KeyType::component) return article(key.kind) + key.kind;
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

bool has_to_be_given(const Key& key) { return key.required && key.type != KeyType::section; }

/// The default as YAML; empty: there is none.
std::string default_text(const Key& key) {
  if (has_to_be_given(key) || std::holds_alternative<std::monostate>(key.default_value)) return "";
  return std::visit([](const auto& v) { return write_value(Config::Value(v)); }, key.default_value);
}

void append(std::string& text, const std::string& more) {
  if (!more.empty()) text += (text.empty() ? "" : "; ") + more;
}

/// "a number; at least 0": type, choices, range and size.
std::string takes_text(const Key& key) {
  std::string text = key.choices.empty() ? type_text(key) : choices_text(key);
  const std::string range = range_text(key);
  if (range != "any") append(text, range);
  append(text, size_text(key));
  return text;
}

void describe_keys(const Schema& schema, const std::string& indent, std::string& text) {
  for (const Key& key : schema.keys()) {
    if (!key.replaced_by.empty()) continue;
    std::string facts = takes_text(key);
    const std::string standard = default_text(key);
    if (has_to_be_given(key)) append(facts, "required");
    if (!standard.empty()) append(facts, "default " + standard);
    text.append(indent).append(key.name).append(": ").append(facts).append("\n");
    if (!key.doc.empty()) text.append(indent).append("    ").append(key.doc).append("\n");
    if (key.section) describe_keys(*key.section, indent + "  ", text);
  }
}

io::Json keys_json(const Schema& schema) {
  io::Json keys = io::Json::array();
  for (const Key& key : schema.keys()) {
    if (!key.replaced_by.empty()) continue;
    io::Json one{{"name", key.name},
                 {"takes", takes_text(key)},
                 {"required", has_to_be_given(key)},
                 {"doc", key.doc}};
    const std::string standard = default_text(key);
    if (!standard.empty()) one["default"] = standard;
    if (!key.kind.empty()) one["kind"] = key.kind;
    if (key.section) one["keys"] = keys_json(*key.section);
    keys.push_back(std::move(one));
  }
  return keys;
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

io::Json to_json(const Schema& schema) {
  return {{"description", schema.summary()},
          {"keys", keys_json(schema)},
          {"citations", schema.citations()}};
}

}  // namespace odeum::config
