// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "../source.hpp"
#include "../split.hpp"
#include "../table.hpp"
#include "csv_file.hpp"
#include "odeum/dataset.hpp"
#include "odeum/plugin.hpp"
#include "window_choice.hpp"

namespace odeum::datasets {
namespace {

constexpr char kAll[] = "rows";

/// What a table is made of: columns of the file, from so many lines below the row's own.
struct Part {
  std::int64_t column = 0;
  std::int64_t ahead = 0;
};

/// A column of the dataset: elements of the table's row that stand beside each other.
struct View {
  Column column;
  std::size_t begin = 0;
  std::size_t count = 1;
};

struct Layout {
  std::vector<Part> parts;
  std::vector<View> views;
};

/// All chosen columns together, then each under its own name.
Layout single_columns(const CsvFile& file, const Config& config) {
  std::vector<std::int64_t> chosen = named_columns(file, config);
  if (chosen.empty()) {
    chosen.resize(file.names().size());
    std::iota(chosen.begin(), chosen.end(), std::int64_t{0});
  }
  Layout layout;
  layout.views.push_back({{kAll, {static_cast<std::int64_t>(chosen.size())}}, 0, chosen.size()});
  for (const std::int64_t column : chosen) {
    const std::string& name = file.names()[static_cast<std::size_t>(column)];
    if (name == kAll) {
      throw wrong(
          {file.path(), 1, 0},
          "a column is named 'rows', which stands for all of them together; name it otherwise");
    }
    layout.views.push_back({{name, {}}, layout.parts.size(), 1});
    layout.parts.push_back({column, 0});
  }
  return layout;
}

/// The configured groups, in their order.
Layout grouped_columns(const CsvFile& file, const Config& config) {
  if (!config.texts("columns").empty())
    config.fail("columns", "has no meaning beside `groups`, which name their columns");
  if (!config.sections("jitter").empty())
    config.fail("jitter", "has no meaning beside `groups`: a column may stand in two of them");
  if (config.flag("standardize")) {
    config.fail("standardize",
                "has no meaning beside `groups`: a column that stands in two of them would get two "
                "means and deviations; scale the file's columns instead");
  }
  Layout layout;
  for (const Config& group : config.sections("groups")) {
    const std::string& name = group.text("as");
    for (const View& before : layout.views) {
      if (before.column.name == name) group.fail("as", "two groups are named '" + name + "'");
    }
    const std::vector<std::int64_t> columns = named_columns(file, group);
    const std::int64_t ahead = group.integer("ahead");
    if (ahead >= file.rows()) {
      group.fail("ahead", file.path() + " has " + std::to_string(file.rows()) +
                              " rows, so none has one so far ahead");
    }
    layout.views.push_back(
        {{name, {static_cast<std::int64_t>(columns.size())}}, layout.parts.size(), columns.size()});
    for (const std::int64_t column : columns) layout.parts.push_back({column, ahead});
  }
  return layout;
}

constexpr char kFirst[] = "x";
constexpr char kFollowing[] = "y";
constexpr char kKnown[] = "known";
constexpr char kObserved[] = "observed";

/// Of windows that may lack something, also what is there.
std::vector<View> window_views(const Windows& windows, const Config& config) {
  const std::vector<std::int64_t> following{windows.following(), windows.features()};
  std::vector<View> views{{{kFirst, {windows.features()}}}, {{kFollowing, following}}};
  if (config.text("missing") == "allowed") {
    views.push_back({{kKnown, following}});
    views.push_back({{kObserved, following}});
  }
  return views;
}

std::int64_t furthest(const Layout& layout) {
  std::int64_t rows = 0;
  for (const Part& part : layout.parts) rows = std::max(rows, part.ahead);
  return rows;
}

/// Row-major, without the last rows of the file, which have none so far ahead.
std::vector<double> values_of(const CsvFile& file, const Layout& layout) {
  std::vector<std::int64_t> columns;
  for (const Part& part : layout.parts) columns.push_back(part.column);
  std::vector<double> values = file.values(columns);
  const std::size_t width = columns.size();
  const auto rows = static_cast<std::size_t>(file.rows() - furthest(layout));
  // Each value moves up, so what is read has not been written yet.
  for (std::size_t i = 0; i < rows * width; ++i) {
    values[i] = values[i + static_cast<std::size_t>(layout.parts[i % width].ahead) * width];
  }
  values.resize(rows * width);
  return values;
}

class Csv final : public Dataset {
 public:
  static Schema schema() {
    Schema s(
        "Rows of a CSV file: a line of column names, then numbers, also gzipped. Column rows "
        "{number of columns} "
        "holds the chosen columns, and each of them is there under its own name; or the groups "
        "alone, of which the first is the main column; or windows of time series, as columns x "
        "{number of columns} and y {rows of a window, number of columns}");
    s.path("file", "comma-separated text; quotes are understood");
    s.texts("columns", {}, "names of the columns taken, in this order; [] takes all of the file");
    Schema group("Columns that are one column of the dataset");
    group.text("as",
               "name of the dataset's column: x, y, label, ... as the objective calls its roles");
    group.texts("columns", "names of the file's columns, in this order").size(1);
    group
        .integer("ahead", 0,
                 "taken from so many rows below: of a time series, what follows [rows]. Rows "
                 "that have none so far below are left out")
        .at_least(0);
    s.sections("groups", std::move(group),
               "columns put together, as input and target; instead of `columns`, `standardize` and "
               "`jitter`");
    s.section("window", window_schema(),
              "x and y from each place of a time series, for objective: trajectory; `columns` name "
              "the state");
    s.text("missing", "refused",
           "empty fields, nan and NA of what follows in a window. refused: a mistake; allowed: y "
           "has no "
           "number there, and beside it stand columns known, with zeros instead, and observed, 1 "
           "where there was a number and 0 where not, for `objective: {use: trajectory, missing: "
           "skipped}`. Windows that begin incomplete, or have nothing behind their beginning, are "
           "left out")
        .choices({"refused", "allowed"});
    s.section("split", split_schema(), "which rows are for training, validation and test");
    s.flag("standardize", false,
           "every column minus its mean over its deviation, both over the training rows; "
           "likelihoods are then of "
           "the standardised data. The block `standardize` keeps both with the model instead, for "
           "rows to come");
    Schema jitter("Noise for a column that takes few values");
    jitter.text("column", "name of the column");
    jitter
        .number("width",
                "uniform noise on (0, width) is added, the column's step as a rule [column's unit]")
        .above(0);
    s.sections("jitter", std::move(jitter),
               "columns whose values get uniform noise, anew each time they are read, before they "
               "are standardised");
    return s;
  }

  explicit Csv(const Config& config) : Csv(config, CsvFile(config.path("file"))) {}

  std::vector<Column> columns() const override {
    std::vector<Column> result;
    for (const View& view : views_) result.push_back(view.column);
    return result;
  }

  std::optional<std::int64_t> count(Split split) const override {
    return windows_ ? windows_->count(split) : table_->count(split);
  }

  void read(Split split, std::uint64_t key, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const override {
    if (windows_) {
      read_windows(split, samples, out);
      return;
    }
    std::vector<double> row(static_cast<std::size_t>(table_->features()));
    for (std::size_t i = 0; i < samples.size(); ++i) {
      table_->read(split, key, samples[i], row);
      for (std::size_t v = 0; v < views_.size(); ++v) {
        if (out[v].empty()) continue;
        const auto first = row.begin() + static_cast<std::ptrdiff_t>(views_[v].begin);
        const auto count = static_cast<std::ptrdiff_t>(views_[v].count);
        std::copy(first, first + count, out[v].begin() + static_cast<std::ptrdiff_t>(i) * count);
      }
    }
  }

 private:
  Csv(const Config& config, const CsvFile& file) : windows_(configured_windows(file, config)) {
    if (windows_) {
      views_ = window_views(*windows_, config);
      return;
    }
    const Layout layout = config.sections("groups").empty() ? single_columns(file, config)
                                                            : grouped_columns(file, config);
    views_ = layout.views;
    table_.emplace(values_of(file, layout), static_cast<std::int64_t>(layout.parts.size()),
                   split_rows(split_rule(config.section("split")), file.rows() - furthest(layout)));
    table_->set_jitter(jitter_widths(config));
    if (config.flag("standardize")) standardize(config, file);
  }

  void read_windows(Split split, std::span<const std::int64_t> samples,
                    std::span<const std::span<double>> out) const {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto place = [&](std::size_t view) -> std::span<double> {
        if (view >= out.size() || out[view].empty()) return {};
        const std::size_t width = out[view].size() / samples.size();
        return out[view].subspan(i * width, width);
      };
      windows_->read(split, samples[i], {place(0), place(1), place(2), place(3)});
    }
  }

  /// The column that stands under its own name.
  const View* single(const std::string& name) const {
    for (const View& view : views_) {
      if (view.column.name == name && view.column.shape.empty()) return &view;
    }
    return nullptr;
  }

  std::vector<double> jitter_widths(const Config& config) const {
    std::vector<double> widths(static_cast<std::size_t>(table_->features()), 0.0);
    for (const Config& jitter : config.sections("jitter")) {
      const View* found = single(jitter.text("column"));
      if (found == nullptr) {
        jitter.fail("column", "'" + jitter.text("column") + "' is none of the columns taken");
      }
      widths[found->begin] = jitter.number("width");
    }
    return widths;
  }

  void standardize(const Config& config, const CsvFile& file) {
    if (table_->count(Split::train) == 0) {
      config.fail("standardize", "there are no training rows to take mean and deviation from");
    }
    const std::int64_t constant = table_->standardize();
    if (constant >= 0) {
      config.fail("standardize",
                  "column '" + views_[static_cast<std::size_t>(constant) + 1].column.name +
                      "' of " + file.path() +
                      " is constant over the training rows; leave it out with `columns:`");
    }
  }

  std::optional<Windows> windows_;
  std::optional<Table> table_;  ///< where there are no windows
  std::vector<View> views_;
};

ODEUM_PLUGIN(dataset, "csv", Csv, "1.0.0", "Rows of a CSV file")

}  // namespace
}  // namespace odeum::datasets
