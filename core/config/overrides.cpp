// SPDX-License-Identifier: Apache-2.0
#include "config/overrides.hpp"

#include <charconv>

#include "config/mistakes.hpp"
#include "config/nearest.hpp"
#include "config/yaml.hpp"

namespace odeum::config {
namespace {

struct Override {
  Place place;
  std::string path;
  std::vector<std::string> words;
  Node value;
};

[[noreturn]] void refuse(const Override& what, const std::string& text) {
  throw ConfigError(Mistake{what.place, what.path, text}.line());
}

Override parse(const std::string& argument) {
  Override result;
  result.place.file = "--set " + argument;
  const auto equals = argument.find('=');
  if (equals == std::string::npos || equals == 0)
    refuse(result, "it is written --set key=value, the key like train.steps");
  result.path = argument.substr(0, equals);
  for (std::size_t begin = 0; begin <= result.path.size();) {
    const auto dot = std::min(result.path.find('.', begin), result.path.size());
    result.words.push_back(result.path.substr(begin, dot - begin));
    if (result.words.back().empty()) refuse(result, "there is an empty word between the dots");
    begin = dot + 1;
  }
  const std::string value = argument.substr(equals + 1);
  if (value.find_first_not_of(" \t\n") == std::string::npos) refuse(result, "the value is missing");
  result.value = parse_yaml(value, result.place.file);
  return result;
}

std::string text_of(const Node& item, const std::string& key) {
  const Member* found = item.find(key);
  return found && found->value.is_scalar() ? found->value.scalar : "";
}

void gather_named(Node& node, std::vector<std::pair<std::string, Node*>>& named) {
  const std::string name = text_of(node, "name");
  if (!name.empty()) named.emplace_back(name, &node);
  for (Node& item : node.items) gather_named(item, named);
  for (Member& m : node.members) gather_named(m.value, named);
}

Node* start(Node& root, const Override& what, const Schema& schema) {
  const std::string& word = what.words.front();
  if (root.find(word) || schema.find(word)) return nullptr;
  std::vector<std::pair<std::string, Node*>> named;
  for (Member& m : root.members) gather_named(m.value, named);
  std::vector<std::string> names;
  Node* found = nullptr;
  for (const auto& [name, node] : named) {
    names.push_back(name);
    if (name != word) continue;
    if (found) refuse(what, "two components are named '" + word + "': address one by its index");
    found = node;
  }
  if (found) return found;
  for (const Member& m : root.members) names.push_back(m.key);
  for (const Key& key : schema.keys()) names.push_back(key.name);
  refuse(what, "there is no key and no component named '" + word + "'; " +
                   suggestion(word, names, "there are"));
}

Node& item_of(Node& list, const std::string& word, const Override& what) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), index);
  if (error == std::errc() && end == word.data() + word.size()) {
    if (index >= list.items.size())
      refuse(what, "the list has " + std::to_string(list.items.size()) +
                       (list.items.size() == 1 ? " item" : " items") +
                       ", counted from 0: there is no " + word);
    return list.items[index];
  }
  std::vector<std::string> known;
  Node* by_use = nullptr;
  int uses = 0;
  for (Node& item : list.items) {
    const std::string name = text_of(item, "name");
    if (name == word) return item;
    const std::string use = item.is_scalar() ? item.scalar : text_of(item, "use");
    if (use == word) {
      by_use = &item;
      ++uses;
    }
    if (!name.empty()) known.push_back(name);
    if (!use.empty()) known.push_back(use);
  }
  if (uses == 1) return *by_use;
  if (uses > 1)
    refuse(what, std::to_string(uses) + " items of the list are '" + word +
                     "': address one by its index");
  refuse(what, "the list has no item '" + word + "'; " + suggestion(word, known, "it has"));
}

// A scalar in the way becomes a map that holds it as its short form.
Node& as_map(Node& node, const Place& place) {
  if (node.is_scalar()) {
    Node grown;
    grown.place = place;
    grown.members.push_back({kShortForm, node.place, node});
    node = std::move(grown);
  }
  node.kind = Node::Kind::map;
  return node;
}

Node& step(Node& node, const std::string& word, const Override& what) {
  if (node.is_list()) return item_of(node, word, what);
  return as_map(node, what.place).member(word, what.place).value;
}

void assign(Node& node, const std::string& word, const Override& what) {
  if (node.is_list()) {
    item_of(node, word, what) = what.value;
    return;
  }
  Member& member = as_map(node, what.place).member(word, what.place);
  member.place = what.place;
  member.value = what.value;
}

}  // namespace

void apply_set(Node& root, const std::string& argument, const Schema& schema) {
  const Override what = parse(argument);
  Node* node = start(root, what, schema);
  std::size_t next = 1;
  if (!node) {
    node = &root;
    next = 0;
  }
  if (next == what.words.size()) {
    *node = what.value;
    return;
  }
  for (; next + 1 < what.words.size(); ++next) node = &step(*node, what.words[next], what);
  assign(*node, what.words.back(), what);
}

}  // namespace odeum::config
