// SPDX-License-Identifier: Apache-2.0
// How the validation comes to the schemas of components: by functions, so that it knows nothing of
// plugins.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "odeum/schema.hpp"

namespace odeum::config {

struct SchemaLookup {
  /// The schema of kind/name, valid as long as its owner; null where there is no such component.
  /// A ConfigError where there is one that cannot be used, with the reason.
  std::function<const Schema*(const std::string& kind, const std::string& name)> schema;
  /// The names of a kind that can be used.
  std::function<std::vector<std::string>(const std::string& kind)> names;
  /// Where a name that was not found was looked for and what was passed over, for the message. May
  /// be empty.
  std::function<std::string(const std::string& kind, const std::string& name)> explain;
};

/// Whole schemas: a plugin says what is its own, the core adds what every component of the kind
/// takes, and a few components come with the core itself.
class KindSchemas {
 public:
  using CommonKeys = std::function<Schema(const std::string& kind)>;
  KindSchemas(SchemaLookup plugins, CommonKeys common_keys);

  /// A component that is no plugin, without the common keys.
  void add(const std::string& kind, const std::string& name, Schema own);

  /// Own keys first, then the common ones. As SchemaLookup::schema; also a ConfigError where a
  /// plugin declares a key that the core adds.
  const Schema* find(const std::string& kind, const std::string& name);
  std::vector<std::string> names(const std::string& kind) const;

  /// Refers to *this.
  SchemaLookup lookup();

 private:
  SchemaLookup plugins_;
  CommonKeys common_keys_;
  std::map<std::pair<std::string, std::string>, Schema> own_;
  std::map<std::pair<std::string, std::string>, Schema> merged_;
};

}  // namespace odeum::config
