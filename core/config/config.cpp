// SPDX-License-Identifier: Apache-2.0
#include "odeum/config.hpp"

#include "config/mistakes.hpp"

namespace odeum::inline v1 {
namespace {

std::string shown(const Config& config) {
  if (!config.use().empty())
    return "the configuration of " + config.kind() + " '" + config.use() + "'";
  return "the configuration '" + config.path_ + "'";
}

template <class T>
const T& as(const Config& config, const Config::Entry& entry, const std::string& key,
            const char* type) {
  const T* value = std::get_if<T>(&entry.value);
  if (value) return *value;
  if (std::holds_alternative<std::monostate>(entry.value))
    bug(shown(config) + ": the optional key '" + key + "' was left out; has() tells so");
  bug(shown(config) + ": the key '" + key + "' is not " + type);
}

Config evaluated(Config config) {
  if (config.evaluate_) config = Config(*config.evaluate_);
  for (auto& [key, entry] : config.entries_) {
    if (auto* nested = std::get_if<std::vector<Config>>(&entry.value)) {
      for (Config& one : *nested) one = evaluated(std::move(one));
    }
  }
  return config;
}

}  // namespace

const Config::Entry& Config::entry(const std::string& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) bug(shown(*this) + " has no key '" + key + "'");
  return found->second;
}

double Config::number(const std::string& key) const {
  return as<double>(*this, entry(key), key, "a number");
}
std::int64_t Config::integer(const std::string& key) const {
  return as<std::int64_t>(*this, entry(key), key, "an integer");
}
bool Config::flag(const std::string& key) const {
  return as<bool>(*this, entry(key), key, "a flag");
}
const std::string& Config::text(const std::string& key) const {
  return as<std::string>(*this, entry(key), key, "a text");
}
const std::string& Config::path(const std::string& key) const {
  return as<std::string>(*this, entry(key), key, "a path");
}
const std::vector<double>& Config::numbers(const std::string& key) const {
  return as<std::vector<double>>(*this, entry(key), key, "a list of numbers");
}
const std::vector<std::int64_t>& Config::integers(const std::string& key) const {
  return as<std::vector<std::int64_t>>(*this, entry(key), key, "a list of integers");
}
const std::vector<std::string>& Config::texts(const std::string& key) const {
  return as<std::vector<std::string>>(*this, entry(key), key, "a list of texts");
}
const std::vector<Config>& Config::components(const std::string& key) const {
  return as<std::vector<Config>>(*this, entry(key), key, "a list of components");
}
const std::vector<Config>& Config::sections(const std::string& key) const {
  return as<std::vector<Config>>(*this, entry(key), key, "a list of sections");
}
Schedule Config::schedule(const std::string& key) const {
  return as<Schedule>(*this, entry(key), key, "a schedule");
}

const Config& Config::component(const std::string& key) const {
  const auto& one = as<std::vector<Config>>(*this, entry(key), key, "a component");
  if (one.size() != 1) bug(shown(*this) + ": the key '" + key + "' is a list; ask components()");
  return one.front();
}

const Config& Config::section(const std::string& key) const {
  const auto& one = as<std::vector<Config>>(*this, entry(key), key, "a section");
  if (one.size() != 1) bug(shown(*this) + ": the key '" + key + "' is a list; ask sections()");
  return one.front();
}

bool Config::has(const std::string& key) const {
  return !std::holds_alternative<std::monostate>(entry(key).value);
}
bool Config::given(const std::string& key) const { return entry(key).given; }
Place Config::place(const std::string& key) const { return entry(key).place; }

void Config::fail(const std::string& key, const std::string& message) const {
  const std::string full = path_.empty() ? key : key.empty() ? path_ : path_ + "." + key;
  const Place where = entries_.contains(key) ? place(key) : place_;
  throw ConfigError(config::Mistake{where, full, message}.line());
}

Config Config::for_evaluation() const { return evaluated(*this); }

}  // namespace odeum::inline v1
