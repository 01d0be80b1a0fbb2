// SPDX-License-Identifier: Apache-2.0
#include "config/validate.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "config/nearest.hpp"
#include "config/scalars.hpp"
#include "config/values.hpp"

namespace odeum::config {
namespace {

constexpr std::int64_t kMostCopies = 10000;

std::string join(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

bool is_name(const std::string& text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && letter(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9');
  });
}

/// A map of keys in the configuration: where it stands and what else it may hold.
struct Spot {
  std::string path;
  Place place;                      ///< for keys that are missing
  std::string who;                  ///< whose keys these are: "dopri5", "the section 'train'"
  std::vector<std::string> beside;  ///< keys that are not the schema's: use, name, evaluate
};

class Validator {
 public:
  Validator(const Surroundings& surroundings, Mistakes& mistakes)
      : surroundings_(surroundings), mistakes_(mistakes) {}

  /// Every key of the schema, from the map or by default; `map` may be a null node.
  void fill(Config& config, const Node& map, const Schema& schema, const Spot& spot) {
    config.place_ = spot.place;
    config.path_ = spot.path;
    for (const Member& m : map.members) check_known(m, schema, spot);
    for (const Key& key : schema.keys()) {
      if (!key.replaced_by.empty()) continue;
      const Member* m = map.find(key.name);
      Config::Entry entry;
      entry.given = m != nullptr;
      entry.type = key.type;
      entry.place = m ? m->place : spot.place;
      entry.value = m ? given(key, *m, join(spot.path, key.name)) : absent(key, spot);
      config.entries_[key.name] = std::move(entry);
    }
  }

 private:
  /// Fills what is, or is not, of use in evaluation too.
  void fill_where(bool evaluates, Config& config, const Node& map, const Schema& schema,
                  Spot spot) {
    const bool outer = std::exchange(evaluates_, evaluates);
    if (evaluates) spot.beside.push_back("evaluate");
    fill(config, map, schema, spot);
    evaluates_ = outer;
  }

  void check_known(const Member& m, const Schema& schema, const Spot& spot) {
    const std::string path = join(spot.path, m.key);
    const Key* key = schema.find(m.key);
    if (m.key == "evaluate" && !evaluates_) {
      mistakes_.add(m.place, path,
                    "has no effect here: `evaluate:` goes inside a block, field, solver or "
                    "objective of a training, or a section of theirs");
    } else if (key && !key->replaced_by.empty()) {
      mistakes_.add(m.place, path, "this key is now called '" + key->replaced_by + "'");
    } else if (!key && m.key != kShortForm &&
               std::find(spot.beside.begin(), spot.beside.end(), m.key) == spot.beside.end()) {
      std::vector<std::string> known = spot.beside;
      for (const Key& k : schema.keys()) {
        if (k.replaced_by.empty()) known.push_back(k.name);
      }
      mistakes_.add(m.place, path, "unknown key; " + suggestion(m.key, known, spot.who + " takes"));
    }
  }

  Config::Value given(const Key& key, const Member& m, const std::string& path) {
    switch (key.type) {
      case KeyType::component:
        return std::vector<Config>{component(key, m.value, m.place, path)};
      case KeyType::components:
        return components(key, m.value, path);
      case KeyType::section:
        return std::vector<Config>{section(*key.section, m.value, m.place, path)};
      case KeyType::sections:
        return sections(key, m.value, path);
      default:
        return read_value(key, m.value, path, surroundings_, mistakes_);
    }
  }

  Config::Value absent(const Key& key, const Spot& spot) {
    const std::string path = join(spot.path, key.name);
    if (key.type == KeyType::section && key.required) {
      Node nothing;
      nothing.kind = Node::Kind::map;
      return std::vector<Config>{section(*key.section, nothing, spot.place, path)};
    }
    if (key.type == KeyType::component) {
      if (const auto* usual = std::get_if<std::string>(&key.default_value))
        return std::vector<Config>{
            component(key, scalar_node(*usual, spot.place), spot.place, path)};
    }
    if (key.required) {
      mistakes_.add(spot.place, path, "this key is missing: " + what_is_missing(key));
      return {};
    }
    return default_value(key);
  }

  std::string what_is_missing(const Key& key) const {
    if (key.type == KeyType::component)
      return "which " + key.kind + "? There are: " + all_of(key.kind);
    return wanted(key.type) + (key.doc.empty() ? "" : ", " + key.doc);
  }

  // --- components -------------------------------------------------------------------------------

  // Kinds of which evaluation has no use, or the same one.
  static bool only_for_training(const std::string& kind) {
    constexpr std::array kinds = {"dataset",   "device",      "gradient",
                                  "optimizer", "regularizer", "schedule"};
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  }

  // Keys under `evaluate:` that evaluation does not look at.
  void refuse_unused(const Node& over, const Schema& schema, const std::string& path) {
    for (const Member& member : over.members) {
      const Key* key = schema.find(member.key);
      if (key == nullptr || !only_for_training(key->kind)) continue;
      mistakes_.add(member.place, join(path, member.key),
                    "has no effect: evaluation has no use of a " + key->kind +
                        ", or the same one as training");
    }
  }

  Config component(const Key& key, const Node& node, const Place& place, const std::string& path) {
    Config config;
    config.kind_ = key.kind;
    config.place_ = place;
    config.path_ = path;
    const std::optional<Node> use = use_of(key, node, place, path);
    if (!use) return config;
    config.use_ = use->scalar;
    const Schema* schema = schema_of(key.kind, *use, path);
    if (!schema) return config;
    config.name_ = name_of(node, path);
    const Member* over = evaluates_ ? node.find("evaluate") : nullptr;
    Node own = node;
    if (over) own.erase("evaluate");
    fill_where(evaluates_ && !only_for_training(key.kind), config, own, *schema,
               {path, place, key.kind + " '" + use->scalar + "'", {"use", "name"}});
    if (over && only_for_training(key.kind)) {
      mistakes_.add(over->place, join(path, "evaluate"),
                    "a " + key.kind +
                        " is the same in training and evaluation: `evaluate:` goes "
                        "inside a block, field, solver, objective or section");
    } else if (over) {
      refuse_unused(over->value, *schema, join(path, "evaluate"));
      Node base = own;
      base.erase(kShortForm);
      base.member("use", use->place).value = *use;
      const auto again = [&](Validator& quiet, const Node& merged, const Place& at) {
        return quiet.component(key, merged, at, join(path, "evaluate"));
      };
      set_evaluate(config, base, *over, again);
    }
    return config;
  }

  // The scalar that says which component, or nothing with a mistake.
  std::optional<Node> use_of(const Key& key, const Node& node, const Place& place,
                             const std::string& path) {
    Node use = node;
    if (node.is_map()) {
      const Member* named = node.find("use");
      if (!named) named = node.find(kShortForm);
      const auto* usual = std::get_if<std::string>(&key.default_value);
      if (!named && !usual) {
        mistakes_.add(place, path,
                      "`use:` is missing: which " + key.kind + "? There are: " + all_of(key.kind));
        return std::nullopt;
      }
      use = named ? named->value : scalar_node(*usual, place);
    }
    if (use.is_scalar() && !use.scalar.empty()) return use;
    mistakes_.add(use.place, path,
                  "the name of a " + key.kind + " is wanted, or {use: name, ...}; this is " +
                      use.shown() + ". There are: " + all_of(key.kind));
    return std::nullopt;
  }

  std::string all_of(const std::string& kind) const {
    const auto names = surroundings_.lookup.names(kind);
    return names.empty() ? "none" : listed(names);
  }

  const Schema* schema_of(const std::string& kind, const Node& use, const std::string& path) {
    const SchemaLookup& lookup = surroundings_.lookup;
    try {
      if (const Schema* schema = lookup.schema(kind, use.scalar)) return schema;
    } catch (const ConfigError& unusable) {
      mistakes_.add(use.place, path, unusable.what());
      return nullptr;
    }
    std::string text = "there is no " + kind + " '" + use.scalar + "'; " +
                       suggestion(use.scalar, lookup.names(kind), "there are");
    if (lookup.explain) {
      const std::string why = lookup.explain(kind, use.scalar);
      if (!why.empty()) text += "\n" + why;
    }
    mistakes_.add(use.place, path, text);
    return nullptr;
  }

  std::string name_of(const Node& node, const std::string& path) {
    const Member* name = node.find("name");
    if (!name) return "";
    if (name->value.is_scalar() && is_name(name->value.scalar)) return name->value.scalar;
    mistakes_.add(name->value.place, join(path, "name"),
                  "a name is letters, digits and _, and begins with no digit; this is " +
                      name->value.shown());
    return "";
  }

  std::vector<Config> components(const Key& key, const Node& list, const std::string& path) {
    std::vector<Config> result;
    if (!list.is_list()) {
      mistakes_.add(list.place, path,
                    wanted(KeyType::components) + " is wanted, this is " + list.shown());
      return result;
    }
    result = expanded(key, list, path);
    const std::string reason = wrong_size(key, result.size());
    if (!reason.empty()) mistakes_.add(list.place, path, reason);
    check_names(result);
    return result;
  }

  std::vector<Config> expanded(const Key& key, const Node& list, const std::string& path) {
    std::vector<Config> result;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      const Node& item = list.items[i];
      const Member* repeat = item.find("repeat");
      if (!repeat) {
        result.push_back(component(key, item, item.place, item_path(item, path, i)));
        continue;
      }
      for (const Member& m : item.members) {
        if (m.key != "repeat")
          mistakes_.add(m.place, join(path, std::to_string(i)) + "." + m.key,
                        "an item that is a `repeat:` has no other keys");
      }
      const auto copies = repeated(key, *repeat, join(path, std::to_string(i)) + ".repeat");
      result.insert(result.end(), copies.begin(), copies.end());
    }
    return result;
  }

  static std::string item_path(const Node& item, const std::string& path, std::size_t i) {
    const Member* name = item.find("name");
    const bool named = name && name->value.is_scalar() && is_name(name->value.scalar);
    return join(path, named ? name->value.scalar : std::to_string(i));
  }

  std::vector<Config> repeated(const Key& key, const Member& repeat, const std::string& path) {
    Key blocks_key = key;
    blocks_key.name = "blocks";
    Schema schema;
    schema.integer("times", "how often the blocks follow one another")
        .at_least(1)
        .at_most(kMostCopies);
    const Node& map = repeat.value;
    if (!map.is_map()) {
      mistakes_.add(map.place, path, "{times: N, blocks: [...]} is wanted, this is " + map.shown());
      return {};
    }
    Config counted;
    fill(counted, map, schema, {path, repeat.place, "repeat", {"blocks"}});
    const Member* blocks = map.find("blocks");
    if (!blocks || !blocks->value.is_list()) {
      mistakes_.add(blocks ? blocks->value.place : repeat.place, join(path, "blocks"),
                    "a list of components is wanted, to be repeated");
      return {};
    }
    std::vector<Config> once = expanded(blocks_key, blocks->value, join(path, "blocks"));
    const auto* times = std::get_if<std::int64_t>(&counted.entries_["times"].value);
    if (!times) return once;
    if (*times * static_cast<std::int64_t>(once.size()) > kMostCopies) {
      mistakes_.add(repeat.place, path,
                    "these are " + std::to_string(*times) + " times " +
                        std::to_string(once.size()) + " components, more than " +
                        std::to_string(kMostCopies));
      return once;
    }
    std::vector<Config> result;
    for (std::int64_t n = 1; n <= *times; ++n) {
      for (Config copy : once) {
        if (!copy.name_.empty()) rename(copy, copy.name_ + "_" + std::to_string(n));
        result.push_back(std::move(copy));
      }
    }
    return result;
  }

  static void rename(Config& config, const std::string& name) {
    config.name_ = name;
    if (!config.evaluate_) return;
    Config evaluate = *config.evaluate_;
    evaluate.name_ = name;
    config.evaluate_ = std::make_shared<const Config>(std::move(evaluate));
  }

  void check_names(const std::vector<Config>& list) {
    std::map<std::string, Place> taken;
    for (const Config& config : list) {
      if (config.name().empty()) continue;
      const auto [first, fresh] = taken.emplace(config.name(), config.place());
      if (!fresh)
        mistakes_.add(config.place(), config.key_path(),
                      "the name '" + config.name() + "' is taken, by " + first->second.text());
    }
  }

  // --- sections ---------------------------------------------------------------------------------

  Config section(const Schema& schema, const Node& node, const Place& place,
                 const std::string& path) {
    Config config;
    if (!takes_keys(node, place, path)) return config;
    // Of the sections of the whole configuration, none is of use outside training, or only there.
    const bool evaluates = evaluates_ && path.find('.') != std::string::npos;
    fill_where(evaluates, config, node, schema, {path, place, "'" + path + "'", {}});
    if (const Member* over = node.find("evaluate"); over && evaluates) {
      Node base = node;
      base.erase("evaluate");
      const auto again = [&](Validator& quiet, const Node& merged, const Place& at) {
        return quiet.section(schema, merged, at, join(path, "evaluate"));
      };
      set_evaluate(config, base, *over, again);
    }
    return config;
  }

  bool takes_keys(const Node& node, const Place& place, const std::string& path) {
    const Member* scalar = node.find(kShortForm);
    if (node.is_map() && !scalar) return true;
    const Node& shown = scalar ? scalar->value : node;
    mistakes_.add(node.kind == Node::Kind::null ? place : shown.place, path,
                  wanted(KeyType::section) + " is wanted, this is " + shown.shown());
    return false;
  }

  std::vector<Config> sections(const Key& key, const Node& list, const std::string& path) {
    std::vector<Config> result;
    if (!list.is_list()) {
      mistakes_.add(list.place, path,
                    wanted(KeyType::sections) + " is wanted, this is " + list.shown());
      return result;
    }
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      const Node& item = list.items[i];
      const std::string at = item_path(item, path, i);
      Config config;
      config.path_ = at;
      if (takes_keys(item, item.place, at)) {
        config.name_ = name_of(item, at);
        fill(config, item, *key.section, {at, item.place, "an item of '" + path + "'", {"name"}});
      }
      result.push_back(std::move(config));
    }
    const std::string reason = wrong_size(key, list.items.size());
    if (!reason.empty()) mistakes_.add(list.place, path, reason);
    check_names(result);
    return result;
  }

  // --- evaluate ---------------------------------------------------------------------------------

  /// Validates what holds outside training: `over` laid on `base`. Mistakes of the base itself have
  /// been said already.
  template <class Again>
  void set_evaluate(Config& config, const Node& base, const Member& over, const Again& again) {
    const std::string path = join(config.path_, "evaluate");
    if (!over.value.is_map()) {
      mistakes_.add(over.value.place, path,
                    "a map of keys is wanted, this is " + over.value.shown());
      return;
    }
    for (const char* key : {"evaluate", "name"}) {
      if (const Member* m = over.value.find(key)) {
        mistakes_.add(m->place, join(path, key), "this key has no place under `evaluate:`");
        return;
      }
    }
    const Node merged = merge(base, over.value);
    const bool replaced = merged.find("use") && base.find("use") &&
                          merged.find("use")->value.scalar != base.find("use")->value.scalar;
    Mistakes found;
    Validator quiet(surroundings_, found);
    Config evaluate = again(quiet, merged, replaced ? over.place : config.place_);
    for (const Mistake& mistake : found.list()) mistakes_.add(mistake);
    evaluate.name_ = config.name_;
    config.evaluate_ = std::make_shared<const Config>(std::move(evaluate));
  }

  const Surroundings& surroundings_;
  Mistakes& mistakes_;
  bool evaluates_ = true;  ///< whether `evaluate:` means something at this place
};

}  // namespace

Config validate(const Node& root, const Schema& schema, const Surroundings& surroundings,
                Mistakes& mistakes) {
  Config config;
  Place whole = root.place;
  whole.line = whole.column = 0;
  Validator(surroundings, mistakes).fill(config, root, schema, {"", whole, "a configuration", {}});
  return config;
}

}  // namespace odeum::config
