// SPDX-License-Identifier: Apache-2.0
// Image files made here, byte by byte, and read back; and MNIST where the data folder is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "loaded.hpp"
#include "samples.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Values = std::vector<double>;

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(static_cast<unsigned char>(value >> shift));
  return bytes;
}

/// An IDX file of bytes with the given extents.
std::string idx_bytes(const std::vector<std::uint32_t>& shape, const std::string& values) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape) bytes += big_endian(extent);
  return bytes + values;
}

/// 0, 1, 2, ...
std::string counted(int n) {
  std::string bytes;
  for (int i = 0; i < n; ++i) bytes += static_cast<char>(static_cast<unsigned char>(i));
  return bytes;
}

/// Three images of 2 x 4, levels 0 .. 23, with labels 7, 0, 9; and two test images.
struct Small : Folder {
  std::string train = write("train.idx", idx_bytes({3, 2, 4}, counted(24)));
  std::string train_labels =
      write("train-labels.idx", idx_bytes({3}, "\x07" + std::string(1, '\0') + "\x09"));
  std::string test = write("test.idx", idx_bytes({2, 2, 4}, counted(16)));
  std::string test_labels = write("test-labels.idx", idx_bytes({2}, "\x01\x02"));

  std::string yaml(const std::string& more = "") const {
    return "train: " + train + "\ntrain_labels: " + train_labels + "\ntest: " + test +
           "\ntest_labels: " + test_labels + "\n" + more;
  }
  std::shared_ptr<Dataset> data(const std::string& more = "") const {
    return make<Dataset>("idx", yaml(more));
  }
};

Values counting(double from, double to) {
  Values values;
  for (double x = from; x < to; ++x) values.push_back(x);
  return values;
}

TEST(Idx, ReadsLevelsAndLabelsOfBothSplits) {
  const Small files;
  const auto data = files.data();
  ASSERT_EQ(data->columns().size(), 2U);
  EXPECT_EQ(data->main_column(), "x");
  EXPECT_EQ(data->columns()[0].shape, (std::vector<std::int64_t>{1, 2, 4}));
  EXPECT_EQ(data->columns()[1].name, "label");
  EXPECT_TRUE(data->columns()[1].shape.empty());
  EXPECT_EQ(data->count(Split::train), 3);
  EXPECT_EQ(data->count(Split::validation), 0);
  EXPECT_EQ(data->count(Split::test), 2);
  EXPECT_EQ(read_column(*data, 0, Split::train, 1, {1}), counting(8, 16));
  EXPECT_EQ(read_column(*data, 1, Split::train, 1, {0, 1, 2, 3}), (Values{7, 0, 9, 7}));
  EXPECT_EQ(read_column(*data, 1, Split::test, 1, {1, 0}), (Values{2, 1}));
}

TEST(Idx, TakesImagesOfSeveralChannelsAndNoLabels) {
  const Folder folder;
  const std::string file = folder.write("rgb.idx", idx_bytes({1, 3, 2, 2}, counted(12)));
  const auto data = make<Dataset>("idx", "train: " + file + "\n");
  ASSERT_EQ(data->columns().size(), 1U);
  EXPECT_EQ(data->columns()[0].shape, (std::vector<std::int64_t>{3, 2, 2}));
  EXPECT_EQ(data->count(Split::test), 0);
  EXPECT_EQ(first_samples(*data, Split::train, 1), counting(0, 12));
}

TEST(Idx, DividesTrainingImagesAndTakesTheFirstOnes) {
  const Small files;
  const auto data = files.data("validation: 1\nlimit: 1\ntest_limit: 1\n");
  EXPECT_EQ(data->count(Split::train), 1);
  EXPECT_EQ(data->count(Split::validation), 1);
  EXPECT_EQ(data->count(Split::test), 1);
  EXPECT_EQ(first_samples(*data, Split::validation, 1), counting(16, 24));
  EXPECT_EQ(read_column(*data, 1, Split::validation, 1, {0}), Values{9});
}

TEST(Idx, PoolsPadsAndKeepsLeadingBits) {
  const Small files;
  // Means of {0, 1, 4, 5} and {2, 3, 6, 7}: 2.5 and 4.5, rounded up.
  EXPECT_EQ(first_samples(*files.data("pool: 2\n"), Split::train, 1), (Values{3, 5}));
  const auto both = files.data("pool: 2\npad: 1\n");
  EXPECT_EQ(both->columns()[0].shape, (std::vector<std::int64_t>{1, 3, 4}));
  EXPECT_EQ(first_samples(*both, Split::train, 1), (Values{0, 0, 0, 0, 0, 3, 5, 0, 0, 0, 0, 0}));
  // Five bits: levels in steps of 8.
  EXPECT_EQ(read_column(*files.data("bits: 5\n"), 0, Split::train, 1, {2}),
            (Values{2, 2, 2, 2, 2, 2, 2, 2}));
}

TEST(Idx, ScalesToTheUnitIntervalAndNormalises) {
  const Small files;
  const Values unit = first_samples(*files.data("scale: unit\n"), Split::train, 1);
  const Values normal =
      first_samples(*files.data("scale: unit\nmean: 0.5\ndeviation: [0.25]\n"), Split::train, 1);
  for (std::size_t i = 0; i < unit.size(); ++i) {
    EXPECT_DOUBLE_EQ(unit[i], static_cast<double>(i) / 255.0);
    EXPECT_DOUBLE_EQ(normal[i], (static_cast<double>(i) / 255.0 - 0.5) / 0.25);
  }
}

TEST(Idx, MirrorsHalfOfTheTrainingImagesAndNoOthers) {
  const Small files;
  const auto data = files.data("flip: true\n");
  const Values mirrored{3, 2, 1, 0, 7, 6, 5, 4};
  int count = 0;
  for (std::int64_t i = 0; i < 200; ++i) {
    const Values image = read_column(*data, 0, Split::train, 5, {3 * i});
    EXPECT_TRUE(image == counting(0, 8) || image == mirrored);
    count += image == mirrored ? 1 : 0;
  }
  EXPECT_NEAR(count, 100, 30);  // four deviations of a fair coin
  EXPECT_EQ(read_column(*data, 0, Split::test, 5, {0, 2, 4}).size(), 24U);
  for (std::int64_t i = 0; i < 40; i += 2)
    EXPECT_EQ(read_column(*data, 0, Split::test, 5, {i}), counting(0, 8));
}

TEST(Idx, CutsTrainingImagesOutOfZeros) {
  const Folder folder;
  const std::string file = folder.write("ones.idx", idx_bytes({1, 3, 3}, std::string(9, '\x01')));
  const auto data = make<Dataset>("idx", "train: " + file + "\ncrop: 1\n");
  std::set<Values> seen;
  for (std::int64_t i = 0; i < 200; ++i) seen.insert(read_column(*data, 0, Split::train, 3, {i}));
  // Nine places; ones that stay are a block of 2 or 3 by 2 or 3.
  EXPECT_EQ(seen.size(), 9U);
  for (const Values& image : seen) {
    const double sum = std::accumulate(image.begin(), image.end(), 0.0);
    EXPECT_TRUE(sum == 9 || sum == 6 || sum == 4) << sum;
  }
}

TEST(Idx, ErasesRectanglesOfTheAskedArea) {
  const Folder folder;
  const std::string file =
      folder.write("ones.idx", idx_bytes({1, 20, 20}, std::string(400, '\x01')));
  const auto data = make<Dataset>(
      "idx", "train: " + file + "\nerase: {probability: 1, area: [0.04, 0.2], ratio: [0.5, 2]}\n");
  double mean = 0.0;
  for (std::int64_t i = 0; i < 400; ++i) {
    const Values image = read_column(*data, 0, Split::train, 3, {i});
    const double erased = 400.0 - std::accumulate(image.begin(), image.end(), 0.0);
    EXPECT_GE(erased, 8.0);   // an area of 16 with sides rounded
    EXPECT_LE(erased, 96.0);  // an area of 80 with sides rounded
    mean += erased / 400.0;
  }
  // Uniform on (16, 80): mean 48, deviation 18.5, of the mean 0.92.
  EXPECT_NEAR(mean, 48.0, 4.0);
}

TEST(Idx, GivesTheSameAugmentationWhateverTheBatch) {
  const Small files;
  const auto data = files.data("crop: 1\nflip: true\nerase: {area: [0.1, 0.5], ratio: [0.5, 2]}\n");
  const Values together = read_column(*data, 0, Split::train, 9, {4, 5, 6});
  const Values alone = read_column(*data, 0, Split::train, 9, {5});
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + 8));
  EXPECT_NE(read_column(*data, 0, Split::train, 10, range(0, 30)),
            read_column(*data, 0, Split::train, 9, range(0, 30)));
}

TEST(Idx, RefusesFilesThatAreNotWhatTheySay) {
  const Folder folder;
  const auto refusal = [&](const std::string& bytes) {
    const std::string file = folder.write("a.idx", bytes);
    return config_error([&] { make<Dataset>("idx", "train: " + file + "\n"); });
  };
  EXPECT_THAT(refusal(idx_bytes({3, 2, 4}, counted(23))),
              AllOf(HasSubstr("a.idx"), HasSubstr("truncated"), HasSubstr("3 x 2 x 4, 40 bytes"),
                    HasSubstr("has 39")));
  EXPECT_THAT(refusal(idx_bytes({3, 2, 4}, counted(25))), HasSubstr("too long"));
  EXPECT_THAT(refusal("\x1f\x1f\x08\x03 and more"), HasSubstr("first two bytes must be zero"));
  EXPECT_THAT(refusal(std::string("\0\0\x0D\x03", 4) + std::string(12, '\0')),
              HasSubstr("IDX type 0x0d"));
  EXPECT_THAT(refusal(idx_bytes({3}, "abc")), HasSubstr("has 1 dimensions; wanted are three"));
  EXPECT_THAT(refusal(std::string("\0\0\x08\x03\0\0", 6)), HasSubstr("within its header"));
  EXPECT_THAT(refusal("ab"), HasSubstr("no IDX file"));
  EXPECT_THAT(refusal(idx_bytes({0, 2, 2}, "")), HasSubstr("dimension 0 is 0"));
  EXPECT_THAT(refusal(idx_bytes({4000000000U, 4000000000U, 9}, "")), HasSubstr("cannot be"));
  EXPECT_THAT(config_error([] { make<Dataset>("idx", "train: nowhere.idx\n"); }),
              HasSubstr("there is no file 'nowhere.idx'"));
}

TEST(Idx, RefusesLabelsThatDoNotFit) {
  const Small files;
  const auto refusal = [&](const std::string& yaml) {
    return config_error([&] { make<Dataset>("idx", yaml); });
  };
  const std::string two = files.write("two.idx", idx_bytes({2}, "\x01\x02"));
  EXPECT_THAT(refusal("train: " + files.train + "\ntrain_labels: " + two + "\n"),
              HasSubstr("holds 2 labels for 3 images"));
  EXPECT_THAT(refusal(files.yaml("classes: 9\n")),
              HasSubstr("label 2 is 9, and there are 9 classes"));
  EXPECT_THAT(refusal("train: " + files.train + "\ntrain_labels: " + files.test + "\n"),
              HasSubstr("has 3 dimensions; wanted are one"));
  EXPECT_THAT(refusal("train: " + files.train + "\ntest: " + files.test +
                      "\ntest_labels: " + files.test_labels + "\n"),
              HasSubstr("train_labels"));
  const std::string wide = files.write("wide.idx", idx_bytes({2, 4, 2}, counted(16)));
  EXPECT_THAT(refusal("train: " + files.train + "\ntest: " + wide + "\n"),
              HasSubstr("of another size"));
}

TEST(Idx, RefusesSettingsThatDoNotFit) {
  const Small files;
  const auto refusal = [&](const std::string& more) {
    return config_error([&] { files.data(more); });
  };
  EXPECT_THAT(refusal("pool: 3\n"), HasSubstr("2 x 4 cannot become smaller by a factor of 3"));
  EXPECT_THAT(refusal("validation: 3\n"), HasSubstr("none are left"));
  EXPECT_THAT(refusal("mean: 0.5\n"), HasSubstr("scale: unit"));
  EXPECT_THAT(refusal("scale: unit\nmean: [0.5, 0.5, 0.5]\n"), HasSubstr("images of 1 channels"));
  EXPECT_THAT(refusal("erase: {area: [0.5, 0.1]}\n"), HasSubstr("larger than the most"));
  EXPECT_THAT(refusal("bits: 9\n"), HasSubstr("bits"));
}

TEST(Idx, ReadsMnistOfTheDataFolder) {
  const char* folder = std::getenv("ODEUM_DATA");
  if (folder == nullptr) GTEST_SKIP() << "ODEUM_DATA is not set";
  const std::string mnist = std::string(folder) + "/mnist/";
  const auto data = make<Dataset>(
      "idx", "train: " + mnist + "train-images-idx3-ubyte.gz\ntrain_labels: " + mnist +
                 "train-labels-idx1-ubyte.gz\ntest: " + mnist + "t10k-images-idx3-ubyte.gz\n" +
                 "test_labels: " + mnist + "t10k-labels-idx1-ubyte.gz\nlimit: 2000\n");
  EXPECT_EQ(data->count(Split::train), 2000);
  EXPECT_EQ(data->count(Split::test), 10000);
  // The first ten training labels, as on the data set's page.
  EXPECT_EQ(read_column(*data, 1, Split::train, 1, range(0, 10)),
            (Values{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}));
  EXPECT_EQ(read_column(*data, 1, Split::test, 1, range(0, 5)), (Values{7, 2, 1, 0, 4}));
}

/// One record: a label, then planes of one level each.
std::string record(int label, int red, int green, int blue) {
  std::string bytes(1, static_cast<char>(label));
  for (const int level : {red, green, blue}) bytes += std::string(1024, static_cast<char>(level));
  return bytes;
}

struct Batches : Folder {
  Batches() {
    for (int i = 1; i <= 5; ++i)
      write("data_batch_" + std::to_string(i) + ".bin",
            record(i, i, 2 * i, 3 * i) + record(0, 1, 1, 1));
    last = write("test_batch.bin", record(9, 7, 8, 9));
  }
  std::string refusal(const std::string& name, const std::string& bytes) const {
    write(name, bytes);
    return config_error([&] { data(); });
  }
  std::shared_ptr<Dataset> data() const {
    return make<Dataset>("cifar10", "folder: " + last.substr(0, last.rfind('/')) + "\n");
  }
  std::string last;
};

TEST(Cifar10, ReadsItsSixFilesInOrder) {
  const Batches files;
  const auto data = files.data();
  EXPECT_EQ(data->count(Split::train), 10);
  EXPECT_EQ(data->count(Split::test), 1);
  EXPECT_EQ(data->columns()[0].shape, (std::vector<std::int64_t>{3, 32, 32}));
  EXPECT_EQ(read_column(*data, 1, Split::train, 1, range(0, 10)),
            (Values{1, 0, 2, 0, 3, 0, 4, 0, 5, 0}));
  const Values image = read_column(*data, 0, Split::train, 1, {4});
  EXPECT_EQ(image.front(), 3);
  EXPECT_EQ(image[1024], 6);
  EXPECT_EQ(image.back(), 9);
}

TEST(Cifar10, RefusesTruncatedFilesAndLabelsOutOfRange) {
  const Batches files;
  EXPECT_THAT(
      files.refusal("data_batch_3.bin", record(1, 2, 3, 4).substr(0, 3000)),
      AllOf(HasSubstr("data_batch_3.bin"), HasSubstr("has 3000 bytes"), HasSubstr("truncated")));
  EXPECT_THAT(files.refusal("data_batch_3.bin", record(1, 2, 3, 4) + record(10, 0, 0, 0)),
              HasSubstr("the label of record 1 is 10"));
  EXPECT_THAT(files.refusal("data_batch_3.bin", ""), HasSubstr("0 bytes"));
  const Folder empty;
  const std::string file = empty.write("x", "");
  EXPECT_THAT(config_error([&] {
                make<Dataset>("cifar10", "folder: " + file.substr(0, file.rfind('/')) + "\n");
              }),
              HasSubstr("data_batch_1.bin"));
}

}  // namespace
}  // namespace odeum::plugin_tests
