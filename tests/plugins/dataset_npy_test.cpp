// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "loaded.hpp"
#include "samples.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;

constexpr char kAllTest[] = "split: {train: 0, validation: 0, test: 1}\n";

/// A file of NumPy's format from its dictionary and the bytes behind it.
std::string npy_bytes(const std::string& dictionary, const std::string& values, char version = 1) {
  std::string bytes = std::string("\x93NUMPY", 6) + version + '\0';
  const std::size_t length = dictionary.size();
  bytes += static_cast<char>(length & 0xFF);
  bytes += static_cast<char>(length >> 8 & 0xFF);
  if (version > 1) bytes += std::string(2, '\0');
  return bytes + dictionary + values;
}

std::string dictionary(const std::string& type, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }          \n";
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::shared_ptr<Dataset> npy(const std::string& file, const std::string& yaml = "") {
  return make<Dataset>("npy", "file: " + file + "\n" + yaml);
}

template <class T>
void expect_read(const std::string& type) {
  const Folder folder;
  const std::string file = folder.write(
      "a.npy", npy_bytes(dictionary(type, "(3, 2)"), bytes_of<T>({1, 2, 3, 4, 5, 100})));
  const auto data = npy(file, kAllTest);
  EXPECT_EQ(data->columns().front().shape, std::vector<std::int64_t>{2}) << type;
  EXPECT_EQ(read_column(*data, 0, Split::test, 1, {2, 0}), (std::vector<double>{5, 100, 1, 2}))
      << type;
}

TEST(Npy, ReadsItsFiveTypes) {
  expect_read<std::uint8_t>("|u1");
  expect_read<float>("<f4");
  expect_read<double>("<f8");
  expect_read<std::int32_t>("<i4");
  expect_read<std::int64_t>("<i8");
}

TEST(Npy, ReadsVersionTwoAndRowsOfAnyShape) {
  const Folder folder;
  const std::string cube = folder.write(
      "cube.npy", npy_bytes(dictionary("<f4", "(2, 2, 3)"),
                            bytes_of<float>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}), 2));
  const auto data = npy(cube, kAllTest);
  EXPECT_EQ(data->columns().front().shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(read_column(*data, 0, Split::test, 1, {1}), (std::vector<double>{6, 7, 8, 9, 10, 11}));

  const std::string line =
      folder.write("line.npy", npy_bytes(dictionary("<f8", "(3,)"), bytes_of<double>({7, 8, 9})));
  EXPECT_TRUE(npy(line, kAllTest)->columns().front().shape.empty());
  EXPECT_EQ(first_samples(*npy(line, kAllTest), Split::test, 3), (std::vector<double>{7, 8, 9}));
}

TEST(Npy, TakesOneFileASplit) {
  const Folder folder;
  const std::string train = folder.write(
      "train.npy", npy_bytes(dictionary("|u1", "(3, 1)"), bytes_of<std::uint8_t>({1, 2, 6})));
  const std::string test =
      folder.write("test.npy", npy_bytes(dictionary("<f4", "(2, 1)"), bytes_of<float>({8, 9})));
  const auto data = make<Dataset>("npy", "train: " + train + "\ntest: " + test + "\n");
  EXPECT_EQ(data->count(Split::train), 3);
  EXPECT_EQ(data->count(Split::validation), 0);
  EXPECT_EQ(first_samples(*data, Split::train, 3), (std::vector<double>{1, 2, 6}));
  EXPECT_EQ(first_samples(*data, Split::test, 2), (std::vector<double>{8, 9}));

  // Mean 3, variance 14/3 over the training rows, for the test rows too.
  const auto standard =
      make<Dataset>("npy", "train: " + train + "\ntest: " + test + "\nstandardize: true\n");
  EXPECT_NEAR(first_samples(*standard, Split::test, 1)[0], 5.0 / std::sqrt(14.0 / 3.0), 1e-14);
}

TEST(Npy, JitterFillsTheStepBetweenWholeNumbers) {
  const Folder folder;
  const std::string file =
      folder.write("a.npy", npy_bytes(dictionary("|u1", "(256, 4)"), std::string(1024, '\x05')));
  const std::vector<double> values =
      first_samples(*npy(file, std::string("jitter: 1\n") + kAllTest), Split::test, 256);
  for (const double x : values) EXPECT_EQ(std::floor(x), 5.0);
  const Estimate mean = estimate(values);
  EXPECT_NEAR(mean.mean, 5.5, 4.0 * mean.error);
  EXPECT_NEAR(mean.error, std::sqrt(1.0 / 12.0 / 1024.0), 0.1 * mean.error);
}

TEST(Npy, ReadsTheImagePatchesOfTheDataFolder) {
  const char* folder = std::getenv("ODEUM_DATA");
  if (folder == nullptr) GTEST_SKIP() << "ODEUM_DATA is not set";
  const std::string patches = std::string(folder) + "/bsds500-patches/";
  const auto data = make<Dataset>("npy", "train: " + patches + "train.npy\nvalidation: " + patches +
                                             "val.npy\ntest: " + patches + "test.npy\n");
  EXPECT_EQ(data->count(Split::train), 100000);
  EXPECT_EQ(data->count(Split::validation), 10000);
  EXPECT_EQ(data->columns().front().shape, std::vector<std::int64_t>{64});
  for (const double x : first_samples(*data, Split::validation, 100)) {
    EXPECT_GE(x, 0.0);
    EXPECT_LE(x, 255.0);
    EXPECT_EQ(x, std::floor(x));
  }
}

// --- Files and keys that are wrong
// ----------------------------------------------------------------

struct BadNpy {
  std::string what;
  std::string bytes;
  std::string reason;
};
void PrintTo(const BadNpy& bad, std::ostream* out) { *out << bad.what; }

class BadNpyFile : public testing::TestWithParam<BadNpy> {};

TEST_P(BadNpyFile, IsToldWithPlaceAndReason) {
  const Folder folder;
  const std::string file = folder.write("bad.npy", GetParam().bytes);
  const std::string error = config_error([&] { npy(file); });
  EXPECT_THAT(error, HasSubstr(file + " — "));
  EXPECT_THAT(error, HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadNpyFile,
    testing::Values(
        BadNpy{"empty", "", "the file is empty"},
        BadNpy{"magic", "a,b\n1,2\n", "is no NumPy array file"},
        BadNpy{"version", npy_bytes(dictionary("<f4", "(1,)"), "1234", 9), "version 9"},
        BadNpy{"within_magic", "\x93NUMPY\x01", "ends within its header, after 7 bytes"},
        BadNpy{"within_header", npy_bytes(dictionary("<f4", "(2, 3)"), "").substr(0, 40),
               "ends within its header, after 40 bytes"},
        BadNpy{"truncated", npy_bytes(dictionary("<f4", "(2, 3)"), std::string(23, 'x')),
               "shape (2, 3) of type '<f4' takes 24 bytes, and 23 follow the header: the file is "
               "truncated"},
        BadNpy{"too_long", npy_bytes(dictionary("<f4", "(2, 3)"), std::string(25, 'x')),
               "takes 24 bytes, and 25 follow the header: the file is longer"},
        BadNpy{"huge", npy_bytes(dictionary("<f8", "(4000000000, 4000000000)"), "x"), "over 1e15"},
        BadNpy{"impossible", npy_bytes(dictionary("<f8", "(99999999999999999999,)"), "x"),
               "impossible shape"},
        BadNpy{"fortran", npy_bytes(dictionary("<f4", "(2, 3)", true), std::string(24, '\0')),
               "Fortran order"},
        BadNpy{"big_endian", npy_bytes(dictionary(">f4", "(2, 3)"), std::string(24, '\0')),
               "type '>f4'"},
        BadNpy{"objects", npy_bytes(dictionary("|O", "(2, 3)"), std::string(24, '\0')),
               "type '|O'"},
        BadNpy{"records",
               npy_bytes("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }\n",
                         std::string(8, '\0')),
               "records of several types"},
        BadNpy{"no_shape", npy_bytes("{'descr': '<f4', 'fortran_order': False, }\n", "1234"),
               "no 'shape'"},
        BadNpy{"scalar", npy_bytes(dictionary("<f4", "()"), "1234"), "rows are needed"},
        BadNpy{"no_rows", npy_bytes(dictionary("<f4", "(0, 3)"), ""), "has no values"},
        BadNpy{"nan",
               npy_bytes(dictionary("<f4", "(2, 2)"),
                         bytes_of<float>({1, 2, 3, std::numeric_limits<float>::quiet_NaN()})),
               "the value at [1, 1] is nan"},
        BadNpy{"infinite",
               npy_bytes(dictionary("<f8", "(2,)"),
                         bytes_of<double>({1, std::numeric_limits<double>::infinity()})),
               "the value at [1] is inf"}),
    [](const auto& test) { return test.param.what; });

TEST(Npy, TellsSplitsOfDifferentShapes) {
  const Folder folder;
  const std::string train =
      folder.write("train.npy", npy_bytes(dictionary("|u1", "(2, 2)"), "1234"));
  const std::string test =
      folder.write("test.npy", npy_bytes(dictionary("|u1", "(2, 3)"), "123456"));
  EXPECT_THAT(
      config_error([&] { make<Dataset>("npy", "train: " + train + "\ntest: " + test + "\n"); }),
      HasSubstr(test + " — has rows of shape [3], and those of " + train + " are [2]"));
}

TEST(Npy, TellsKeysThatDoNotGoTogether) {
  const Folder folder;
  const std::string file = folder.write("a.npy", npy_bytes(dictionary("|u1", "(2, 2)"), "1212"));
  EXPECT_THAT(config_error([&] { npy(file, "test: " + file + "\n"); }),
              testing::AllOf(HasSubstr("test.yaml:3:1"), HasSubstr("or one file a split")));
  EXPECT_THAT(
      config_error([&] { make<Dataset>("npy", "train: " + file + "\nsplit: {seed: 1}\n"); }),
      testing::AllOf(HasSubstr("test.yaml:3:1"), HasSubstr("every split has a file of its own")));
  EXPECT_THAT(config_error([&] { make<Dataset>("npy", "test: " + file + "\n"); }),
              testing::AllOf(HasSubstr("test.yaml:1:1"), HasSubstr("give `file`")));
  EXPECT_THAT(config_error([&] { npy(file, "standardize: true\n"); }),
              testing::AllOf(HasSubstr("test.yaml:3:1"),
                             HasSubstr("is constant over the 2 training rows")));
}

}  // namespace
}  // namespace odeum::plugin_tests
