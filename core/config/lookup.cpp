// SPDX-License-Identifier: Apache-2.0
#include "config/lookup.hpp"

#include <algorithm>

#include "odeum/error.hpp"

namespace odeum::config {
namespace {

[[noreturn]] void refuse_common(const std::string& kind, const std::string& name,
                                const std::string& key) {
  throw ConfigError("the plugin " + kind + "/" + name + " declares the key '" + key +
                    "', which odeum gives to every " + kind +
                    ": its author has to rename it or leave it out");
}

}  // namespace

KindSchemas::KindSchemas(SchemaLookup plugins, CommonKeys common_keys)
    : plugins_(std::move(plugins)), common_keys_(std::move(common_keys)) {}

void KindSchemas::add(const std::string& kind, const std::string& name, Schema own) {
  own_.insert_or_assign({kind, name}, std::move(own));
}

const Schema* KindSchemas::find(const std::string& kind, const std::string& name) {
  const auto key = std::make_pair(kind, name);
  if (const auto known = merged_.find(key); known != merged_.end()) return &known->second;
  const auto built_in = own_.find(key);
  const Schema* own = built_in != own_.end() ? &built_in->second : plugins_.schema(kind, name);
  if (!own) return nullptr;
  Schema merged = *own;
  const Schema common = common_keys_(kind);
  for (const Key& added : common.keys()) {
    if (own->find(added.name)) refuse_common(kind, name, added.name);
  }
  merged.include(common);
  return &merged_.emplace(key, std::move(merged)).first->second;
}

std::vector<std::string> KindSchemas::names(const std::string& kind) const {
  std::vector<std::string> all = plugins_.names(kind);
  for (const auto& [key, schema] : own_) {
    if (key.first == kind) all.push_back(key.second);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

SchemaLookup KindSchemas::lookup() {
  return {[this](const std::string& kind, const std::string& name) { return find(kind, name); },
          [this](const std::string& kind) { return names(kind); }, plugins_.explain};
}

}  // namespace odeum::config
