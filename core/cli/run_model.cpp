// SPDX-License-Identifier: Apache-2.0
#include "cli/run_model.hpp"

#include "config/yaml.hpp"
#include "train/checkpoint.hpp"

namespace odeum::cli {
namespace {

namespace fs = std::filesystem;

/// The windows of the training; where the model's input alone is wanted, each row is one.
void take_csv_windows(const Config& before, Wanted wanted, io::Json& data) {
  if (wanted == Wanted::input) {
    data["groups"].push_back({{"as", "x"}, {"columns", before.texts("columns")}});
    return;
  }
  const Config& window = before.section("window");
  data["columns"] = before.texts("columns");
  data["missing"] = before.text("missing");
  data["window"] = {{"rows", window.integer("rows")},
                    {"spacing", window.integer("spacing")},
                    {"stride", window.integer("stride")}};
  if (window.has("series")) data["window"]["series"] = window.text("series");
}

/// What a CSV file must have: the columns of the training, or its groups of columns.
void take_csv_columns(const Run& run, Wanted wanted, const plugin::Registry& registry,
                      io::Json& data) {
  const Config& before = run.root.component("data");
  if (before.use() != "csv") return;
  if (before.section("window").has("rows")) {
    take_csv_windows(before, wanted, data);
    return;
  }
  std::vector<Config> groups = before.sections("groups");
  if (wanted == Wanted::input && !groups.empty())
    groups = {groups[embed::input_of(run, registry).position]};
  for (const Config& group : groups) {
    data["groups"].push_back({{"as", group.text("as")},
                              {"columns", group.texts("columns")},
                              {"ahead", group.integer("ahead")}});
  }
  if (data.contains("groups")) return;
  data["columns"] = before.texts("columns");
  if (!data["columns"].empty()) return;
  std::vector<std::string> columns = train::trained_on(run.checkpoint).columns;
  columns.erase(columns.begin());  // all of them together
  data["columns"] = columns;
}

}  // namespace

Run open_run(const Values& values, plugin::Registry& registry) {
  return embed::open_run(text_of(values, "RUN"), list_of(values, "set"),
                         schemas(registry).lookup());
}

Config with_rows_of(const Run& run, const std::string& file, Wanted wanted,
                    plugin::Registry& registry) {
  if (const std::string reason = embed::why_no_own_units(run.root); !reason.empty())
    throw ConfigError(run.root.component("data").place("standardize"), reason);
  const bool npy = file.ends_with(".npy");
  if (!npy && !file.ends_with(".csv") && !file.ends_with(".csv.gz")) {
    throw ConfigError("--data " + file + ": the name has to end in .npy, .csv or .csv.gz");
  }
  if (!fs::exists(file)) throw ConfigError("--data " + file + ": there is no such file");
  io::Json data{{"use", npy ? "npy" : "csv"},
                {"file", fs::absolute(file).lexically_normal().string()},
                {"split", {{"train", 1}, {"validation", 0}, {"test", 0}, {"rule", "contiguous"}}}};
  if (!npy) take_csv_columns(run, wanted, registry, data);
  // JSON is YAML.
  const Schema schema = Schema().component("data", "dataset", "rows to evaluate");
  const Config made =
      config::resolve(config::parse_yaml(io::to_line({{"data", data}}), "--data " + file), {},
                      schema, schemas(registry).lookup(), fs::current_path());
  Config root = run.root;
  root.entries_["data"] = made.entries_.at("data");
  return root;
}

}  // namespace odeum::cli
