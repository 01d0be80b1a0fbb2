// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "../source.hpp"
#include "../split.hpp"
#include "../table.hpp"
#include "npy_file.hpp"
#include "odeum/dataset.hpp"
#include "odeum/plugin.hpp"
#include "odeum/shape.hpp"

namespace odeum::datasets {
namespace {

std::string text_of(const std::vector<std::int64_t>& shape) { return Shape(shape).text(); }

/// All rows of the configured files, one behind another, and which split each belongs to.
struct Loaded {
  NpyArray array;
  SplitRows rows;
};

Loaded load_one(const Config& config) {
  for (const char* key : {"train", "validation", "test"}) {
    if (config.has(key))
      config.fail(key, "`file` is divided by `split`; give `file`, or one file a split");
  }
  NpyArray array = read_npy(config.path("file"));
  const SplitRule rule = config.has("split") ? split_rule(config.section("split")) : SplitRule{};
  SplitRows rows = split_rows(rule, array.rows);
  return {std::move(array), std::move(rows)};
}

Loaded load_one_a_split(const Config& config) {
  if (!config.has("train")) {
    config.fail("",
                "give `file`, which is divided by `split`, or `train` and, if there are such, "
                "`validation` and `test`");
  }
  if (config.has("split"))
    config.fail("split", "divides `file`; here every split has a file of its own");
  Loaded result;
  for (const auto& [key, rows] : {std::pair{"train", &result.rows.train},
                                  {"validation", &result.rows.validation},
                                  {"test", &result.rows.test}}) {
    if (!config.has(key)) continue;
    NpyArray part = read_npy(config.path(key));
    rows->resize(static_cast<std::size_t>(part.rows));
    std::iota(rows->begin(), rows->end(), result.array.rows);
    if (result.array.rows == 0) {
      result.array = std::move(part);
      continue;
    }
    if (part.row_shape != result.array.row_shape) {
      throw wrong({config.path(key), 0, 0}, "has rows of shape " + text_of(part.row_shape) +
                                                ", and those of " + config.path("train") + " are " +
                                                text_of(result.array.row_shape));
    }
    result.array.rows += part.rows;
    result.array.values.insert(result.array.values.end(), part.values.begin(), part.values.end());
  }
  return result;
}

class Npy final : public Dataset {
 public:
  static Schema schema() {
    Schema s(
        "Rows of arrays in NumPy's format (u1, f4, f8, i4, i8): one file divided by a rule, or one "
        "file a split. "
        "Column rows, shaped as a row of the array");
    s.path("file", "all rows; divided by `split`").optional();
    s.path("train", "training rows").optional();
    s.path("validation", "validation rows").optional();
    s.path("test", "test rows").optional();
    s.section(
         "split", split_schema(),
         "which rows of `file` are for training, validation and test; left out: by its defaults")
        .optional();
    s.flag("standardize", false,
           "every element minus its mean over its deviation, both over the training rows; "
           "likelihoods are then of "
           "the standardised data. The block `standardize` keeps both with the model instead, for "
           "rows to come");
    s.number("jitter", 0.0,
             "width of uniform noise added to each value, anew each time it is read, before it is "
             "standardised; for "
             "whole numbers 1")
        .at_least(0);
    return s;
  }

  explicit Npy(const Config& config)
      : Npy(config, config.has("file") ? load_one(config) : load_one_a_split(config)) {}

  std::vector<Column> columns() const override { return {{"rows", row_shape_}}; }
  std::optional<std::int64_t> count(Split split) const override { return table_.count(split); }

  void read(Split split, std::uint64_t key, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const override {
    const std::span<double> rows = out.front();
    if (rows.empty()) return;
    const auto width = static_cast<std::size_t>(table_.features());
    for (std::size_t i = 0; i < samples.size(); ++i) {
      table_.read(split, key, samples[i], rows.subspan(i * width, width));
    }
  }

 private:
  Npy(const Config& config, Loaded loaded)
      : row_shape_(loaded.array.row_shape),
        table_(std::move(loaded.array.values), Shape(row_shape_).elements(1),
               std::move(loaded.rows)) {
    if (config.number("jitter") > 0.0) {
      table_.set_jitter(std::vector<double>(static_cast<std::size_t>(table_.features()),
                                            config.number("jitter")));
    }
    if (config.flag("standardize")) standardize(config);
  }

  void standardize(const Config& config) {
    if (table_.count(Split::train) == 0) {
      config.fail("standardize", "there are no training rows to take mean and deviation from");
    }
    const std::int64_t constant = table_.standardize();
    if (constant >= 0) {
      config.fail("standardize", "element " + std::to_string(constant) +
                                     " of the rows is constant over the " +
                                     std::to_string(table_.count(Split::train)) +
                                     " training rows and has no deviation to divide by");
    }
  }

  std::vector<std::int64_t> row_shape_;
  Table table_;
};

ODEUM_PLUGIN(dataset, "npy", Npy, "1.0.0", "Rows of NumPy arrays")

}  // namespace
}  // namespace odeum::datasets
