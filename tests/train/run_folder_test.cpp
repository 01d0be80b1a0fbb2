// SPDX-License-Identifier: Apache-2.0
#include "train/run_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/tool.hpp"
#include "odeum/error.hpp"

namespace odeum::train {
namespace {

using testing::ElementsAre;
using testing_tool::Folder;
namespace fs = std::filesystem;

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

void nothing(const RunFolder&) {}

TEST(RunFolder, AppearsWholeUnderItsName) {
  const Folder folder;
  const RunFolder run = RunFolder::create(folder / "a", "seed: 1\n", [&](const RunFolder& made) {
    EXPECT_FALSE(fs::exists(folder / "a"));
    testing_tool::write(made.checkpoint(0), "x");
  });
  EXPECT_EQ(run.path(), folder / "a");
  EXPECT_EQ(testing_tool::read(run.config()), "seed: 1\n");
  EXPECT_THAT(run.checkpoints(), ElementsAre(0));
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(RunFolder, LeavesNothingWhenItsMakingFails) {
  const Folder folder;
  EXPECT_THROW(RunFolder::create(folder / "a", "", [](const RunFolder&) { throw RunError("no"); }),
               RunError);
  EXPECT_EQ(entries(folder.path()), 0U);
}

TEST(RunFolder, TakesAnEmptyFolderButNoOther) {
  const Folder folder;
  fs::create_directory(folder / "empty");
  EXPECT_FALSE(RunFolder::taken(folder / "empty"));
  RunFolder::create(folder / "empty", "", nothing);
  EXPECT_TRUE(RunFolder::taken(folder / "empty"));
  EXPECT_THROW(RunFolder::create(folder / "empty", "", nothing), ConfigError);
  testing_tool::write(folder / "file", "x");
  EXPECT_TRUE(RunFolder::taken(folder / "file"));
  EXPECT_EQ(entries(folder.path()), 2U);
}

TEST(RunFolder, PruningKeepsTheNewestAndTheBest) {
  const Folder folder;
  const RunFolder run = RunFolder::create(folder / "a", "", nothing);
  for (const int step : {0, 7, 100, 99999999, 123456789}) {
    testing_tool::write(run.checkpoint(step), std::to_string(step));
  }
  run.keep_as_best(7);
  testing_tool::write(run.path() / "checkpoints" / "step-00000008.safetensors.partial", "");
  testing_tool::write(run.path() / "checkpoints" / "mine.safetensors", "");
  run.prune(2);
  EXPECT_THAT(run.checkpoints(), ElementsAre(99999999, 123456789));
  EXPECT_EQ(testing_tool::read(run.best()), "7");
  EXPECT_EQ(run.final_checkpoint(), run.best());
  EXPECT_EQ(entries(run.path() / "checkpoints"), 4U);
}

TEST(RunFolder, IsUsedByOneProcessAtATime) {
  const Folder folder;
  RunFolder first = RunFolder::create(folder / "a", "", nothing);
  first.lock();
  RunFolder second = RunFolder::open(folder / "a");
  EXPECT_THROW(second.lock(), ConfigError);
}

TEST(RunFolder, WhatIsNoneIsRefused) {
  const Folder folder;
  EXPECT_THROW(RunFolder::open(folder / "missing"), ConfigError);
  EXPECT_THROW(RunFolder::open(folder.path()), ConfigError);
}

}  // namespace
}  // namespace odeum::train
