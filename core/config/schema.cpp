// SPDX-License-Identifier: Apache-2.0
#include "odeum/schema.hpp"

#include <algorithm>

#include "odeum/error.hpp"

namespace odeum::inline v1 {
namespace {

// What every component and section may have beside its schema's keys, and what lists expand.
bool reserved(const std::string& key) {
  return key == "use" || key == "name" || key == "evaluate" || key == "repeat" || key == "include";
}

bool well_formed(const std::string& key) {
  if (key.empty() || key[0] < 'a' || key[0] > 'z') return false;
  return std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Key make(std::string name, KeyType type, std::string doc) {
  Key key;
  key.name = std::move(name);
  key.type = type;
  key.doc = std::move(doc);
  return key;
}

Key with_default(Key key, Key::Value value) {
  key.required = false;
  key.default_value = std::move(value);
  return key;
}

bool numeric(KeyType type) {
  return type == KeyType::number || type == KeyType::integer || type == KeyType::numbers ||
         type == KeyType::integers || type == KeyType::schedule;
}

bool is_list(KeyType type) {
  return type == KeyType::numbers || type == KeyType::integers || type == KeyType::texts ||
         type == KeyType::components || type == KeyType::sections;
}

}  // namespace

const char* name(KeyType type) {
  switch (type) {
    case KeyType::number:
      return "number";
    case KeyType::integer:
      return "integer";
    case KeyType::flag:
      return "flag";
    case KeyType::text:
      return "text";
    case KeyType::path:
      return "path";
    case KeyType::numbers:
      return "numbers";
    case KeyType::integers:
      return "integers";
    case KeyType::texts:
      return "texts";
    case KeyType::component:
      return "component";
    case KeyType::components:
      return "components";
    case KeyType::section:
      return "section";
    case KeyType::sections:
      return "sections";
    case KeyType::schedule:
      return "schedule";
  }
  return "?";
}

Schema::Schema(std::string summary) : summary_(std::move(summary)) {}

Schema& Schema::cite(std::string citation) {
  citations_.push_back(std::move(citation));
  return *this;
}

Schema& Schema::add(Key key) {
  if (!well_formed(key.name))
    bug("schema key '" + key.name + "' is not of the form [a-z][a-z0-9_]*");
  if (reserved(key.name))
    bug("schema key '" + key.name + "': every component has it, no schema declares it");
  if (find(key.name)) bug("schema key '" + key.name + "' is declared twice");
  keys_.push_back(std::move(key));
  return *this;
}

Schema& Schema::number(std::string key, std::string doc) {
  return add(make(std::move(key), KeyType::number, std::move(doc)));
}
Schema& Schema::number(std::string key, double default_value, std::string doc) {
  return add(with_default(make(std::move(key), KeyType::number, std::move(doc)), default_value));
}
Schema& Schema::integer(std::string key, std::string doc) {
  return add(make(std::move(key), KeyType::integer, std::move(doc)));
}
Schema& Schema::integer(std::string key, std::int64_t default_value, std::string doc) {
  return add(with_default(make(std::move(key), KeyType::integer, std::move(doc)), default_value));
}
Schema& Schema::flag(std::string key, bool default_value, std::string doc) {
  return add(with_default(make(std::move(key), KeyType::flag, std::move(doc)), default_value));
}
Schema& Schema::text(std::string key, std::string doc) {
  return add(make(std::move(key), KeyType::text, std::move(doc)));
}
Schema& Schema::text(std::string key, std::string default_value, std::string doc) {
  return add(
      with_default(make(std::move(key), KeyType::text, std::move(doc)), std::move(default_value)));
}
Schema& Schema::path(std::string key, std::string doc) {
  return add(make(std::move(key), KeyType::path, std::move(doc)));
}
Schema& Schema::numbers(std::string key, std::string doc) {
  return add(make(std::move(key), KeyType::numbers, std::move(doc)));
}
Schema& Schema::numbers(std::string key, std::vector<double> default_value, std::string doc) {
  return add(with_default(make(std::move(key), KeyType::numbers, std::move(doc)),
                          std::move(default_value)));
}
Schema& Schema::integers(std::string key, std::string doc) {
  return add(make(std::move(key), KeyType::integers, std::move(doc)));
}
Schema& Schema::integers(std::string key, std::vector<std::int64_t> default_value,
                         std::string doc) {
  return add(with_default(make(std::move(key), KeyType::integers, std::move(doc)),
                          std::move(default_value)));
}
Schema& Schema::texts(std::string key, std::string doc) {
  return add(make(std::move(key), KeyType::texts, std::move(doc)));
}
Schema& Schema::texts(std::string key, std::vector<std::string> default_value, std::string doc) {
  return add(
      with_default(make(std::move(key), KeyType::texts, std::move(doc)), std::move(default_value)));
}

Schema& Schema::component(std::string key, std::string kind, std::string doc) {
  Key made = make(std::move(key), KeyType::component, std::move(doc));
  made.kind = std::move(kind);
  return add(std::move(made));
}
Schema& Schema::component(std::string key, std::string kind, std::string default_name,
                          std::string doc) {
  Key made = make(std::move(key), KeyType::component, std::move(doc));
  made.kind = std::move(kind);
  return add(with_default(std::move(made), std::move(default_name)));
}
Schema& Schema::components(std::string key, std::string kind, std::string doc) {
  Key made = make(std::move(key), KeyType::components, std::move(doc));
  made.kind = std::move(kind);
  made.required = false;
  return add(std::move(made));
}
Schema& Schema::section(std::string key, Schema schema, std::string doc) {
  Key made = make(std::move(key), KeyType::section, std::move(doc));
  made.section = std::make_shared<const Schema>(std::move(schema));
  return add(std::move(made));
}
Schema& Schema::sections(std::string key, Schema schema, std::string doc) {
  Key made = make(std::move(key), KeyType::sections, std::move(doc));
  made.section = std::make_shared<const Schema>(std::move(schema));
  made.required = false;
  return add(std::move(made));
}
Schema& Schema::schedule(std::string key, double default_value, std::string doc) {
  return add(with_default(make(std::move(key), KeyType::schedule, std::move(doc)), default_value));
}

namespace {

Key& last(std::vector<Key>& keys, const char* modifier) {
  if (keys.empty()) bug(std::string(modifier) + " comes before any key of the schema");
  return keys.back();
}

Key& last_numeric(std::vector<Key>& keys, const char* modifier) {
  Key& key = last(keys, modifier);
  if (!numeric(key.type)) bug(std::string(modifier) + " on '" + key.name + "', which is no number");
  return key;
}

}  // namespace

Schema& Schema::optional() {
  Key& key = last(keys_, "optional()");
  key.required = false;
  key.default_value = std::monostate{};
  return *this;
}

Schema& Schema::at_least(double value) {
  Key& key = last_numeric(keys_, "at_least()");
  key.minimum = value;
  key.minimum_open = false;
  return *this;
}

Schema& Schema::at_most(double value) {
  Key& key = last_numeric(keys_, "at_most()");
  key.maximum = value;
  key.maximum_open = false;
  return *this;
}

Schema& Schema::above(double value) {
  Key& key = last_numeric(keys_, "above()");
  key.minimum = value;
  key.minimum_open = true;
  return *this;
}

Schema& Schema::below(double value) {
  Key& key = last_numeric(keys_, "below()");
  key.maximum = value;
  key.maximum_open = true;
  return *this;
}

Schema& Schema::choices(std::vector<std::string> values) {
  Key& key = last(keys_, "choices()");
  if (key.type != KeyType::text && key.type != KeyType::texts)
    bug("choices() on '" + key.name + "', which is no text");
  key.choices = std::move(values);
  return *this;
}

Schema& Schema::size(int minimum, int maximum) {
  Key& key = last(keys_, "size()");
  if (!is_list(key.type)) bug("size() on '" + key.name + "', which is no list");
  key.minimum_size = minimum;
  key.maximum_size = maximum;
  return *this;
}

Schema& Schema::renamed(std::string old_name) {
  Key old = make(std::move(old_name), KeyType::text, "");
  old.required = false;
  old.replaced_by = last(keys_, "renamed()").name;
  // In front of the key that it became, which stays the one declared last.
  if (find(old.name)) bug("schema key '" + old.name + "' is declared twice");
  keys_.insert(keys_.end() - 1, std::move(old));
  return *this;
}

Schema& Schema::include(const Schema& other) {
  for (const Key& key : other.keys_) add(key);
  citations_.insert(citations_.end(), other.citations_.begin(), other.citations_.end());
  return *this;
}

const Key* Schema::find(const std::string& key) const {
  const auto found =
      std::find_if(keys_.begin(), keys_.end(), [&](const Key& k) { return k.name == key; });
  return found == keys_.end() ? nullptr : &*found;
}

}  // namespace odeum::inline v1
