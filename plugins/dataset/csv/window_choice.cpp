// SPDX-License-Identifier: Apache-2.0
#include "window_choice.hpp"

#include <algorithm>
#include <string>

#include "odeum/config.hpp"

namespace odeum::datasets {
namespace {

/// The series that a column of their numbers names, or the file as one.
std::vector<Stretch> series(const CsvFile& file, const Config& window) {
  if (!window.has("series")) return {{0, file.rows()}};
  const std::int64_t column = file.find(window.text("series"));
  if (column < 0) {
    window.fail("series", file.path() + ":1 has no column '" + window.text("series") +
                              "'; the nearest is '" + file.nearest(window.text("series")) + "'");
  }
  return series_of(file.values({column}));
}

void refuse_beside_windows(const Config& config) {
  if (!config.sections("groups").empty())
    config.fail("groups", "have no meaning beside `window`, which makes x and y itself");
  if (!config.sections("jitter").empty())
    config.fail("jitter", "has no meaning beside `window`: a row stands in many of them");
  if (config.texts("columns").empty())
    config.fail("columns", "has to name the columns of a state, where there are windows");
}

/// Windows that share rows must not stand in two splits.
void refuse_leaks(const Config& config, const WindowRule& rule, std::size_t series) {
  const bool apart = rule.stride > rule.reach();
  if (config.section("split").text("rule") != "shuffled" || series > 1 || apart) return;
  config.section("split").fail(
      "rule",
      "windows share rows, so shuffled ones would be tested on what they were trained on: choose "
      "`rule: contiguous`, a `window.series` of several to assign whole, or a `window.stride` "
      "above rows times spacing");
}

}  // namespace

Schema window_schema() {
  Schema window(
      "Windows of rows that follow each other in time: x is a window's first row and y the rows "
      "behind it. A window belongs to one split: with `series` these are assigned whole, else a "
      "contiguous split cuts the file and windows across a cut are left out");
  window
      .integer("rows", "states of y; left out: the dataset's rows are the file's, without windows")
      .optional()
      .at_least(1);
  window.integer("spacing", 1, "rows of the file from one state of a window to the next [rows]")
      .at_least(1);
  window.integer("stride", 1, "rows of the file from one window to the next [rows]").at_least(1);
  window
      .text("series",
            "column of numbers, one a series, whose rows stand together: windows lie in one "
            "series; left out: the file is one")
      .optional();
  return window;
}

std::optional<Windows> configured_windows(const CsvFile& file, const Config& config) {
  const Config& window = config.section("window");
  if (!window.has("rows")) {
    if (window.has("series")) window.fail("series", "goes with `rows`, the length of a window");
    if (config.text("missing") == "allowed")
      config.fail("missing",
                  "goes with `window`, of which an objective can pass over what is "
                  "missing; rows have to be complete");
    return std::nullopt;
  }
  refuse_beside_windows(config);
  const std::vector<std::int64_t> columns = named_columns(file, config);
  const WindowRule rule{window.integer("rows"), window.integer("spacing"),
                        window.integer("stride")};
  const auto missing =
      config.text("missing") == "allowed" ? CsvFile::Missing::allowed : CsvFile::Missing::refused;
  const std::vector<Stretch> stretches = series(file, window);
  refuse_leaks(config, rule, stretches.size());
  Windows made(file.values(columns, missing), static_cast<std::int64_t>(columns.size()), rule,
               stretches, split_rule(config.section("split")));
  if (made.count(Split::train) + made.count(Split::validation) + made.count(Split::test) == 0) {
    window.fail("rows", file.path() + " has no series, within one split, of a state and " +
                            std::to_string(rule.reach()) + " rows behind it");
  }
  if (config.flag("standardize")) {
    const std::int64_t constant = made.count(Split::train) == 0 ? 0 : made.standardize();
    if (constant >= 0) {
      config.fail("standardize", "column '" +
                                     config.texts("columns")[static_cast<std::size_t>(constant)] +
                                     "' has no spread over the training windows");
    }
  }
  return made;
}

std::vector<std::int64_t> named_columns(const CsvFile& file, const Config& config) {
  std::vector<std::int64_t> chosen;
  for (const std::string& name : config.texts("columns")) {
    const std::int64_t column = file.find(name);
    if (column < 0) {
      config.fail("columns", file.path() + ":1 has no column '" + name + "'; the nearest is '" +
                                 file.nearest(name) + "'");
    }
    if (std::find(chosen.begin(), chosen.end(), column) != chosen.end()) {
      config.fail("columns", "names '" + name + "' twice");
    }
    chosen.push_back(column);
  }
  return chosen;
}

}  // namespace odeum::datasets
