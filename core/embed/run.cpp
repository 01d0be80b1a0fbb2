// SPDX-License-Identifier: Apache-2.0
#include "embed/run.hpp"

#include <utility>

#include "config/mistakes.hpp"
#include "model/roles.hpp"
#include "odeum/objective.hpp"
#include "train/checkpoint.hpp"
#include "train/run_folder.hpp"
#include "train/schemas.hpp"

namespace odeum::embed {
namespace {

/// `bind: {x: points}` reads better than the list of `role:column` that the schema has.
void bind_as_list(config::Node& root) {
  config::Member* bind = root.find("bind");
  if (bind == nullptr || !bind->value.is_map()) return;
  config::Node list;
  list.kind = config::Node::Kind::list;
  list.place = bind->value.place;
  for (const config::Member& m : bind->value.members) {
    if (!m.value.is_scalar()) return;
    list.items.push_back(config::scalar_node(m.key + ":" + m.value.scalar, m.place));
  }
  bind->value = std::move(list);
}

/// One sentence where a file is for another command, not an unknown key for each of its sections.
void require_root(const config::Node& tree, const Schema& root, const std::filesystem::path& file) {
  const bool wants_problem = root.find("problem") != nullptr;
  const bool has_problem = tree.find("problem") != nullptr;
  const bool has_model = tree.find("model") != nullptr;
  if (has_problem == wants_problem || has_problem == has_model) return;
  const std::string text = has_problem
                               ? "describes an initial value problem (problem:), which odeum solve "
                                 "and odeum gradcheck take; a training has data: and model:"
                               : "describes a training (model:), which odeum train and odeum "
                                 "gradcheck take; what is solved stands under problem:";
  throw ConfigError(config::Mistake{{file.string()}, "", text}.line());
}

/// Groups of columns of a CSV file; other data have none.
std::vector<Config> groups_of(const Config& data) {
  return data.use() == "csv" ? data.sections("groups") : std::vector<Config>();
}

}  // namespace

config::KindSchemas component_schemas(const plugin::Registry& registry) {
  config::KindSchemas made(registry.lookup(), train::common_keys);
  for (train::BuiltIn& component : train::built_in_components()) {
    made.add(component.kind, component.name, std::move(component.schema));
  }
  return made;
}

Config load_config(const std::filesystem::path& file, const std::vector<std::string>& sets,
                   const Schema& root, const config::SchemaLookup& lookup, config::Files files) {
  config::Node tree = config::read_yaml(file);
  require_root(tree, root, file);
  bind_as_list(tree);
  return config::resolve(std::move(tree), sets, root, lookup, file.parent_path(), files);
}

Run open_run(const std::filesystem::path& folder, const std::vector<std::string>& sets,
             const config::SchemaLookup& lookup) {
  const train::RunFolder run = train::RunFolder::open(folder);
  return {
      load_config(run.config(), sets, train::root_schema(), lookup, config::Files::may_be_missing),
      run.final_checkpoint()};
}

std::int64_t batch_rows(const Config& root) {
  const Config& train = root.section("train");
  return train.has("evaluate_batch") ? train.integer("evaluate_batch")
                                     : root.component("data").integer("batch");
}

std::string why_no_own_units(const Config& root) {
  const Config& data = root.component("data");
  const auto standardize = data.entries_.find("standardize");
  if (standardize == data.entries_.end() || !data.flag("standardize")) return "";
  return "data.standardize — the training rows were standardised before the model saw them, so it "
         "cannot take rows in their own units; train with the block `standardize` instead, which "
         "keeps means and deviations in the checkpoint";
}

Input input_of(const Run& run, const plugin::Registry& registry) {
  model::RoleNames names;
  names.columns = train::trained_on(run.checkpoint).columns;
  names.main_column = names.columns.front();
  names.roles = registry.create<Objective>(run.root.component("objective"))->roles();
  const int position = model::column_of_role(run.root, names, names.roles.front());
  return {static_cast<std::size_t>(position), names.columns[static_cast<std::size_t>(position)]};
}

std::vector<std::string> names_of_row(const Run& run, std::size_t input, std::int64_t elements) {
  const std::vector<Config> groups = groups_of(run.root.component("data"));
  if (input < groups.size()) return groups[input].texts("columns");
  // A CSV file's columns: all together, then each under its own name.
  const std::vector<std::string> columns = train::trained_on(run.checkpoint).columns;
  if (input == 0 && static_cast<std::int64_t>(columns.size()) == elements + 1)
    return {columns.begin() + 1, columns.end()};
  return {};
}

}  // namespace odeum::embed
