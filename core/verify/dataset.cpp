// SPDX-License-Identifier: Apache-2.0
#include "odeum/dataset.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "verify/resources.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {
namespace {

constexpr std::uint64_t kKey = 1234567;

const char* name(Split split) {
  return split == Split::train ? "train" : split == Split::validation ? "validation" : "test";
}

std::size_t width(const Column& column) {
  return static_cast<std::size_t>(std::accumulate(column.shape.begin(), column.shape.end(),
                                                  std::int64_t{1}, std::multiplies<>()));
}

std::vector<std::vector<double>> read(const Dataset& data, Split split,
                                      const std::vector<std::int64_t>& samples,
                                      std::uint64_t key = kKey) {
  std::vector<std::vector<double>> values;
  for (const Column& column : data.columns()) {
    values.emplace_back(samples.size() * width(column), std::nan(""));
  }
  std::vector<std::span<double>> out(values.begin(), values.end());
  data.read(split, key, samples, out);
  return values;
}

/// Splits with samples to look at, and some indices of each.
std::vector<std::pair<Split, std::vector<std::int64_t>>> places(const Dataset& data) {
  std::vector<std::pair<Split, std::vector<std::int64_t>>> result;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    const std::int64_t count = data.count(split).value_or(100000);
    if (count == 0) continue;
    std::vector<std::int64_t> samples;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(count, 64); ++i) {
      samples.push_back(i * (count - 1) /
                        std::max<std::int64_t>(1, std::min<std::int64_t>(count, 64) - 1));
    }
    result.emplace_back(split, samples);
  }
  return result;
}

}  // namespace

void check_dataset(const Workbench& bench, Checks& checks) {
  const auto data = bench.tested<Dataset>();
  checks.that("names its columns, the main one among them", [&] {
    const std::vector<Column> columns = data->columns();
    require(!columns.empty(), "there is none");
    bool main = false;
    std::string text;
    for (const Column& column : columns) {
      main = main || column.name == data->main_column();
      text += column.name + " ";
      require(std::count_if(columns.begin(), columns.end(),
                            [&](const Column& c) { return c.name == column.name; }) == 1,
              "'" + column.name + "' stands twice");
    }
    require(main, "the main column '" + data->main_column() + "' is none of them");
    return text;
  });
  checks.that("has samples to train on", [&] {
    std::string text;
    for (const Split split : {Split::train, Split::validation, Split::test}) {
      const auto count = data->count(split);
      require(!count || *count >= 0, std::string(name(split)) + " has a negative count");
      text +=
          std::string(name(split)) + " " + (count ? std::to_string(*count) : "without end") + " ";
    }
    require(data->count(Split::train).value_or(1) > 0, "the training split is empty");
    return text;
  });
  checks.that("fills every entry with a finite number", [&] {
    for (const auto& [split, samples] : places(*data)) {
      for (const auto& column : read(*data, split, samples)) {
        for (const double x : column)
          require(std::isfinite(x), std::string(name(split)) + " gave " + shown(x));
      }
    }
    return std::string();
  });
  checks.that("gives a sample whatever batch it stands in", [&] {
    const std::vector<Column> columns = data->columns();
    for (const auto& [split, samples] : places(*data)) {
      const auto all = read(*data, split, samples);
      std::vector<std::int64_t> backwards(samples.rbegin(), samples.rend());
      const auto reversed = read(*data, split, backwards);
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const std::size_t w = width(columns[c]);
        for (std::size_t i = 0; i < samples.size(); ++i) {
          const auto here = all[c].begin() + static_cast<std::ptrdiff_t>(i * w);
          const auto there =
              reversed[c].begin() + static_cast<std::ptrdiff_t>((samples.size() - 1 - i) * w);
          require(std::equal(here, here + static_cast<std::ptrdiff_t>(w), there),
                  "sample " + std::to_string(samples[i]) + " of " + name(split) +
                      " depends on its place in the batch");
        }
      }
    }
    return std::string();
  });
  checks.that("leaves out a column that is not wanted", [&] {
    for (const auto& [split, samples] : places(*data)) {
      std::vector<std::span<double>> nothing(data->columns().size());
      data->read(split, kKey, samples, nothing);
    }
    return std::string();
  });
  checks.that("begins anew behind the end of a finite split", [&] {
    const auto count = data->count(Split::train);
    if (!count) return std::string("it has no end");
    // Rows come again; noise of their own may differ, so only that it can be read.
    for (const auto& column : read(*data, Split::train, {*count, 2 * *count + 1})) {
      for (const double x : column) require(std::isfinite(x), "found " + shown(x));
    }
    return std::string();
  });
  if (data->entropy()) {
    checks.that("says a finite entropy", [&] {
      require(std::isfinite(*data->entropy()), "it is " + shown(*data->entropy()));
      return shown(*data->entropy()) + " nats";
    });
  }
  check_resources(checks, [&] {
    const auto anew = bench.tested<Dataset>();
    read(*anew, Split::train, {0, 1, 2});
  });
}

}  // namespace odeum::verify
