// SPDX-License-Identifier: Apache-2.0
// Classifiers of images through the tool: the published networks have their published numbers of
// parameters, and what they have learned, population statistics included, is what is saved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/image_files.hpp"
#include "cli/tool.hpp"
#include "io/json.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;

/// An IDX file of labels 0, 1, ..., 9, 0, ...
void write_labels(const fs::path& file, std::uint32_t count) {
  std::string bytes{'\0', '\0', '\x08', '\x01', '\0', '\0', '\0', static_cast<char>(count)};
  for (std::uint32_t i = 0; i < count; ++i) bytes += static_cast<char>(i % 10);
  write(file, bytes);
}

class Classifiers : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    files_ = new Folder;
    write_image_folder(files_->path());
    for (const char* set : {"mnist", "fashion-mnist"}) {
      for (const char* split : {"train", "t10k"}) {
        const fs::path start = files_->path() / set / split;
        write_idx(start.string() + "-images-idx3-ubyte.gz", {40, 28, 28});
        write_labels(start.string() + "-labels-idx1-ubyte.gz", 40);
      }
    }
  }
  static void TearDownTestSuite() { delete files_; }

  static Result run_with_files(std::vector<std::string> arguments) {
    return run(std::move(arguments), files_->path(), {{"ODEUM_DATA", files_->path().string()}});
  }
  static std::string configuration(const std::string& name) {
    return std::string(std::getenv("ODEUM_SOURCE")) + "/configs/images/" + name + ".yaml";
  }
  static io::Json validated(const std::string& name, const std::vector<std::string>& sets = {}) {
    std::vector<std::string> arguments{"validate", configuration(name), "--json"};
    for (const std::string& set : sets) arguments.insert(arguments.end(), {"--set", set});
    const Result result = run_with_files(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return io::parse_json(last_line(result.out), "stdout");
  }

  static Folder* files_;
};
Folder* Classifiers::files_ = nullptr;

TEST_F(Classifiers, HaveTheNumbersOfParametersOfTheOdeNetAndItsResidualNetwork) {
  // Stem 132,096, solve 75,392, head 778 (torchdiffeq's odenet_mnist, counted).
  EXPECT_EQ(validated("odenet-mnist")["parameters"], 208266);
  EXPECT_EQ(validated("odenet-mnist", {"flow.gradient=adjoint"})["parameters"], 208266);
  // Six blocks of 2 x 36,864 weights and 2 x 128 scales and shifts.
  EXPECT_EQ(validated("odenet-mnist-residual")["parameters"], 132096 + 778 + 6 * 73984);
}

TEST_F(Classifiers, HaveTheNumbersOfParametersOfTheNetworksWithTimeNormalisation) {
  // 2,154,555 weights and 1,635 biases of convolutions, 30,730 of the last layer; scales, shifts
  // and as many statistics at 101 points for 1,635 channels.
  const io::Json unet = validated("ta-bn-unet");
  EXPECT_EQ(unet["parameters"], 2186920 + 330270);
  EXPECT_EQ(unet["buffers"], 330270);
  const io::Json released = validated("ta-bn-unet", {"flow.field.norm.grid=released_code"});
  EXPECT_EQ(released["parameters"], 2186920 + 327000);
  EXPECT_EQ(released["buffers"], 327000);
  const std::vector<std::string> none{"flow.field.norm.statistics=none", "flow.regularizers=[]"};
  EXPECT_EQ(validated("ta-bn-unet", none)["parameters"], 2186920);
  EXPECT_EQ(validated("ta-bn-6-layers", none)["parameters"], 220008);
}

TEST_F(Classifiers, KeepPopulationStatisticsInTheirCheckpoints) {
  const Result trained = run_with_files(
      {"train", configuration("ta-bn-4-layers"), "--out", "run", "--json", "--set",
       "flow.field.channels=[2, 3, 2]", "--set", "flow.field.norm.intervals=10", "--set",
       "data.batch=20", "--set", "train.epochs=2", "--set", "train.evaluate_batch=20"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  const io::Json test = io::parse_json(last_line(trained.out), "stdout")["test"];
  for (const char* name : {"cross_entropy", "accuracy", "confidence", "calibration_error"}) {
    EXPECT_TRUE(test.contains(name)) << name;
  }
  const Result again = run_with_files({"eval", "run", "--json"});
  ASSERT_EQ(again.status, 0) << again.err;
  const io::Json evaluated = io::parse_json(last_line(again.out), "stdout");
  EXPECT_EQ(evaluated["cross_entropy"], test["cross_entropy"]);
  EXPECT_EQ(evaluated["calibration_error"], test["calibration_error"]);
  const Result shown = run_with_files({"eval", "run"});
  EXPECT_THAT(shown.out, HasSubstr("test accuracy"));
  EXPECT_THAT(shown.out, HasSubstr("test calibration_error"));
}

TEST_F(Classifiers, AreRefusedWithImagesThatTheirScalesDoNotDivide) {
  const Result result =
      run_with_files({"validate", configuration("ta-bn-4-layers"), "--set", "data.pad=0"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("multiples of its largest reduction"));
}

}  // namespace
}  // namespace odeum::testing_tool
