// SPDX-License-Identifier: Apache-2.0
// Standard streams that are full or closed: what is lost is said, and no file gets their text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/tool.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;
using testing::Not;

class Streams : public testing::Test {
 protected:
  /// The tool by a shell, which sets the streams up; its exit status.
  int shell(const std::string& words) {
    const std::string line = "cd '" + folder_.path().string() + "' && \"$ODEUM_TOOL\" " + words;
    const int raw = std::system(line.c_str());
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : -1;
  }
  Folder folder_;
};

TEST_F(Streams, OutputThatCannotBeWrittenIsAFailure) {
  EXPECT_EQ(shell("list >/dev/full 2>error.txt"), 1);
  EXPECT_THAT(read(folder_ / "error.txt"), HasSubstr("standard output cannot be written"));
  EXPECT_EQ(shell("--version >/dev/full 2>error.txt"), 1);
  EXPECT_THAT(read(folder_ / "error.txt"), HasSubstr("No space left on device"));
  EXPECT_EQ(shell("list nothing >/dev/full 2>error.txt"), 2);
  EXPECT_EQ(shell("list >all.txt 2>error.txt"), 0);
  EXPECT_EQ(read(folder_ / "error.txt"), "");
}

TEST_F(Streams, ClosedOnesDoNotEndUpInFiles) {
  write(folder_ / "tiny.yaml", tiny_training());
  ASSERT_EQ(shell("train tiny.yaml --out closed --no-report <&- >&- 2>&-"), 0);
  for (const char* file : {"metrics.jsonl", "timing.jsonl"}) {
    const std::string text = read(folder_ / ("closed/" + std::string(file)));
    EXPECT_THAT(text, HasSubstr("\"step\":20")) << file;
    EXPECT_THAT("\n" + text, Not(HasSubstr("\nstep"))) << file;
  }
}

}  // namespace
}  // namespace odeum::testing_tool
