// SPDX-License-Identifier: Apache-2.0
// Node: a configuration as written, before a schema has given it meaning: scalars, lists and maps,
// each with its place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "odeum/error.hpp"

namespace odeum::config {

struct Member;

struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  Place place;         ///< where the value begins
  std::string scalar;  ///< as written, without quotes
  bool quoted = false;
  std::vector<Node> items;      ///< of a list
  std::vector<Member> members;  ///< of a map, in the order written, every key once

  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_list() const { return kind == Kind::list; }
  bool is_map() const { return kind == Kind::map; }

  const Member* find(const std::string& key) const;
  Member* find(const std::string& key);
  /// The member of that key; made if there is none.
  Member& member(const std::string& key, const Place& place);
  void erase(const std::string& key);
  /// "5", "a list", "a map", "nothing": for messages.
  std::string shown() const;
};

struct Member {
  std::string key;
  Place place;  ///< of the key
  Node value;
};

/// The key under which a map holds the scalar that it grew out of: `device: cpu` with
/// `--set device.threads=1` is {<short form>: cpu, threads: 1}. For a component it stands for
/// `use:`, for a schedule for `then:`. No file can contain it.
inline const std::string kShortForm;

/// The text as a scalar node.
Node scalar_node(std::string text, const Place& place);

/// Lays `over` on `base`: maps key by key, anything else replaces. A map with another `use:` than
/// the base's replaces it; a map without `use:` over a scalar keeps the scalar as its short form.
Node merge(Node base, const Node& over);

}  // namespace odeum::config
