// SPDX-License-Identifier: Apache-2.0
// Files: includes, paths of data, and where both are looked for.
#include <cstdlib>

#include "config/toy.hpp"

namespace odeum::config::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Config load_toy(const std::filesystem::path& file, const std::vector<std::string>& sets = {},
                Files files = Files::must_exist) {
  KindSchemas schemas = toy_schemas();
  return load(file, sets, toy_root(), schemas.lookup(), files);
}

std::string load_complaint(const std::filesystem::path& file) {
  try {
    load_toy(file);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

std::string with_csv(const std::string& file) {
  return "data: {use: csv, file: " + file +
         "}\nmodel: [{use: ode, field: mlp}]\ntrain: {steps: 1}\n";
}

/// ODEUM_DATA for one test.
class DataFolder {
 public:
  explicit DataFolder(const char* value) {
    if (const char* before = std::getenv("ODEUM_DATA")) before_ = before;
    value ? ::setenv("ODEUM_DATA", value, 1) : ::unsetenv("ODEUM_DATA");
  }
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;
  ~DataFolder() {
    before_.empty() ? ::unsetenv("ODEUM_DATA") : ::setenv("ODEUM_DATA", before_.c_str(), 1);
  }

 private:
  std::string before_;
};

TEST(Include, ComesFirstAndTheFilesOwnKeysWin) {
  const Folder folder;
  folder.write("presets/base.yaml",
               "seed: 1\ndata: rings\ntrain: {steps: 10, clip: 5}\n"
               "model: [{use: ode, name: flow, field: mlp}]\noptimizer: {use: adam, lr: 0.5}\n");
  const auto file = folder.write("own.yaml",
                                 "include: presets/base.yaml\ntrain: {steps: 20}\n"
                                 "device: {threads: 2}\noptimizer: {lr: {warmup: 3}}\n");
  const Config root = load_toy(file);
  EXPECT_EQ(root.integer("seed"), 1);
  EXPECT_EQ(root.section("train").integer("steps"), 20);
  EXPECT_EQ(root.section("train").number("clip"), 5.0);
  EXPECT_EQ(root.component("optimizer").schedule("lr").then, 0.5);
  EXPECT_EQ(root.component("optimizer").schedule("lr").warmup, 3);
  EXPECT_EQ(root.place("seed").text(), (folder.path() / "presets/base.yaml").string() + ":1:1");
}

TEST(Include, AnotherUseReplacesTheComponent) {
  const Folder folder;
  folder.write("base.yaml", with_csv("/dev/null"));
  const auto file =
      folder.write("own.yaml", "include: base.yaml\ndata: {use: rings, noise: 0.5}\n");
  EXPECT_EQ(load_toy(file).component("data").number("noise"), 0.5);
}

TEST(Include, TheShortFormOfTheSameComponentLeavesItsKeys) {
  const Folder folder;
  folder.write(
      "base.yaml",
      "data: {use: rings, noise: 0.5}\nmodel: [{use: ode, field: mlp}]\ntrain: {steps: 1}\n");
  const auto file = folder.write("own.yaml", "include: base.yaml\ndata: rings\n");
  EXPECT_EQ(load_toy(file).component("data").number("noise"), 0.5);
}

TEST(Include, ReachesThroughSeveralFiles) {
  const Folder folder;
  folder.write("a/deep.yaml", "seed: 3\n" + with_csv("/dev/null"));
  folder.write("a/middle.yaml", "include: deep.yaml\n");
  EXPECT_EQ(load_toy(folder.write("own.yaml", "include: a/middle.yaml\n")).integer("seed"), 3);
}

TEST(Include, OfAMissingFileSaysWhereItLooked) {
  const Folder folder;
  const auto file = folder.write("own.yaml", "include: nowhere.yaml\n");
  EXPECT_EQ(load_complaint(file), file.string() + ":1:10 include — there is no file '" +
                                      (folder.path() / "nowhere.yaml").string() + "'");
}

TEST(Include, OfAListIsRefused) {
  const Folder folder;
  const auto file = folder.write("own.yaml", "include: [a.yaml]\n");
  EXPECT_EQ(load_complaint(file),
            file.string() + ":1:10 include — the path of one file is wanted, this is a list");
}

TEST(Include, InACircleIsReportedWithTheCircle) {
  const Folder folder;
  const auto a = folder.write("a.yaml", "include: b.yaml\n");
  const auto b = folder.write("b.yaml", "include: a.yaml\n");
  EXPECT_EQ(load_complaint(a), b.string() +
                                   ":1:10 include — the includes go in a circle: " + a.string() +
                                   " includes " + b.string() + " includes " + a.string());
}

TEST(Include, MistakesNameTheFileTheyAreIn) {
  const Folder folder;
  const auto base = folder.write("base.yaml", "seed: x\n" + with_csv("/dev/null"));
  EXPECT_EQ(load_complaint(folder.write("own.yaml", "include: base.yaml\n")),
            base.string() + ":1:7 seed — a whole number is wanted, this is 'x'");
}

TEST(File, ThatIsMissingIsReported) {
  EXPECT_EQ(load_complaint("/nowhere/x.yaml"), "/nowhere/x.yaml — there is no such file");
}

TEST(File, ThatIsAFolderIsReported) {
  const Folder folder;
  EXPECT_EQ(load_complaint(folder.path()), folder.path().string() + " — this is not a file");
}

TEST(DataPath, IsLookedForBesideTheConfigurationFirst) {
  const Folder folder;
  const Folder data;
  const auto near = folder.write("x.csv", "1");
  data.write("x.csv", "2");
  const DataFolder variable(data.path().c_str());
  EXPECT_EQ(load_toy(folder.write("c.yaml", with_csv("x.csv"))).component("data").path("file"),
            near);
}

TEST(DataPath, IsLookedForInTheDataFolderNext) {
  const Folder folder;
  const Folder data;
  const auto far = data.write("uci/x.csv", "2");
  const DataFolder variable(data.path().c_str());
  EXPECT_EQ(load_toy(folder.write("c.yaml", with_csv("uci/x.csv"))).component("data").path("file"),
            far);
}

TEST(DataPath, OfAnIncludedFileIsLookedForBesideThatFile) {
  const Folder folder;
  const DataFolder variable(nullptr);
  const auto near = folder.write("presets/x.csv", "1");
  folder.write("presets/base.yaml", with_csv("x.csv"));
  EXPECT_EQ(load_toy(folder.write("c.yaml", "include: presets/base.yaml\n"))
                .component("data")
                .path("file"),
            near);
}

TEST(DataPath, ThatIsNotUtf8IsRefused) {
  const Folder folder;
  folder.write("l\xE4nge/table.csv", "");
  const auto file = folder.write("l\xE4nge/own.yaml", with_csv("table.csv"));
  EXPECT_THAT(load_complaint(file), testing::HasSubstr("own.yaml:1:24 data.file — the path "));
  EXPECT_THAT(load_complaint(file), testing::HasSubstr("is not UTF-8"));
}

TEST(DataPath, ThatIsMissingSaysWhereItLookedAndThatTheVariableIsUnset) {
  const Folder folder;
  const auto file = folder.write("c.yaml", with_csv("x.csv"));
  {
    const DataFolder variable(nullptr);
    EXPECT_EQ(load_complaint(file), file.string() +
                                        ":1:24 data.file — there is no file 'x.csv'; looked at: " +
                                        (folder.path() / "x.csv").string() +
                                        "; ODEUM_DATA, the folder of data, is not set");
  }
  const DataFolder variable("/nowhere");
  EXPECT_THAT(load_complaint(file),
              AllOf(HasSubstr((folder.path() / "x.csv").string() + ", /nowhere/x.csv"),
                    testing::Not(HasSubstr("not set"))));
}

TEST(DataPath, OfAnAbsoluteFileThatIsMissingBlamesNoVariable) {
  const Folder folder;
  const DataFolder variable(nullptr);
  EXPECT_THAT(
      load_complaint(folder.write("c.yaml", with_csv("/nowhere/x.csv"))),
      AllOf(HasSubstr("there is no file '/nowhere/x.csv'"), testing::Not(HasSubstr("ODEUM_DATA"))));
}

TEST(DataPath, MayBeMissingForAFinishedRun) {
  const Folder folder;
  const DataFolder variable(nullptr);
  const auto file = folder.write("c.yaml", with_csv("x.csv"));
  EXPECT_EQ(load_toy(file, {}, Files::may_be_missing).component("data").path("file"),
            folder.path() / "x.csv");
}

}  // namespace
}  // namespace odeum::config::test
