// SPDX-License-Identifier: Apache-2.0
// Schema: the keys that a plugin takes. One description, three uses: it validates what the user
// wrote, fills in defaults, and is printed by `odeum describe`.
//
//   Schema("Damped pendulum, state (angle [rad], rate [rad/s])")
//       .number("damping", 0.1, "friction coefficient [1/s]").at_least(0);
//
// A key without default is required. Modifiers (at_least, choices, ...) apply to the key declared
// last. Component keys name a plugin kind: their value is `name` or `{use: name, ...}` and is
// checked against that plugin's own schema.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace odeum::inline v1 {

enum class KeyType : std::uint8_t {
  number,      ///< a real number
  integer,     ///< a whole number; 2e3 counts as one
  flag,        ///< true or false
  text,        ///< a string; with choices, one of them
  path,        ///< a file, relative to the configuration's folder, then to ODEUM_DATA
  numbers,     ///< a list of real numbers; a single number counts as a list of one
  integers,    ///< a list of whole numbers
  texts,       ///< a list of strings
  component,   ///< a plugin of a kind
  components,  ///< a list of plugins of a kind
  section,     ///< nested keys, with a schema of their own
  sections,    ///< a list of such
  schedule,    ///< a number, or {warmup: steps, then: value, from: value}
};
const char* name(KeyType type);

class Schema;

/// One key.
struct Key {
  using Value =
      std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<double>,
                   std::vector<std::int64_t>, std::vector<std::string>>;
  std::string name;
  KeyType type = KeyType::number;
  bool required = true;
  Value default_value;  ///< monostate with required = false: may be absent
  std::string doc;      ///< one sentence, with the unit in brackets
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool minimum_open = false;
  bool maximum_open = false;
  std::vector<std::string> choices;
  std::string kind;  ///< of a component
  std::shared_ptr<const Schema> section;
  int minimum_size = 0;     ///< of a list
  int maximum_size = -1;    ///< of a list; -1: any
  std::string replaced_by;  ///< an old name: the error says what to write instead
};

class Schema {
 public:
  explicit Schema(std::string summary = {});
  /// Where the method was published; printed by `describe`.
  Schema& cite(std::string citation);

  Schema& number(std::string key, std::string doc);
  Schema& number(std::string key, double default_value, std::string doc);
  Schema& integer(std::string key, std::string doc);
  Schema& integer(std::string key, std::int64_t default_value, std::string doc);
  Schema& flag(std::string key, bool default_value, std::string doc);
  Schema& text(std::string key, std::string doc);
  Schema& text(std::string key, std::string default_value, std::string doc);
  Schema& path(std::string key, std::string doc);
  Schema& numbers(std::string key, std::string doc);
  Schema& numbers(std::string key, std::vector<double> default_value, std::string doc);
  Schema& integers(std::string key, std::string doc);
  Schema& integers(std::string key, std::vector<std::int64_t> default_value, std::string doc);
  Schema& texts(std::string key, std::string doc);
  Schema& texts(std::string key, std::vector<std::string> default_value, std::string doc);
  Schema& component(std::string key, std::string kind, std::string doc);
  Schema& component(std::string key, std::string kind, std::string default_name, std::string doc);
  Schema& components(std::string key, std::string kind,
                     std::string doc);  ///< optional: may be empty
  Schema& section(std::string key, Schema schema, std::string doc);
  Schema& sections(std::string key, Schema schema, std::string doc);
  Schema& schedule(std::string key, double default_value, std::string doc);

  // Modifiers of the key declared last.
  Schema& optional();  ///< may be absent, without a default: ask Config::has
  Schema& at_least(double value);
  Schema& at_most(double value);
  Schema& above(double value);
  Schema& below(double value);
  Schema& choices(std::vector<std::string> values);
  Schema& size(int minimum, int maximum = -1);
  Schema& renamed(std::string old_name);  ///< the old name gives an error that names this key

  /// All keys of another schema, behind these.
  Schema& include(const Schema& other);

  const std::string& summary() const { return summary_; }
  const std::vector<std::string>& citations() const { return citations_; }
  const std::vector<Key>& keys() const { return keys_; }
  const Key* find(const std::string& key) const;

 private:
  Schema& add(Key key);

  std::string summary_;
  std::vector<std::string> citations_;
  std::vector<Key> keys_;
};

}  // namespace odeum::inline v1
