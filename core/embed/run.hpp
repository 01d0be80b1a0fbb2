// SPDX-License-Identifier: Apache-2.0
// What a finished training left, read back: its configuration and the checkpoint to use.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "config/lookup.hpp"
#include "odeum/config.hpp"
#include "plugin/registry.hpp"

namespace odeum::embed {

/// Schemas of all plugins with the keys that the core adds, and of the core's own components.
/// Refers to the registry.
config::KindSchemas component_schemas(const plugin::Registry& registry);

/// A validated configuration of the given root. `bind: {role: column}` may be a map.
Config load_config(const std::filesystem::path& file, const std::vector<std::string>& sets,
                   const Schema& root, const config::SchemaLookup& lookup,
                   config::Files files = config::Files::must_exist);

struct Run {
  Config root;
  std::filesystem::path checkpoint;
};

/// The configuration of a run with `sets` laid over it, and its best (else last) checkpoint. The
/// data need not be there any more. A ConfigError: the folder is no run, or has no checkpoint.
Run open_run(const std::filesystem::path& folder, const std::vector<std::string>& sets,
             const config::SchemaLookup& lookup);

/// Rows that are evaluated together: train.evaluate_batch, else data.batch.
std::int64_t batch_rows(const Config& root);

/// Why a run's model cannot take rows in their own units; empty: it can.
std::string why_no_own_units(const Config& root);

/// Names of a row's `elements` numbers where the training's data named them (a CSV file's columns),
/// else none. `input`: position among the data's columns of the one that the model takes.
std::vector<std::string> names_of_row(const Run& run, std::size_t input, std::int64_t elements);

/// Position and name of the column of the training's data that the model takes.
struct Input {
  std::size_t position = 0;
  std::string name;
};
Input input_of(const Run& run, const plugin::Registry& registry);

}  // namespace odeum::embed
