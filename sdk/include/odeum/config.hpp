// SPDX-License-Identifier: Apache-2.0
// Config: validated values of a schema's keys. Whoever gets a Config may trust it: every key of
// the schema is there (given, or by default), typed and in range. Asking for a key that the
// schema does not have, or with the wrong type, is a bug in the plugin.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "odeum/error.hpp"
#include "odeum/schema.hpp"

namespace odeum::inline v1 {

/// A number that changes over training: linear from `from` to `then` over `warmup` steps.
struct Schedule {
  double from = 0.0;
  double then = 0.0;
  std::int64_t warmup = 0;

  double at(std::int64_t step) const {
    if (step >= warmup) return then;
    return from + (then - from) * static_cast<double>(step) / static_cast<double>(warmup);
  }
};

class Config {
 public:
  using Value =
      std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<double>,
                   std::vector<std::int64_t>, std::vector<std::string>, Schedule,
                   std::vector<Config>>;  ///< component and section: a vector of one
  struct Entry {
    Value value;
    Place place;  ///< where it was written; the component's place for defaults
    /// Written by the user. For messages: in a run's resolved file every value is written, so
    /// nothing that is computed may depend on it (an optional() key and has() are for that).
    bool given = false;
    KeyType type = KeyType::number;  ///< what the schema says
  };

  double number(const std::string& key) const;
  std::int64_t integer(const std::string& key) const;
  bool flag(const std::string& key) const;
  const std::string& text(const std::string& key) const;
  const std::string& path(const std::string& key) const;  ///< absolute, existing
  const std::vector<double>& numbers(const std::string& key) const;
  const std::vector<std::int64_t>& integers(const std::string& key) const;
  const std::vector<std::string>& texts(const std::string& key) const;
  const Config& component(const std::string& key) const;
  const std::vector<Config>& components(const std::string& key) const;
  const Config& section(const std::string& key) const;
  const std::vector<Config>& sections(const std::string& key) const;
  Schedule schedule(const std::string& key) const;

  bool has(const std::string& key) const;    ///< false only for an optional key left out
  bool given(const std::string& key) const;  ///< the user wrote it
  Place place(const std::string& key) const;
  /// Throws a ConfigError "file:line:col key.path — message", as all configuration errors read. An
  /// empty key stands for the component itself.
  [[noreturn]] void fail(const std::string& key, const std::string& message) const;

  const std::string& kind() const { return kind_; }  ///< plugin kind; "" for a section
  const std::string& use() const { return use_; }    ///< plugin name; "" for a section
  const std::string& name() const { return name_; }  ///< the `name:` given, else ""
  const Place& place() const { return place_; }
  /// Where it stands in the configuration, as `--set` addresses it: "model.flow.solver".
  const std::string& key_path() const { return path_; }

  /// The values that hold outside training: those under the `evaluate:` key laid over these, here
  /// and in all nested components and sections; *this where there is none.
  Config for_evaluation() const;

  // Built by core/config only.
  std::string kind_, use_, name_, path_;
  Place place_;
  std::map<std::string, Entry> entries_;
  std::shared_ptr<const Config> evaluate_;

 private:
  const Entry& entry(const std::string& key) const;
};

}  // namespace odeum::inline v1
