// SPDX-License-Identifier: Apache-2.0
#include "config/values.hpp"

#include <algorithm>
#include <cmath>

#include "config/nearest.hpp"
#include "config/scalars.hpp"

namespace odeum::config {
namespace {

/// One reading of one key: everything that the functions below share.
class Reading {
 public:
  Reading(const Key& key, const Surroundings& surroundings, Mistakes& mistakes)
      : key_(key), surroundings_(surroundings), mistakes_(mistakes) {}

  Config::Value value(const Node& node, const std::string& path) {
    switch (key_.type) {
      case KeyType::number:
        return number(node, path);
      case KeyType::integer:
        return integer(node, path);
      case KeyType::flag:
        return flag(node, path);
      case KeyType::text:
        return text(node, path);
      case KeyType::path:
        return file(node, path);
      case KeyType::numbers:
        return list<double>(node, path, &Reading::number);
      case KeyType::integers:
        return list<std::int64_t>(node, path, &Reading::integer);
      case KeyType::texts:
        return list<std::string>(node, path, &Reading::text);
      case KeyType::schedule:
        return schedule(node, path);
      default:
        bug("read_value: the key '" + key_.name + "' has keys of its own");
    }
  }

 private:
  void wrong(const Node& node, const std::string& path, const std::string& text) {
    mistakes_.add(node.place, path, text);
  }

  // Adds why a node is not of the wanted form; a number in quotes is the usual reason.
  void wrong_type(const Node& node, const std::string& path, const std::string& what) {
    if (node.kind == Node::Kind::null) {
      wrong(node, path, "the value is missing: " + what + " is wanted");
    } else if (node.quoted && (read_number(node.scalar) || read_flag(node.scalar))) {
      wrong(node, path, "\"" + node.scalar + "\" in quotes is a text: " + what + " is wanted");
    } else {
      wrong(node, path, what + " is wanted, this is " + node.shown());
    }
  }

  bool in_range(const Node& node, const std::string& path, double value) {
    const std::string reason = out_of_range(value, key_);
    if (!reason.empty()) wrong(node, path, reason);
    return reason.empty();
  }

  Config::Value number(const Node& node, const std::string& path) {
    const auto value = node.is_scalar() && !node.quoted ? read_number(node.scalar) : std::nullopt;
    if (!value) {
      wrong_type(node, path, "a number");
      return {};
    }
    if (std::isinf(*value) && !takes_infinity()) {
      wrong(node, path, "a finite number is wanted, this is " + node.shown());
      return {};
    }
    if (!in_range(node, path, *value)) return {};
    return *value;
  }

  bool takes_infinity() const {
    const double* usual = std::get_if<double>(&key_.default_value);
    return usual && std::isinf(*usual);
  }

  Config::Value integer(const Node& node, const std::string& path) {
    const auto value = node.is_scalar() && !node.quoted ? read_integer(node.scalar) : std::nullopt;
    if (!value) {
      wrong_type(node, path, "a whole number");
      return {};
    }
    if (!in_range(node, path, static_cast<double>(*value))) return {};
    return *value;
  }

  Config::Value flag(const Node& node, const std::string& path) {
    const auto value = node.is_scalar() && !node.quoted ? read_flag(node.scalar) : std::nullopt;
    if (!value) {
      wrong_type(node, path, "true or false");
      return {};
    }
    return *value;
  }

  Config::Value text(const Node& node, const std::string& path) {
    if (!node.is_scalar()) {
      wrong_type(node, path, key_.choices.empty() ? "a text" : "one of " + listed(key_.choices));
      return {};
    }
    const auto& choices = key_.choices;
    const bool allowed =
        choices.empty() || std::find(choices.begin(), choices.end(), node.scalar) != choices.end();
    if (!allowed) {
      wrong(node, path,
            "'" + node.scalar + "' is no choice; " + suggestion(node.scalar, choices, "choices"));
      return {};
    }
    return node.scalar;
  }

  Config::Value file(const Node& node, const std::string& path) {
    if (!node.is_scalar() || node.scalar.empty()) {
      wrong_type(node, path, "the path of a file");
      return {};
    }
    FoundPath found = find_path(node, surroundings_.folder, surroundings_.files);
    if (!found.wrong.empty()) {
      wrong(node, path, found.wrong);
      return {};
    }
    return std::move(found.absolute);
  }

  template <class T>
  Config::Value list(const Node& node, const std::string& path,
                     Config::Value (Reading::*element)(const Node&, const std::string&)) {
    if (node.is_map() || node.kind == Node::Kind::null) {
      wrong_type(node, path, wanted(key_.type));
      return {};
    }
    std::vector<T> values;
    bool whole = true;
    const auto take = [&](const Node& item, const std::string& item_path) {
      const Config::Value value = (this->*element)(item, item_path);
      if (const T* one = std::get_if<T>(&value)) {
        values.push_back(*one);
      } else {
        whole = false;
      }
    };
    if (node.is_scalar()) take(node, path);
    for (std::size_t i = 0; i < node.items.size(); ++i)
      take(node.items[i], path + "." + std::to_string(i));
    const std::string reason = wrong_size(key_, node.is_scalar() ? 1 : node.items.size());
    if (!reason.empty()) wrong(node, path, reason);
    if (!whole || !reason.empty()) return {};
    return values;
  }

  Config::Value schedule(const Node& node, const std::string& path) {
    if (node.is_scalar()) {
      const Config::Value constant = number(node, path);
      const double* value = std::get_if<double>(&constant);
      return value ? Config::Value(Schedule{*value, *value, 0}) : Config::Value();
    }
    if (!node.is_map()) {
      wrong_type(node, path, wanted(KeyType::schedule));
      return {};
    }
    Schedule result;
    bool then_given = false;
    bool whole = true;
    const auto take = [&](const Config::Value& value, double& to) {
      const double* one = std::get_if<double>(&value);
      if (one) to = *one;
      whole = whole && one;
    };
    const bool named_then = node.find("then") != nullptr;
    for (const Member& m : node.members) {
      const std::string member_path = path + "." + (m.key == kShortForm ? "then" : m.key);
      if (m.key == "then" || (m.key == kShortForm && !named_then)) {
        take(number(m.value, member_path), result.then);
        then_given = true;
      } else if (m.key == "from") {
        take(from(m.value, member_path), result.from);
      } else if (m.key == "warmup") {
        whole = warmup(m.value, member_path, result.warmup) && whole;
      } else if (m.key != kShortForm) {
        mistakes_.add(
            m.place, member_path,
            "unknown key; " + suggestion(m.key, {"warmup", "then", "from"}, "a schedule takes"));
        whole = false;
      }
    }
    if (!then_given) {
      wrong(node, path, "the key 'then' is missing: the value after the warm-up");
      whole = false;
    }
    if (result.warmup == 0) result.from = result.then;
    return whole ? Config::Value(result) : Config::Value();
  }

  // A warm-up may begin at a bound that the value itself may not reach, 0 above all.
  Config::Value from(const Node& node, const std::string& path) {
    Key closed = key_;
    closed.minimum_open = closed.maximum_open = false;
    return Reading(closed, surroundings_, mistakes_).number(node, path);
  }

  bool warmup(const Node& node, const std::string& path, std::int64_t& to) {
    Key steps;
    steps.name = "warmup";
    steps.type = KeyType::integer;
    steps.minimum = 0;
    const Config::Value value = Reading(steps, surroundings_, mistakes_).integer(node, path);
    const std::int64_t* whole = std::get_if<std::int64_t>(&value);
    if (whole) to = *whole;
    return whole != nullptr;
  }

  const Key& key_;
  const Surroundings& surroundings_;
  Mistakes& mistakes_;
};

}  // namespace

std::string wanted(KeyType type) {
  switch (type) {
    case KeyType::number:
      return "a number";
    case KeyType::integer:
      return "a whole number";
    case KeyType::flag:
      return "true or false";
    case KeyType::text:
      return "a text";
    case KeyType::path:
      return "the path of a file";
    case KeyType::numbers:
      return "a list of numbers";
    case KeyType::integers:
      return "a list of whole numbers";
    case KeyType::texts:
      return "a list of texts";
    case KeyType::component:
      return "a component, {use: name, ...} or its name,";
    case KeyType::components:
      return "a list of components";
    case KeyType::section:
      return "a map of keys";
    case KeyType::sections:
      return "a list of maps";
    case KeyType::schedule:
      return "a number or {warmup: steps, then: value}";
  }
  return "a value";
}

std::string wrong_size(const Key& key, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  const bool few = count < key.minimum_size;
  const bool many = key.maximum_size >= 0 && count > key.maximum_size;
  if (!few && !many) return "";
  std::string range = "at least " + std::to_string(key.minimum_size);
  if (key.minimum_size == key.maximum_size) {
    range = std::to_string(key.minimum_size);
  } else if (key.maximum_size >= 0) {
    range = std::to_string(key.minimum_size) + " to " + std::to_string(key.maximum_size);
  }
  return "the list has " + std::to_string(count) + (count == 1 ? " item, " : " items, ") + range +
         (range == "1" || range.ends_with(" 1") ? " is wanted" : " are wanted");
}

Config::Value read_value(const Key& key, const Node& node, const std::string& path,
                         const Surroundings& surroundings, Mistakes& mistakes) {
  return Reading(key, surroundings, mistakes).value(node, path);
}

Config::Value default_value(const Key& key) {
  if (key.type == KeyType::components || key.type == KeyType::sections)
    return std::vector<Config>();
  if (key.type == KeyType::schedule) {
    const double value = std::get<double>(key.default_value);
    return Schedule{value, value, 0};
  }
  return std::visit([](const auto& value) -> Config::Value { return value; }, key.default_value);
}

}  // namespace odeum::config
