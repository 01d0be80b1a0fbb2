// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <set>

#include "loaded.hpp"
#include "samples.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;

constexpr char kPlain[] = "a,b,c\n1,10,5\n2,20,5.5\n3,30,6\n4,40,6.5\n5,50,7\n";
constexpr char kAllTest[] = "split: {train: 0, validation: 0, test: 1}\n";

std::shared_ptr<Dataset> csv(const std::string& file, const std::string& yaml = "") {
  return make<Dataset>("csv", "file: " + file + "\n" + yaml);
}

/// y = 3 i + 0.25 (i mod 7), z = i mod 4, for i = 0 .. rows - 1.
std::string numbered(int rows) {
  std::string text = "i,y,z\n";
  for (int i = 0; i < rows; ++i) {
    text += std::to_string(i) + "," + std::to_string(3.0 * i + 0.25 * (i % 7)) + "," +
            std::to_string(i % 4) + "\n";
  }
  return text;
}

TEST(Csv, ReadsTheRowsAndEachColumn) {
  const Folder folder;
  const auto data = csv(folder.write("plain.csv", kPlain), kAllTest);
  const std::vector<Column> columns = data->columns();
  ASSERT_EQ(columns.size(), 4U);
  EXPECT_EQ(columns[0].name, "rows");
  EXPECT_EQ(columns[0].shape, std::vector<std::int64_t>{3});
  EXPECT_EQ(columns[2].name, "b");
  EXPECT_TRUE(columns[2].shape.empty());
  EXPECT_EQ(data->count(Split::test), 5);
  EXPECT_EQ(data->count(Split::train), 0);
  EXPECT_EQ(read_column(*data, 0, Split::test, 1, {4, 1}),
            (std::vector<double>{5, 50, 7, 2, 20, 5.5}));
  EXPECT_EQ(read_column(*data, 3, Split::test, 1, {0, 3}), (std::vector<double>{5, 6.5}));
}

TEST(Csv, TakesTheNamedColumnsInTheirOrder) {
  const Folder folder;
  const std::string file = folder.write("text.csv", "date,a,b\n\"2016, July\",1,10\n2017,2,20\n");
  const auto data = csv(file, std::string("columns: [b, a]\n") + kAllTest);
  EXPECT_EQ(first_samples(*data, Split::test, 2), (std::vector<double>{10, 1, 20, 2}));
}

TEST(Csv, ReadsWindowsLinesQuotesAndNumbersOfAllForms) {
  const Folder folder;
  const std::string file =
      folder.write("forms.csv", "\xEF\xBB\xBF\"a\",b\r\n+1e3, -.5\r\n\"2\",1e-400\r\n\r\n");
  EXPECT_EQ(first_samples(*csv(file, kAllTest), Split::test, 2),
            (std::vector<double>{1000, -0.5, 2, 0}));
}

TEST(Csv, UnpacksGzip) {
  const Folder folder;
  const std::string path = folder.write("plain.csv.gz", "");
  gzFile packed = gzopen(path.c_str(), "wb");
  gzwrite(packed, kPlain, sizeof(kPlain) - 1);
  gzclose(packed);
  EXPECT_EQ(csv(path, kAllTest)->count(Split::test), 5);

  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const std::string cut = folder.write("cut.csv.gz", bytes.substr(0, bytes.size() / 2));
  EXPECT_THAT(config_error([&] { csv(cut); }), HasSubstr(cut + " — its gzip data end too early"));
}

TEST(Csv, SplitsAreDisjointCompleteAndTheSameEachTime) {
  const Folder folder;
  const std::string file = folder.write("numbered.csv", numbered(1003));
  const std::string rule =
      "columns: [i]\nsplit: {train: 0.7, validation: 0.2, test: 0.1, seed: 3}\n";
  const auto data = csv(file, rule);
  EXPECT_EQ(data->count(Split::train), 703);
  EXPECT_EQ(data->count(Split::validation), 200);
  EXPECT_EQ(data->count(Split::test), 100);
  std::set<double> seen;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    for (const double i : first_samples(*data, split, *data->count(split))) seen.insert(i);
  }
  EXPECT_EQ(seen.size(), 1003U);
  const std::vector<double> test = first_samples(*data, Split::test, 100);
  EXPECT_EQ(first_samples(*csv(file, rule), Split::test, 100), test);
  const std::string other =
      "columns: [i]\nsplit: {train: 0.7, validation: 0.2, test: 0.1, seed: 4}\n";
  EXPECT_NE(first_samples(*csv(file, other), Split::test, 100), test);
  // Shuffled: the mean of 100 of the numbers 0 .. 1002 has deviation 290 / 10.
  EXPECT_NEAR(estimate(test).mean, 501.0, 4 * 29.0);
}

TEST(Csv, ContiguousSplitsKeepTheOrderOfTheFile) {
  const Folder folder;
  const auto data =
      csv(folder.write("numbered.csv", numbered(10)),
          "columns: [i]\nsplit: {train: 0.6, validation: 0.3, test: 0.1, rule: contiguous}\n");
  EXPECT_EQ(first_samples(*data, Split::train, 6), (std::vector<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(first_samples(*data, Split::validation, 3), (std::vector<double>{6, 7, 8}));
  EXPECT_EQ(first_samples(*data, Split::test, 1), (std::vector<double>{9}));
}

TEST(Csv, StandardizesByTheTrainingRows) {
  const Folder folder;
  const auto data = csv(folder.write("numbered.csv", numbered(500)), "standardize: true\n");
  for (std::size_t column = 1; column <= 3; ++column) {
    const std::vector<double> train = read_column(*data, column, Split::train, 1, range(0, 400));
    double mean = 0.0;
    double square = 0.0;
    for (const double x : train) {
      mean += x / 400.0;
      square += x * x / 400.0;
    }
    EXPECT_NEAR(mean, 0.0, 1e-12);
    EXPECT_NEAR(square, 1.0, 1e-12);
  }
}

TEST(Csv, JitterIsUniformDrawnAnewEachLapAndStandardizedWithTheRest) {
  const Folder folder;
  const std::string file = folder.write("numbered.csv", numbered(4000));
  const std::string jitter = "jitter: [{column: z, width: 1}]\n";
  const auto data = csv(file, jitter);
  const std::vector<double> z = read_column(*data, 3, Split::train, 5, range(0, 3200));
  const std::vector<double> plain = read_column(*csv(file), 3, Split::train, 5, range(0, 3200));
  double mean = 0.0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    EXPECT_GT(z[i] - plain[i], 0.0);
    EXPECT_LT(z[i] - plain[i], 1.0);
    mean += (z[i] - plain[i]) / 3200.0;
  }
  EXPECT_NEAR(mean, 0.5, 4.0 * std::sqrt(1.0 / 12.0 / 3200.0));
  EXPECT_EQ(read_column(*data, 1, Split::train, 5, {7}),
            read_column(*csv(file), 1, Split::train, 5, {7}));

  const std::vector<double> lap = read_column(*data, 3, Split::train, 5, range(3200, 6400));
  EXPECT_NE(lap, z);
  for (std::size_t i = 0; i < z.size(); ++i) EXPECT_EQ(std::floor(lap[i]), std::floor(z[i]));

  // z is uniform on 0 .. 3, so z + u is uniform on (0, 4): deviation 4 / sqrt(12).
  const auto standard = csv(file, jitter + "standardize: true\n");
  const Estimate s = estimate(read_column(*standard, 3, Split::train, 5, range(0, 3200)));
  EXPECT_NEAR(s.mean, 0.0, 4.0 * s.error);
  // The mean's standard error tells the deviation; that of a uniform's deviation is 0.45 / sqrt n.
  EXPECT_NEAR(s.error * std::sqrt(3200.0), 1.0, 4.0 * 0.45 / std::sqrt(3200.0));
}

TEST(Csv, PutsColumnsTogetherInGroupsAndTakesWhatFollowsFromRowsBelow) {
  const Folder folder;
  const auto data = csv(folder.write("plain.csv", kPlain),
                        "groups:\n  - {as: x, columns: [c, a]}\n"
                        "  - {as: y, columns: [a, b], ahead: 2}\n"
                        "split: {train: 0, validation: 0, test: 1}\n");
  const std::vector<Column> columns = data->columns();
  ASSERT_EQ(columns.size(), 2U);
  EXPECT_EQ(data->main_column(), "x");
  EXPECT_EQ(columns[1].name, "y");
  EXPECT_EQ(columns[1].shape, std::vector<std::int64_t>{2});
  // Of five rows the last two have none two below.
  EXPECT_EQ(data->count(Split::test), 3);
  EXPECT_EQ(read_column(*data, 0, Split::test, 1, {0, 2}), (std::vector<double>{5, 1, 6, 3}));
  EXPECT_EQ(read_column(*data, 1, Split::test, 1, {0, 2}), (std::vector<double>{3, 30, 5, 50}));
}

TEST(Csv, ReadsEveryTableOfTheDataFolder) {
  const char* folder = std::getenv("ODEUM_DATA");
  if (folder == nullptr) GTEST_SKIP() << "ODEUM_DATA is not set";
  const std::string root = folder;
  const struct {
    const char* file;
    const char* columns;
    std::int64_t rows, width;
  } tables[] = {{"/uci/protein.csv", "[]", 45730, 10},
                {"/uci/power-plant.csv", "[AT, V, AP, RH, PE]", 9568, 5},
                {"/digits/digits.csv.gz", "[]", 1797, 65},
                {"/timeseries/etth1.csv", "[HUFL, HULL, MUFL, MULL, LUFL, LULL, OT]", 17420, 7}};
  for (const auto& table : tables) {
    const auto data =
        csv(root + table.file, std::string("columns: ") + table.columns + "\n" + kAllTest);
    EXPECT_EQ(data->count(Split::test), table.rows) << table.file;
    EXPECT_EQ(data->columns()[0].shape[0], table.width) << table.file;
  }
}

// --- Files and keys that are wrong: each is told with its place and reason
// ------------------------

struct BadCsv {
  std::string what;
  std::string bytes;
  std::string place;  // behind the file's path
  std::string reason;
};
void PrintTo(const BadCsv& bad, std::ostream* out) { *out << bad.what; }

class BadCsvFile : public testing::TestWithParam<BadCsv> {};

TEST_P(BadCsvFile, IsToldWithPlaceAndReason) {
  const Folder folder;
  const std::string file = folder.write("bad.csv", GetParam().bytes);
  const std::string error = config_error([&] { csv(file); });
  EXPECT_THAT(error, HasSubstr(file + GetParam().place + " "));
  EXPECT_THAT(error, HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadCsvFile,
    testing::Values(
        BadCsv{"empty", "", "", "the file is empty"},
        BadCsv{"only_lines", "\n\n", "", "the file is empty"},
        BadCsv{"only_header", "a,b\n", ":1", "no rows below"},
        BadCsv{"no_header", "1,2\n3,4\n", ":1:1", "must name the columns"},
        BadCsv{"unnamed", "a,,c\n1,2,3\n", ":1:3", "without a name"},
        BadCsv{"repeated", "a,b,a\n1,2,3\n", ":1:5", "second column named 'a'"},
        BadCsv{"semicolons", "a;b\n1,5;2\n", ":1:1", "separated by commas"},
        BadCsv{"latin_1", "a,l\xE4nge\n1,2\n", ":1:3", "not UTF-8"},
        BadCsv{"text", "a,b\n1,2\n3,many\n", ":3:3", "column 'b' — 'many' is no number"},
        BadCsv{"half_number", "a,b\n1,2x\n", ":2:3", "'2x' is no number"},
        BadCsv{"missing", "a,b\n1,2\n,4\n", ":3:1", "column 'a' — the value is missing"},
        BadCsv{"nan", "a,b\n1,nan\n", ":2:3", "'nan' is not finite"},
        BadCsv{"infinite", "a,b\n1,-inf\n", ":2:3", "'-inf' is not finite"},
        BadCsv{"too_large", "a,b\n1,1e999\n", ":2:3", "'1e999' is not finite"},
        BadCsv{"short_line", "a,b\n1,2\n3\n", ":3", "1 fields, the header names 2"},
        BadCsv{"long_line", "a,b\n1,2,3\n", ":2", "3 fields, the header names 2"},
        BadCsv{"gap", "a,b\n1,2\n\n3,4\n", ":3", "1 fields, the header names 2"},
        BadCsv{"open_quote", "a,b\n1,\"2\n", ":2:3", "quote that is not closed"},
        BadCsv{"taken_name", "a,rows\n1,2\n", ":1", "named 'rows'"}),
    [](const auto& test) { return test.param.what; });

struct BadKey {
  std::string what;
  std::string yaml;
  std::string place;
  std::string reason;
};
void PrintTo(const BadKey& bad, std::ostream* out) { *out << bad.what; }

class BadCsvKey : public testing::TestWithParam<BadKey> {};

TEST_P(BadCsvKey, IsToldWithPlaceAndReason) {
  const Folder folder;
  const std::string file = folder.write("plain.csv", kPlain);
  const std::string error = config_error([&] { csv(file, GetParam().yaml); });
  EXPECT_THAT(error, HasSubstr("test.yaml:" + GetParam().place));
  EXPECT_THAT(error, HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadCsvKey,
    testing::Values(
        BadKey{"unknown_column", "columns: [a, B2]\n",
               "3:", "has no column 'B2'; the nearest is 'b'"},
        BadKey{"repeated_column", "columns: [a, a]\n", "3:", "names 'a' twice"},
        BadKey{"fractions", "split: {train: 0.5}\n", "3:9", "make 0.7; together they must make 1"},
        BadKey{"negative_share", "split: {train: -0.1}\n", "3:", "train"},
        BadKey{"jitter_column", "jitter: [{column: d, width: 1}]\n", "3:11",
               "'d' is none of the columns"},
        BadKey{"jitter_width", "jitter: [{column: a, width: 0}]\n", "3:", "width"},
        BadKey{"nothing_to_standardize", std::string("standardize: true\n") + kAllTest, "3:1",
               "no training rows"},
        BadKey{"group_of_none", "groups: [{as: x, columns: []}]\n", "3:", "at least 1"},
        BadKey{"group_column", "groups: [{as: x, columns: [d]}]\n", "3:18", "has no column 'd'"},
        BadKey{"group_twice", "groups: [{as: x, columns: [a]}, {as: x, columns: [b]}]\n", "3:34",
               "two groups are named 'x'"},
        BadKey{"group_ahead", "groups: [{as: x, columns: [a], ahead: 5}]\n", "3:32", "has 5 rows"},
        BadKey{"groups_and_columns", "groups: [{as: x, columns: [a]}]\ncolumns: [a]\n", "4:1",
               "groups"},
        BadKey{"groups_standardized", "groups: [{as: x, columns: [a]}]\nstandardize: true\n", "4:1",
               "two means and deviations"},
        BadKey{"unknown_key", "colums: [a]\n", "3:1", "columns"}),
    [](const auto& test) { return test.param.what; });

TEST(Csv, RefusesToStandardizeAConstantColumn) {
  const Folder folder;
  const std::string file = folder.write("constant.csv", "a,b\n1,0.1\n2,0.1\n3,0.1\n4,0.1\n5,0.1\n");
  EXPECT_THAT(config_error([&] { csv(file, "standardize: true\n"); }),
              testing::AllOf(HasSubstr("test.yaml:3:1"),
                             HasSubstr("column 'b' of " + file + " is constant")));
}

TEST(Csv, TellsAMissingFile) {
  EXPECT_THAT(config_error([&] { csv("/nowhere/at/all.csv"); }),
              testing::AllOf(HasSubstr("test.yaml:2:"), HasSubstr("/nowhere/at/all.csv")));
}

}  // namespace
}  // namespace odeum::plugin_tests
