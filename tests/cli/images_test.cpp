// SPDX-License-Identifier: Apache-2.0
// The configurations of published image flows: they validate, with the published numbers of
// parameters, on small files of the same formats.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/image_files.hpp"
#include "cli/tool.hpp"
#include "io/json.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;

class ImageConfigurations : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    files_ = new Folder;
    write_image_folder(files_->path());
  }
  static void TearDownTestSuite() { delete files_; }

  static Result run_with_files(const std::string& command, const std::string& name,
                               std::vector<std::string> more) {
    more.insert(more.begin(), {command, std::string(std::getenv("ODEUM_SOURCE")) +
                                            "/configs/images/" + name + ".yaml"});
    return run(std::move(more), files_->path(), {{"ODEUM_DATA", files_->path().string()}});
  }
  static std::int64_t parameters(const std::string& name) {
    const Result result = run_with_files("validate", name, {"--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return io::parse_json(last_line(result.out), "stdout")["parameters"].get<std::int64_t>();
  }

  static Folder* files_;
};
Folder* ImageConfigurations::files_ = nullptr;

TEST_F(ImageConfigurations, HaveThePublishedNumbersOfParameters) {
  // Of the RNODE authors' code, counted: 1162 c + 75,648 for each solve on c channels.
  EXPECT_EQ(parameters("mnist"), 800636);
  EXPECT_EQ(parameters("cifar10"), 1358868);
  EXPECT_EQ(parameters("imagenet64"), 1996116);
  EXPECT_EQ(parameters("celeba-hq256"), 4609236);
  // Six solves of width 16 on 1, 1, 4, 4, 2, 2 channels: 298 c + 5088 each.
  EXPECT_EQ(parameters("mnist14"), 298 * 14 + 6 * 5088);
}

TEST_F(ImageConfigurations, SwitchBothPenaltiesOffInAllScales) {
  const Result result = run_with_files("validate", "mnist14",
                                       {"--set", "solve.regularizers.kinetic.weight=0", "--set",
                                        "solve.regularizers.jacobian.weight=0"});
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST_F(ImageConfigurations, TrainAndDrawSamples) {
  const std::vector<std::string> small{"--set", "solve.field.hidden=[4]", "--set", "data.batch=4",
                                       "--set", "train.steps=2"};
  std::vector<std::string> training = small;
  training.insert(training.end(), {"--out", "run"});
  const Result trained = run_with_files("train", "mnist14", training);
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_THAT(trained.out + trained.err, HasSubstr("bits_per_dim"));
  const Result drawn = run({"sample", "run", "-n", "3", "-o", "samples.npy"}, files_->path(),
                           {{"ODEUM_DATA", files_->path().string()}});
  ASSERT_EQ(drawn.status, 0) << drawn.err;
  // A header of 128 bytes, then 3 x 1 x 14 x 14 numbers.
  EXPECT_THAT(read(*files_ / "samples.npy").substr(0, 128), HasSubstr("(3, 1, 14, 14)"));
  const std::string page = read(*files_ / "run" / "report.html");
  EXPECT_THAT(page, HasSubstr("they differ by at most 0,"));
  for (const char* name : {"data", "samples", "reconstructions", "paths"}) {
    const fs::path picture = *files_ / "run" / "pictures" / (std::string(name) + ".png");
    EXPECT_EQ(read(picture).substr(1, 3), "PNG") << name;
  }
}

TEST_F(ImageConfigurations, FirstLossOfMnistIsTheStoredOne) {
  const char* data = std::getenv("ODEUM_DATA");
  if (data == nullptr) GTEST_SKIP() << "ODEUM_DATA is not set";
  // Fields start constant, so that one step of any method gives what the configured solves give:
  // bench_image_flows configs/images/mnist.yaml 20 --set data.batch=8, step 0.
  constexpr double kStored = 27.777011;
  const Folder folder;
  const Result result = run(
      {"train", std::string(std::getenv("ODEUM_SOURCE")) + "/configs/images/mnist.yaml", "--out",
       "run", "--set", "data.batch=8", "--set", "data.limit=8", "--set", "data.test_limit=2",
       "--set", "train.steps=1", "--set", "solve.solver={use: euler, steps: 1}"},
      folder.path(), {{"ODEUM_DATA", data}});
  ASSERT_EQ(result.status, 0) << result.err;
  std::istringstream metrics(read(folder / "run" / "metrics.jsonl"));
  std::string line;
  ASSERT_TRUE(std::getline(metrics, line));
  // float32 states, of up to 13.8.
  EXPECT_NEAR(io::parse_json(line, "metrics")["loss"].get<double>(), kStored, 1e-5 * kStored);
}

TEST_F(ImageConfigurations, SayWhatIsWrongWithAFileBeforeTheFirstStep) {
  const Folder broken;
  write(broken / "train.idx", std::string("\0\0\x08\x03", 4) + std::string(7, '\0'));
  const Result result = run_with_files("train", "mnist14",
                                       {"--set", "data.train=" + (broken / "train.idx").string()});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("train.idx"));
  EXPECT_THAT(result.err, HasSubstr("ends within its header"));
}

TEST_F(ImageConfigurations, RefuseMoreScalesThanTheImagesHave) {
  const Result result = run_with_files("validate", "mnist", {"--set", "flow.scales=4"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("must be multiples of 2"));
  EXPECT_THAT(result.err, HasSubstr("fewer scales"));
}

}  // namespace
}  // namespace odeum::testing_tool
