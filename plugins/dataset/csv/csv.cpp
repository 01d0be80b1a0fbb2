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

namespace odeum::datasets {
namespace {

constexpr char kAll[] = "rows";

/// Positions in the file of the configured columns; all where none are configured.
std::vector<std::int64_t> chosen_columns(const CsvFile& file, const Config& config) {
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
  if (chosen.empty()) {
    chosen.resize(file.names().size());
    std::iota(chosen.begin(), chosen.end(), std::int64_t{0});
  }
  return chosen;
}

class Csv final : public Dataset {
 public:
  static Schema schema() {
    Schema s(
        "Rows of a CSV file: a line of column names, then numbers, also gzipped. Column rows "
        "{number of columns} "
        "holds the chosen columns, and each of them is there under its own name");
    s.path("file", "comma-separated text; quotes are understood, missing values are refused");
    s.texts("columns", {}, "names of the columns taken, in this order; [] takes all of the file");
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
    std::vector<Column> result{{kAll, {table_.features()}}};
    for (const std::string& name : names_) result.push_back({name, {}});
    return result;
  }

  std::optional<std::int64_t> count(Split split) const override { return table_.count(split); }

  void read(Split split, std::uint64_t key, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const override {
    const std::size_t width = names_.size();
    std::vector<double> row(width);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      table_.read(split, key, samples[i], row);
      if (!out[0].empty())
        std::copy(row.begin(), row.end(), out[0].begin() + static_cast<std::ptrdiff_t>(i * width));
      for (std::size_t j = 0; j < width; ++j) {
        if (!out[j + 1].empty()) out[j + 1][i] = row[j];
      }
    }
  }

 private:
  Csv(const Config& config, const CsvFile& file)
      : Csv(config, file, chosen_columns(file, config)) {}

  Csv(const Config& config, const CsvFile& file, const std::vector<std::int64_t>& chosen)
      : table_(file.values(chosen), static_cast<std::int64_t>(chosen.size()),
               split_rows(split_rule(config.section("split")), file.rows())) {
    for (const std::int64_t column : chosen)
      names_.push_back(file.names()[static_cast<std::size_t>(column)]);
    if (std::find(names_.begin(), names_.end(), kAll) != names_.end()) {
      throw wrong(
          {file.path(), 1, 0},
          "a column is named 'rows', which stands for all of them together; name it otherwise");
    }
    table_.set_jitter(jitter_widths(config));
    if (config.flag("standardize")) standardize(config, file);
  }

  std::vector<double> jitter_widths(const Config& config) const {
    std::vector<double> widths(names_.size(), 0.0);
    for (const Config& jitter : config.sections("jitter")) {
      const auto found = std::find(names_.begin(), names_.end(), jitter.text("column"));
      if (found == names_.end()) {
        jitter.fail("column", "'" + jitter.text("column") + "' is none of the columns taken");
      }
      widths[static_cast<std::size_t>(found - names_.begin())] = jitter.number("width");
    }
    return widths;
  }

  void standardize(const Config& config, const CsvFile& file) {
    if (table_.count(Split::train) == 0) {
      config.fail("standardize", "there are no training rows to take mean and deviation from");
    }
    const std::int64_t constant = table_.standardize();
    if (constant >= 0) {
      config.fail("standardize",
                  "column '" + names_[static_cast<std::size_t>(constant)] + "' of " + file.path() +
                      " is constant over the training rows; leave it out with `columns:`");
    }
  }

  Table table_;
  std::vector<std::string> names_;
};

ODEUM_PLUGIN(dataset, "csv", Csv, "1.0.0", "Rows of a CSV file")

}  // namespace
}  // namespace odeum::datasets
