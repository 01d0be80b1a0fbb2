// SPDX-License-Identifier: Apache-2.0
#include "config/node.hpp"

#include <algorithm>

namespace odeum::config {
namespace {

// What names the component that a node describes, or null.
const Node* use_of(const Node& node) {
  if (node.is_scalar()) return &node;
  if (!node.is_map()) return nullptr;
  if (const Member* use = node.find("use")) return &use->value;
  if (const Member* use = node.find(kShortForm)) return &use->value;
  return nullptr;
}

}  // namespace

const Member* Node::find(const std::string& key) const {
  for (const Member& m : members) {
    if (m.key == key) return &m;
  }
  return nullptr;
}

Member* Node::find(const std::string& key) {
  return const_cast<Member*>(static_cast<const Node*>(this)->find(key));
}

Member& Node::member(const std::string& key, const Place& where) {
  if (Member* found = find(key)) return *found;
  Node nothing;
  nothing.place = where;
  members.push_back({key, where, nothing});
  return members.back();
}

void Node::erase(const std::string& key) {
  members.erase(
      std::remove_if(members.begin(), members.end(), [&](const Member& m) { return m.key == key; }),
      members.end());
}

std::string Node::shown() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return "'" + scalar + "'";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
  }
  return "nothing";
}

Node scalar_node(std::string text, const Place& place) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.scalar = std::move(text);
  node.place = place;
  return node;
}

Node merge(Node base, const Node& over) {
  // The short form of what is there already leaves its keys.
  const bool same_use = over.is_scalar() && base.find("use") && use_of(base)->scalar == over.scalar;
  if (same_use) return base;
  if (!over.is_map()) return over;
  const Node* new_use = over.find("use") ? &over.find("use")->value : nullptr;
  const Node* old_use = use_of(base);
  const bool replaces = new_use && old_use && new_use->scalar != old_use->scalar;
  if (replaces) return over;
  if (base.is_scalar()) {
    Node grown;
    grown.kind = Node::Kind::map;
    grown.place = base.place;
    grown.members.push_back({kShortForm, base.place, base});
    base = std::move(grown);
  }
  if (!base.is_map()) return over;
  for (const Member& m : over.members) {
    if (Member* old = base.find(m.key)) {
      old->value = merge(std::move(old->value), m.value);
      old->place = m.place;
    } else {
      base.members.push_back(m);
    }
  }
  return base;
}

}  // namespace odeum::config
