// SPDX-License-Identifier: Apache-2.0
#include "io/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>

#include "io/json.hpp"
#include "odeum/error.hpp"

namespace odeum::io {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Files : public testing::Test {
 protected:
  Files() {
    char pattern[] = "/tmp/odeum-io-XXXXXX";
    folder_ = ::mkdtemp(pattern);
  }
  ~Files() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(Files, AWrittenFileReadsBackAndLeavesNothingBesideIt) {
  const std::string bytes("a\0b\xff\n", 5);
  write_atomically(folder_ / "x", bytes);
  EXPECT_EQ(read_file(folder_ / "x"), bytes);
  write_atomically(folder_ / "x", "new");
  EXPECT_EQ(read_file(folder_ / "x"), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(Files, ReadersOfTheOldFileKeepIt) {
  write_atomically(folder_ / "x", "old");
  fs::create_hard_link(folder_ / "x", folder_ / "reader");
  write_atomically(folder_ / "x", "new");
  EXPECT_EQ(read_file(folder_ / "reader"), "old");
}

TEST_F(Files, AMissingFileIsAConfigErrorThatNamesIt) {
  try {
    read_file(folder_ / "none");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr((folder_ / "none").string()));
    EXPECT_THAT(error.what(), HasSubstr("No such file"));
  }
}

TEST_F(Files, AFolderThatIsNotThereIsARunErrorThatNamesTheFile) {
  EXPECT_THROW(write_atomically(folder_ / "none" / "x", ""), RunError);
}

TEST_F(Files, LinesAppendAfterTheGivenSize) {
  {
    LineFile file(folder_ / "log", 0);
    file.append("one");
    file.append("two");
    EXPECT_EQ(file.size(), 8U);
    file.sync();
  }
  {
    LineFile file(folder_ / "log", 4);
    file.append("three");
  }
  EXPECT_EQ(read_file(folder_ / "log"), "one\nthree\n");
}

TEST_F(Files, ALineFileShorterThanTheGivenSizeIsRefused) {
  write_atomically(folder_ / "log", "one\n");
  EXPECT_THROW(LineFile(folder_ / "log", 8), RunError);
}

TEST(Json, NumbersReadBackToTheSameBits) {
  for (const double value : {0.1, 1.0 / 3.0, 5e-324, 1.7976931348623157e308, -0.0, 1e21}) {
    const double back = parse_json(to_line(Json(value)), "x").get<double>();
    EXPECT_EQ(std::bit_cast<std::uint64_t>(back), std::bit_cast<std::uint64_t>(value)) << value;
  }
}

TEST(Json, NumbersThatJsonLacksAreNull) {
  EXPECT_EQ(to_line(Json{{"a", std::nan("")}, {"b", -INFINITY}}), R"({"a":null,"b":null})");
}

TEST(Json, KeysKeepTheirOrder) { EXPECT_EQ(to_line(Json{{"b", 1}, {"a", 2}}), R"({"b":1,"a":2})"); }

TEST(Json, MalformedTextIsRefusedWithItsPlace) {
  try {
    parse_json("{\"a\": 1,\n \"b\": }", "x.json");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("x.json:2:7"));
  }
}

}  // namespace
}  // namespace odeum::io
