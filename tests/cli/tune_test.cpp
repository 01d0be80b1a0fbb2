// SPDX-License-Identifier: Apache-2.0
// odeum tune and the tables of the cpu device: whose choices are part of what a training computes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/tool.hpp"
#include "io/json.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;
using testing::Not;

const char* const kSmallBlocks =
    "products:\n"
    "  - {type: float32, instructions: avx512, m: 0, n: 64, k: 64, kernel: blocks, depth: 16}\n";
const char* const kAlong =
    "processor: a remark\n"
    "products:\n"
    "  - {type: float32, instructions: avx512, m: 0, n: 64, k: 64, kernel: along}\n";

class Tune : public testing::Test {
 protected:
  Tune() {
    write(folder_ / "tiny.yaml", tiny_training());
    write(folder_ / "a.yaml", kSmallBlocks);
    write(folder_ / "b.yaml", kAlong);
  }
  Result odeum(const std::vector<std::string>& arguments) { return run(arguments, folder_.path()); }
  std::string hash(const std::string& device) {
    const Result shown = odeum({"tune", "--device", device, "--show", "--json"});
    EXPECT_EQ(shown.status, 0) << shown.err;
    return io::parse_json(last_line(shown.out), "stdout")["hash"].get<std::string>();
  }
  Result train(std::vector<std::string> more) {
    std::vector<std::string> arguments{"train", "tiny.yaml", "--out", "run", "--no-report"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return odeum(arguments);
  }

  Folder folder_;
};

TEST_F(Tune, HashesChoicesAndNotRemarks) {
  const std::string a = hash("{use: cpu, table: a.yaml}"), b = hash("{use: cpu, table: b.yaml}");
  EXPECT_NE(a, b);
  EXPECT_NE(a, hash("cpu"));
  write(folder_ / "c.yaml",
        std::string("# measured elsewhere\nprocessor: another\n") + kSmallBlocks);
  EXPECT_EQ(hash("{use: cpu, table: c.yaml}"), a);
}

TEST_F(Tune, ShowsATableThatTheDeviceReadsBack) {
  const Result shown = odeum({"tune", "--device", "{use: cpu, table: b.yaml}", "--show"});
  ASSERT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("kernel: along, depth: 256, tile_rows: 144"));
  write(folder_ / "again.yaml", shown.out);
  EXPECT_EQ(hash("{use: cpu, table: again.yaml}"), hash("{use: cpu, table: b.yaml}"));
}

TEST_F(Tune, RefusesToResumeUnderAnotherTable) {
  ASSERT_EQ(train({"--set", "device={use: cpu, table: a.yaml}"}).status, 0);
  // The same file with other choices: the configuration has not changed, the table has.
  write(folder_ / "a.yaml", kAlong);
  const std::vector<std::string> resume{"--resume", "--set", "device={use: cpu, table: a.yaml}"};
  const Result refused = train(resume);
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("step-00000020.safetensors"));
  EXPECT_THAT(refused.err, HasSubstr(hash("{use: cpu, table: a.yaml}")));
  EXPECT_THAT(refused.err, HasSubstr("--allow-changed-config"));

  std::vector<std::string> anyway = resume;
  anyway.emplace_back("--allow-changed-config");
  EXPECT_EQ(train(anyway).status, 0);
  write(folder_ / "a.yaml", kSmallBlocks);
  EXPECT_EQ(train(resume).status, 0) << "the checkpoint is still of the first table";
}

TEST_F(Tune, SaysWhereATableIsWrong) {
  write(folder_ / "wrong.yaml",
        "products:\n"
        "  - {type: float32, instructions: avx512, m: 0, n: 64, k: 64, kernel: sideways}\n"
        "  - {type: float32, instructions: avx512, m: 0, n: 0, k: 64, kernel: blocks, deep: 3}\n");
  const Result wrong = odeum({"tune", "--device", "{use: cpu, table: wrong.yaml}", "--show"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("wrong.yaml:2:"));
  EXPECT_THAT(wrong.err, HasSubstr("sideways"));
  EXPECT_THAT(wrong.err, HasSubstr("wrong.yaml:3:"));
  EXPECT_THAT(wrong.err, HasSubstr("deep"));
  write(folder_ / "wrong.yaml",
        "products:\n"
        "  - {type: float32, instructions: avx512, m: 0, n: 64, k: 0, kernel: blocks}\n");
  const Result both = odeum({"tune", "--device", "{use: cpu, table: wrong.yaml}", "--show"});
  EXPECT_EQ(both.status, 2);
  EXPECT_THAT(both.err, HasSubstr("m and k cannot both be the samples"));
}

TEST_F(Tune, RefusesDevicesWithoutATableAndFilesThatExist) {
  const Result exists = odeum({"tune", "--out", "a.yaml"});
  EXPECT_EQ(exists.status, 2);
  EXPECT_THAT(exists.err, HasSubstr("a.yaml exists already"));
  const Result nowhere = odeum({"tune", "--out", "no/a.yaml"});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("--out no/a.yaml: there is no folder no"));
  const Result none = odeum({"tune", "--device", "cpus"});
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.err, Not(HasSubstr("wrote")));
}

}  // namespace
}  // namespace odeum::testing_tool
