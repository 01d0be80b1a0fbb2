// SPDX-License-Identifier: Apache-2.0
// Windows of the dataset csv: what stands in them, and in which split.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "loaded.hpp"
#include "samples.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Values = std::vector<double>;

constexpr char kAll[] =
    "columns: [a, b]\nsplit: {train: 1, validation: 0, test: 0, rule: contiguous}\n";

/// Rows s, a = row, b = 100 + row, with a number s for the series of so many rows.
std::string series_of(const std::vector<int>& lengths) {
  std::string text = "s,a,b\n";
  int row = 0;
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    for (int i = 0; i < lengths[s]; ++i, ++row) {
      text +=
          std::to_string(s) + "," + std::to_string(row) + "," + std::to_string(100 + row) + "\n";
    }
  }
  return text;
}

std::shared_ptr<Dataset> csv(const std::string& file, const std::string& yaml) {
  return make<Dataset>("csv", "file: " + file + "\n" + yaml);
}

/// First rows of all windows of a split.
Values begins(const Dataset& data, Split split) {
  const std::int64_t count = data.count(split).value();
  if (count == 0) return {};
  const Values first = read_column(data, 0, split, 1, range(0, count));
  Values result;
  for (std::size_t i = 0; i < first.size(); i += 2) result.push_back(first[i]);
  return result;
}

TEST(CsvWindows, HoldAStateAndThoseThatFollow) {
  const Folder folder;
  const auto data = csv(folder.write("a.csv", series_of({7})),
                        std::string(kAll) + "window: {rows: 2, spacing: 2}\n");
  const std::vector<Column> columns = data->columns();
  ASSERT_EQ(columns.size(), 2U);
  EXPECT_EQ(columns[0].name, "x");
  EXPECT_THAT(columns[0].shape, ElementsAre(2));
  EXPECT_EQ(columns[1].name, "y");
  EXPECT_THAT(columns[1].shape, ElementsAre(2, 2));
  EXPECT_EQ(data->count(Split::train), 3);
  EXPECT_EQ(read_column(*data, 0, Split::train, 1, {2, 0}), (Values{2, 102, 0, 100}));
  EXPECT_EQ(read_column(*data, 1, Split::train, 1, {2, 0}),
            (Values{4, 104, 6, 106, 2, 102, 4, 104}));
  EXPECT_EQ(read_column(*data, 0, Split::train, 1, {4}), (Values{1, 101})) << "starts over";
}

TEST(CsvWindows, BeginAStrideApart) {
  const Folder folder;
  const auto data = csv(folder.write("a.csv", series_of({10})),
                        std::string(kAll) + "window: {rows: 3, stride: 3}\n");
  EXPECT_THAT(begins(*data, Split::train), ElementsAre(0, 3, 6));
}

TEST(CsvWindows, NeverCrossSeries) {
  const Folder folder;
  const auto data = csv(folder.write("a.csv", series_of({4, 2, 5})),
                        std::string(kAll) + "window: {rows: 2, series: s}\n");
  EXPECT_THAT(begins(*data, Split::train), ElementsAre(0, 1, 6, 7, 8));
}

TEST(CsvWindows, OfAContiguousSplitLieInItsOwnRows) {
  const Folder folder;
  const auto data = csv(folder.write("a.csv", series_of({20})),
                        "columns: [a, b]\nwindow: {rows: 2}\n"
                        "split: {train: 0.5, validation: 0.25, test: 0.25, rule: contiguous}\n");
  EXPECT_THAT(begins(*data, Split::train), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(begins(*data, Split::validation), ElementsAre(10, 11, 12));
  EXPECT_THAT(begins(*data, Split::test), ElementsAre(15, 16, 17));
}

TEST(CsvWindows, OfAShuffledSplitShareNoRowWithAnother) {
  const Folder folder;
  const auto data = csv(folder.write("a.csv", series_of(std::vector<int>(10, 5))),
                        "columns: [a, b]\nwindow: {rows: 2, series: s}\n"
                        "split: {train: 0.6, validation: 0.2, test: 0.2}\n");
  std::set<int> series[3];
  std::size_t windows = 0;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    for (const double begin : begins(*data, split)) {
      series[static_cast<int>(split)].insert(static_cast<int>(begin) / 5);
      ++windows;
    }
  }
  EXPECT_EQ(windows, 30U);
  EXPECT_EQ(series[0].size() + series[1].size() + series[2].size(), 10U) << "one in two splits";
  EXPECT_EQ(series[1].size(), 2U);

  const auto apart = csv(folder.write("b.csv", series_of({40})),
                         "columns: [a, b]\nwindow: {rows: 3, stride: 4}\n"
                         "split: {train: 0.5, validation: 0.2, test: 0.3}\n");
  std::set<double> seen;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    for (const double begin : begins(*apart, split)) {
      for (int k = 0; k <= 3; ++k) EXPECT_TRUE(seen.insert(begin + k).second);
    }
  }
  EXPECT_EQ(seen.size(), 40U);
}

TEST(CsvWindows, TellWhatIsMissingOfWhatFollows) {
  const Folder folder;
  const std::string text = "a,b\n0,100\n1,\n,NA\n3,103\n4,104\nnan,105\n,\n";
  const auto data =
      csv(folder.write("a.csv", text), std::string(kAll) + "missing: allowed\nwindow: {rows: 2}\n");
  // Those that begin complete; behind row 4 there is something, behind row 5 nothing.
  EXPECT_THAT(begins(*data, Split::train), ElementsAre(0, 3, 4));
  // y has no number there, which is refused where it is used.
  const Values y = read_column(*data, 1, Split::train, 1, {0});
  EXPECT_EQ(y[0], 1.0);
  EXPECT_TRUE(std::isnan(y[1]));
  ASSERT_EQ(data->columns().size(), 4U);
  EXPECT_EQ(data->columns()[2].name, "known");
  EXPECT_EQ(read_column(*data, 2, Split::train, 1, {0}), (Values{1, 0, 0, 0}));
  EXPECT_EQ(data->columns()[3].name, "observed");
  EXPECT_EQ(read_column(*data, 3, Split::train, 1, {0, 1}), (Values{1, 0, 0, 0, 1, 1, 0, 1}));
  EXPECT_THAT(config_error([&] { csv(folder.write("a.csv", text), kAll); }),
              HasSubstr("the value is missing"));
}

TEST(CsvWindows, AreStandardisedOverTheTrainingRows) {
  const Folder folder;
  const auto data = csv(folder.write("a.csv", series_of({20})),
                        "columns: [a, b]\nwindow: {rows: 1}\nstandardize: true\n"
                        "split: {train: 0.5, validation: 0, test: 0.5, rule: contiguous}\n");
  // 0 .. 9: mean 4.5, variance (10^2 - 1) / 12.
  const double deviation = std::sqrt(99.0 / 12.0);
  constexpr double kRounding = 1e-14;
  const Values first = read_column(*data, 0, Split::train, 1, {0});
  EXPECT_NEAR(first[0], -4.5 / deviation, kRounding);
  EXPECT_NEAR(first[1], -4.5 / deviation, kRounding);
  EXPECT_NEAR(read_column(*data, 1, Split::test, 1, {0})[0], (11 - 4.5) / deviation, kRounding);
}

TEST(CsvWindows, AreRefusedWhereTheyWouldLeakOrNotBe) {
  const Folder folder;
  const std::string file = folder.write("a.csv", series_of({10}));
  const auto refused = [&](const std::string& yaml) {
    return config_error([&] { csv(file, yaml); });
  };
  EXPECT_THAT(refused("columns: [a]\nwindow: {rows: 3}\n"), HasSubstr("tested on what they were"));
  EXPECT_THAT(refused("columns: [a]\nwindow: {rows: 3, series: s}\n"),
              HasSubstr("tested on what they were"))
      << "one series is none to shuffle";
  EXPECT_THAT(refused("window: {rows: 3}\n"), HasSubstr("columns"));
  EXPECT_THAT(refused(std::string(kAll) + "window: {rows: 10}\n"), HasSubstr("10 rows behind it"));
  EXPECT_THAT(refused(std::string(kAll) + "window: {rows: 2, series: t}\n"),
              HasSubstr("no column 't'"));
  EXPECT_THAT(refused("window: {series: s}\n"), HasSubstr("goes with `rows`"));
  EXPECT_THAT(refused("missing: allowed\n"), HasSubstr("goes with `window`"));
  EXPECT_THAT(refused("groups: [{as: x, columns: [a]}]\nwindow: {rows: 2}\n"),
              HasSubstr("makes x and y itself"));
  EXPECT_THAT(refused(std::string(kAll) + "window: {rows: 2}\njitter: [{column: a, width: 1}]\n"),
              HasSubstr("jitter"));
}

}  // namespace
}  // namespace odeum::plugin_tests
