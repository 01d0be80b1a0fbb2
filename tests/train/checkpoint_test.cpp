// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/tool.hpp"
#include "io/file.hpp"
#include "odeum/error.hpp"

namespace odeum::train {
namespace {

using testing::HasSubstr;

/// Two arrays with padding between them, as the pipeline lays them out.
model::Layout parameters() {
  model::Layout layout;
  layout.entries = {{"flow.weight", Shape{2, 3}, {}, 0, 6}, {"flow.bias", Shape{2}, {}, 16, 2}};
  layout.size = 32;
  return layout;
}

model::Layout buffers() {
  model::Layout layout;
  layout.entries = {{"mean", Shape{2}, {}, 0, 2}};
  layout.size = 16;
  return layout;
}

Checkpoint example() {
  Checkpoint c;
  c.progress.step = 120;
  c.progress.stopped_early = true;
  c.progress.metrics_bytes = 12345;
  c.progress.skipped_samples = 3;
  c.progress.evaluations = {1, 2, 3, 4};
  c.progress.since_log.count = 2;
  c.progress.since_log.sums = {{"loss", 0.1}, {"metric.nll", 1.0 / 3.0}};
  c.progress.best = {100, 2.875, 1};
  c.seed = 0xffffffffffffffff;
  c.epoch = 4;
  c.epoch_row = 96;
  c.config = "0123456789abcdef";
  c.columns = {"rows", "a", "b"};
  c.sample_shape = {2};
  c.parameters.resize(32);
  for (const int i : {0, 1, 2, 3, 4, 5, 16, 17})
    c.parameters[static_cast<std::size_t>(i)] = 0.5 + i;
  c.buffers.resize(16);
  c.buffers[1] = -1.25;
  c.slots["first_moment"] = c.parameters;
  c.slots["second_moment"] = std::vector<double>(32, 0.0);
  return c;
}

TEST(Checkpoint, ReadsBackEverythingItHolds) {
  const testing_tool::Folder folder;
  const auto file = folder / "step.safetensors";
  const Checkpoint c = example();
  save(file, c, parameters(), buffers(), DType::f32);
  const Checkpoint read = load(file, parameters(), buffers(), DType::f32);
  EXPECT_EQ(read.progress.step, 120);
  EXPECT_TRUE(read.progress.stopped_early);
  EXPECT_EQ(read.progress.metrics_bytes, 12345U);
  EXPECT_EQ(read.progress.skipped_samples, 3);
  EXPECT_EQ(read.progress.evaluations.rejected, 4);
  EXPECT_EQ(read.progress.since_log.count, 2);
  EXPECT_EQ(read.progress.since_log.sums, c.progress.since_log.sums);
  EXPECT_EQ(read.progress.best.step, 100);
  EXPECT_EQ(read.progress.best.metric, 2.875);
  EXPECT_EQ(read.progress.best.evaluations_since, 1);
  EXPECT_EQ(read.seed, c.seed);
  EXPECT_EQ(read.epoch, 4);
  EXPECT_EQ(read.epoch_row, 96);
  EXPECT_EQ(read.config, c.config);
  EXPECT_EQ(read.parameters, c.parameters);
  EXPECT_EQ(read.buffers, c.buffers);
  EXPECT_EQ(read.slots, c.slots);
  EXPECT_EQ(trained_on(file).columns, c.columns);
  EXPECT_EQ(trained_on(file).sample_shape, c.sample_shape);
}

TEST(Checkpoint, EqualStatesGiveEqualFiles) {
  const testing_tool::Folder folder;
  save(folder / "a", example(), parameters(), buffers(), DType::f32);
  save(folder / "b", example(), parameters(), buffers(), DType::f32);
  EXPECT_EQ(io::read_file(folder / "a"), io::read_file(folder / "b"));
}

TEST(Checkpoint, AnotherModelsIsRefusedByArrayShapeAndType) {
  const testing_tool::Folder folder;
  const auto file = folder / "step.safetensors";
  save(file, example(), parameters(), buffers(), DType::f32);
  const auto refusal = [&](const model::Layout& layout, DType type) -> std::string {
    try {
      load(file, layout, buffers(), type);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  model::Layout wider = parameters();
  wider.entries[1].shape = Shape{1, 2};
  EXPECT_THAT(refusal(wider, DType::f32), HasSubstr("'parameters.flow.bias' is float32 [2]"));
  EXPECT_THAT(refusal(parameters(), DType::f64), HasSubstr("this model's is float64"));
  model::Layout renamed = parameters();
  renamed.entries[0].name = "flow.kernel";
  EXPECT_THAT(refusal(renamed, DType::f32), HasSubstr("no array 'parameters.flow.kernel'"));
}

TEST(Checkpoint, AFileThatIsNoneIsRefused) {
  const testing_tool::Folder folder;
  io::write_atomically(folder / "x", "what is this");
  EXPECT_THROW(load(folder / "x", parameters(), buffers(), DType::f32), ConfigError);
  EXPECT_THROW(trained_on(folder / "missing"), ConfigError);
}

}  // namespace
}  // namespace odeum::train
