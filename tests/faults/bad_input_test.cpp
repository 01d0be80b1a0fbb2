// SPDX-License-Identifier: Apache-2.0
// What users get wrong: each case asserts the place, the reason and the exit status, and that no
// run folder is left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/tool.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;

struct BadInput {
  const char* name;
  std::vector<std::pair<std::string, std::string>> replaced;  ///< in the tiny training
  const char* place;                                          ///< "file:line:col key"
  const char* reason;
  std::vector<std::string> sets = {};  ///< --set arguments
  int status = 2;
};

void PrintTo(const BadInput& bad, std::ostream* out) { *out << bad.name; }

/// A .npy header for `shape` with float64 data.
std::string npy_header(const std::string& shape) {
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  return bytes + header;
}

class BadConfiguration : public testing::TestWithParam<BadInput> {
 protected:
  BadConfiguration() {
    write(folder_ / "good.csv", "a,b\n1,2\n3,4\n5,6\n7,8\n9,1\n2,3\n4,5\n6,7\n8,9\n1,1\n");
    write(folder_ / "words.csv", "a,b\n1,2\n3,four\n");
    write(folder_ / "nan.csv", "a,b\n1,2\n3,nan\n");
    write(folder_ / "ragged.csv", "a,b\n1,2\n3\n");
    write(folder_ / "no-header.csv", "1,2\n3,4\n");
    write(folder_ / "empty.csv", "");
    write(folder_ / "quote.csv", "a,b\n1,\"2\n");
    write(folder_ / "short.npy", npy_header("(10, 2)") + std::string(8, '\0'));
    write(folder_ / "text.npy", "this is no array");
    std::string nan = npy_header("(2, 2)") + std::string(24, '\0');
    nan += std::string("\0\0\0\0\0\0\xf8\x7f", 8);
    write(folder_ / "nan.npy", nan);
    fs::create_directories(folder_ / "plugins" / "controller");
    const fs::path libraries = ODEUM_TEST_LIBRARIES;
    for (const char* library : {"other_abi.so", "throwing.so"}) {
      fs::copy(libraries / library, folder_ / "plugins" / "controller" / library);
    }
    write(folder_ / "plugins" / "controller" / "no_library.so", "this is no library");
  }

  /// Whether training left anything where run folders go.
  bool left_anything() const {
    if (!fs::exists(folder_ / "runs")) return false;
    return fs::directory_iterator(folder_ / "runs") != fs::directory_iterator();
  }

  Result train(const std::string& config, const std::vector<std::string>& sets = {}) {
    write(folder_ / "bad.yaml", config);
    std::vector<std::string> arguments{"train",         "bad.yaml",
                                       "--plugin-path", (folder_ / "plugins").string(),
                                       "--plugin-path", ODEUM_FAULT_PLUGINS};
    for (const std::string& set : sets) arguments.insert(arguments.end(), {"--set", set});
    return run(arguments, folder_.path());
  }

  Folder folder_;
};

TEST_P(BadConfiguration, IsReportedWithPlaceAndReason) {
  std::string config = tiny_training();
  for (const auto& [from, to] : GetParam().replaced) {
    const std::size_t at = config.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    config.replace(at, from.size(), to);
  }
  const Result result = train(config, GetParam().sets);
  EXPECT_EQ(result.status, GetParam().status) << result.err;
  EXPECT_THAT(result.err, HasSubstr(GetParam().place));
  EXPECT_THAT(result.err, HasSubstr(GetParam().reason));
  EXPECT_TRUE(result.out.empty()) << result.out;
  EXPECT_FALSE(left_anything());
}

const std::string kData = "{use: eight_gaussians, batch: 32}";
const std::string kSolver = "{use: rk4, steps: 2}";

INSTANTIATE_TEST_SUITE_P(
    Keys, BadConfiguration,
    testing::Values(
        BadInput{"unknown_root_key",
                 {{"seed: 3", "sed: 3"}},
                 "bad.yaml:1:1 sed",
                 "did you mean 'seed'?"},
        BadInput{"unknown_train_key",
                 {{"log_every", "log_evry"}},
                 "train.log_evry",
                 "did you mean 'log_every'?"},
        BadInput{"unknown_field_key",
                 {{"hidden", "widths"}},
                 "bad.yaml:6:23 model.flow.field.widths",
                 "hidden"},
        BadInput{"unknown_solver_key",
                 {{kSolver, "{use: rk4, stepz: 2}"}},
                 "model.flow.solver.stepz",
                 "did you mean 'step"},
        BadInput{"unknown_plugin",
                 {{"use: rk4", "use: dopri6"}},
                 "model.flow.solver",
                 "did you mean 'dopri5'?"},
        BadInput{"unknown_dataset",
                 {{"eight_gaussians", "eight_gausians"}},
                 "bad.yaml:2",
                 "did you mean 'eight_gaussians'?"},
        BadInput{"unknown_schedule",
                 {{"cosine", "cosinus"}},
                 "optimizer.schedule",
                 "did you mean 'cosine'?"},
        BadInput{"missing_data",
                 {{"data: " + kData + "\n", ""}},
                 "bad.yaml data",
                 "this key is missing"},
        BadInput{"missing_use", {{"use: mlp, ", ""}}, "model.flow.field", "`use:` is missing"},
        BadInput{"repeated_key", {{"seed: 3\n", "seed: 3\nseed: 4\n"}}, "bad.yaml:2", "seed"},
        BadInput{"malformed_yaml", {{"seed: 3", "seed: [3"}}, "bad.yaml:", ""},
        BadInput{"no_steps_at_all",
                 {{"steps: 20, ", ""}},
                 "bad.yaml:13:1 train",
                 "`steps` or `epochs` is missing"},
        BadInput{"epochs_of_endless_data", {{"steps: 20", "epochs: 2"}}, "train.epochs", "no end"},
        BadInput{"set_addresses_nothing",
                 {},
                 "--set flwo.span=[0,2]",
                 "did you mean 'flow'?",
                 {"flwo.span=[0,2]"}},
        BadInput{"set_is_malformed", {}, "--set train.steps", "", {"train.steps"}}),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Values, BadConfiguration,
    testing::Values(
        BadInput{"text_for_a_number",
                 {{"lr: 1e-2", "lr: fast"}},
                 "bad.yaml:12:28 optimizer.lr",
                 "a number is wanted"},
        BadInput{"number_in_quotes",
                 {{"lr: 1e-2", "lr: \"1e-2\""}},
                 "optimizer.lr",
                 "in quotes is a text"},
        BadInput{"fraction_for_a_whole_number",
                 {{"steps: 20", "steps: 20.5"}},
                 "train.steps",
                 "a whole number is wanted"},
        BadInput{"negative_learning_rate", {{"lr: 1e-2", "lr: -1"}}, "optimizer.lr", "above 0"},
        BadInput{
            "zero_batch", {{"batch: 32", "batch: 0"}}, "bad.yaml:2:37 data.batch", "at least 1"},
        BadInput{"choice_that_is_none",
                 {{"time: concat", "time: concatenate"}},
                 "model.flow.field.time",
                 "choices: blend, concat"},
        BadInput{"list_for_a_number",
                 {{"seed: 3", "seed: [3]"}},
                 "bad.yaml:1:7 seed",
                 "a whole number is wanted"},
        BadInput{"list_of_the_wrong_length",
                 {{"    field:", "    span: [0, 1, 2]\n    field:"}},
                 "bad.yaml:6:11 model.flow.span",
                 "3 items"},
        BadInput{"equal_span",
                 {{"    field:", "    span: [1, 1]\n    field:"}},
                 "model.flow.span",
                 "nothing to solve"},
        BadInput{"too_tight_for_float32",
                 {{kSolver, "{use: dopri5, rtol: 1e-9}"}},
                 "bad.yaml:7:27 model.flow.solver.rtol",
                 "ten units of rounding of float32"},
        BadInput{"no_step_for_a_method_without_estimate",
                 {{kSolver, "rk4"}},
                 "model.flow.solver",
                 "needs step: or steps:"},
        BadInput{"step_and_steps",
                 {{kSolver, "{use: rk4, steps: 2, step: 0.1}"}},
                 "model.flow.solver.steps",
                 "exclude each other"},
        BadInput{"partial_in_training",
                 {{kSolver, "{use: rk4, steps: 2, on_failure: partial}"}},
                 "model.flow.solver.on_failure",
                 "odeum solve"},
        BadInput{"likelihood_without_log_determinant",
                 {{"estimator: hutchinson", "estimator: none"}},
                 "bad.yaml",
                 "divergence"},
        BadInput{"field_of_another_width",
                 {{"{use: mlp, hidden: [8], activation: softplus, time: concat}", "lorenz63"}},
                 "bad.yaml:6:5",
                 "3 components"},
        BadInput{"early_stopping_without_validation",
                 {{"evaluate_every: 8", "evaluate_every: 0, early_stopping: {patience: 2}"}},
                 "train.early_stopping.patience",
                 "evaluate_every"},
        BadInput{"bind_to_no_column",
                 {{"objective:", "bind: {x: pixels}\nobjective:"}},
                 "bad.yaml:11",
                 "no column 'pixels'"}),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Files, BadConfiguration,
    testing::Values(
        BadInput{"missing_csv",
                 {{kData, "{use: csv, file: none.csv}"}},
                 "bad.yaml:2:24 data.file",
                 "none.csv"},
        BadInput{"word_in_csv",
                 {{kData, "{use: csv, file: words.csv}"}},
                 "words.csv:3:3",
                 "'four' is no number"},
        BadInput{"nan_in_csv", {{kData, "{use: csv, file: nan.csv}"}}, "nan.csv:3:3", "not finite"},
        BadInput{"ragged_csv",
                 {{kData, "{use: csv, file: ragged.csv}"}},
                 "ragged.csv:3",
                 "1 fields, the header names 2"},
        BadInput{"csv_without_names",
                 {{kData, "{use: csv, file: no-header.csv}"}},
                 "no-header.csv:1:1",
                 "must name the columns"},
        BadInput{"empty_csv", {{kData, "{use: csv, file: empty.csv}"}}, "empty.csv", "empty"},
        BadInput{"open_quote_in_csv",
                 {{kData, "{use: csv, file: quote.csv}"}},
                 "quote.csv:2:3",
                 "not closed"},
        BadInput{"unknown_csv_column",
                 {{kData, "{use: csv, file: good.csv, columns: [a, c]}"}},
                 "bad.yaml:2:34 data.columns",
                 "no column 'c'"},
        BadInput{"shares_beyond_one",
                 {{kData,
                   "{use: csv, file: good.csv, split: {train: 0.9, validation: 0.9, test: 0.1}}"}},
                 "data.split",
                 "1"},
        BadInput{"no_validation_rows",
                 {{kData, "{use: csv, file: good.csv, split: {train: 1, validation: 0, test: 0}}"}},
                 "train.evaluate_every",
                 "0 rows"},
        BadInput{"truncated_npy", {{kData, "{use: npy, file: short.npy}"}}, "short.npy", "16"},
        BadInput{"text_as_npy", {{kData, "{use: npy, file: text.npy}"}}, "text.npy", "NumPy"},
        BadInput{"nan_in_npy", {{kData, "{use: npy, file: nan.npy}"}}, "nan.npy", "finite"},
        BadInput{"csv_as_npy", {{kData, "{use: npy, file: good.csv}"}}, "good.csv", "NumPy"}),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Plugins, BadConfiguration,
    testing::Values(BadInput{"missing_plugin",
                             {{kSolver, "{use: dopri5, controller: nowhere}"}},
                             "model.flow.solver.controller",
                             "there is no controller 'nowhere'"},
                    BadInput{"no_library",
                             {{kSolver, "{use: dopri5, controller: no_library}"}},
                             "model.flow.solver.controller",
                             "not an ELF file"},
                    BadInput{"other_abi",
                             {{kSolver, "{use: dopri5, controller: other_abi}"}},
                             "model.flow.solver.controller",
                             "abi0"},
                    BadInput{"throwing_constructor",
                             {{kSolver, "{use: dopri5, controller: throws_exception}"}},
                             "bad.yaml:7:27 model.flow.solver.controller",
                             "three is no prime"},
                    BadInput{
                        "throwing_field",
                        {{"{use: mlp, hidden: [8], activation: softplus, time: concat}", "throws"}},
                        "",
                        "three is no prime"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(BadConfiguration, AllMistakesAreReportedAtOnce) {
  std::string config = tiny_training();
  config.replace(config.find("seed: 3"), 7, "seed: -1");
  config.replace(config.find("lr: 1e-2"), 8, "lr: fast");
  config.replace(config.find("batch: 32"), 9, "bach: 32");
  const Result result = train(config);
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("bad.yaml:1:7 seed"));
  EXPECT_THAT(result.err, HasSubstr("data.bach"));
  EXPECT_THAT(result.err, HasSubstr("optimizer.lr"));
}

TEST_F(BadConfiguration, AFieldThatReturnsNanMidSolveFailsTheRunAndSaysWhere) {
  std::string config = tiny_training();
  const std::string field = "{use: mlp, hidden: [8], activation: softplus, time: concat}";
  config.replace(config.find(field), field.size(), "{use: turns_nan, from: 0.6}");
  const Result result = train(config);
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the solve of 'flow' failed"));
  EXPECT_THAT(result.err, HasSubstr("t = 0.5"));
  // The run exists with the parameters that it started from.
  EXPECT_TRUE(fs::exists(folder_ / "runs" / "bad" / "checkpoints" / "step-00000000.safetensors"));
  EXPECT_THAT(read(folder_ / "runs" / "bad" / "summary.json"), HasSubstr("\"failed\""));
}

TEST_F(BadConfiguration, SkippedSamplesAreCountedAndTheRestIsTrainedOn) {
  std::string config = tiny_training();
  const std::string field = "{use: mlp, hidden: [8], activation: softplus, time: concat}";
  config.replace(config.find(field), field.size(), "{use: nan_beyond, bound: 3.2}");
  const std::string costs = "    regularizers:\n      - {use: kinetic, weight: 0.01}\n";
  config.replace(config.find(costs), costs.size(), "");
  ASSERT_EQ(train(config).status, 1);
  fs::remove_all(folder_ / "runs");
  const Result result = train(config, {"flow.solver.on_failure=skip_sample"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(read(folder_ / "runs" / "bad" / "summary.json"), HasSubstr("\"skipped_samples\""));
  EXPECT_THAT(read(folder_ / "runs" / "bad" / "metrics.jsonl"), HasSubstr("\"skipped_samples\""));
}

TEST_F(BadConfiguration, ALossThatIsNotFiniteEndsTheRunWithTheLastCheckpointIntact) {
  std::string config = tiny_training();
  config.replace(config.find("lr: 1e-2"), 8, "lr: 1e37");
  const Result result = train(config);
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_TRUE(fs::exists(folder_ / "runs" / "bad" / "checkpoints" / "step-00000000.safetensors"));
  EXPECT_EQ(run({"eval", "runs/bad"}, folder_.path()).status, 0);
}

TEST_F(BadConfiguration, ALabelThatIsNoClassIsSeenInTheMessage) {
  std::string rows = "a,kind\n";
  for (int i = 0; i < 40; ++i) rows += std::to_string(i) + "," + std::to_string(1 + i % 3) + "\n";
  write(folder_ / "rows.csv", rows);
  const Result result = train(
      "data: {use: csv, file: rows.csv, batch: 40, groups: [{as: x, columns: [a]}, "
      "{as: label, columns: [kind]}]}\n"
      "model: [{use: dense, features: 3}]\nobjective: classification\ntrain: {steps: 2}\n");
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("label from 1 to 3"));
  EXPECT_THAT(result.err, HasSubstr("odeum describe objective/classification"));
}

struct BadCommand {
  const char* name;
  std::vector<std::string> words;
  const char* reason;
};
void PrintTo(const BadCommand& bad, std::ostream* out) { *out << bad.name; }

class BadArguments : public testing::TestWithParam<BadCommand> {
 protected:
  Folder folder_;
};

TEST_P(BadArguments, AreReportedWithStatusTwo) {
  write(folder_ / "file.txt", "x");
  write(folder_ / "problem.yaml", "problem: {field: lorenz63, initial: [1, 1, 1]}\n");
  write(folder_ / "training.yaml", tiny_training());
  fs::create_directories(folder_ / "folder");
  const Result result = run(GetParam().words, folder_.path());
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadArguments,
    testing::Values(
        BadCommand{"unknown_command", {"trian"}, "did you mean 'train'?"},
        BadCommand{"unknown_option", {"train", "x.yaml", "--rsume"}, "did you mean '--resume'?"},
        BadCommand{"missing_argument",
                   {"train"},
                   "CONFIG is missing; the usage is: odeum train CONFIG [options]"},
        BadCommand{"training_of_a_problem",
                   {"train", "problem.yaml"},
                   "problem.yaml — describes an initial value problem"},
        BadCommand{"solve_of_a_training",
                   {"solve", "training.yaml"},
                   "training.yaml — describes a training"},
        BadCommand{"verify_of_a_text", {"verify", "./file.txt"}, "a file that ends in .so"},
        BadCommand{"tune_of_no_device",
                   {"tune", "--device", "cpus"},
                   "--device cpus — there is no device 'cpus'"},
        BadCommand{"too_many_arguments", {"train", "a.yaml", "b.yaml"}, "too many arguments"},
        BadCommand{"empty_option", {"train", "training.yaml", "--out", ""}, "--out is empty"},
        BadCommand{"empty_argument", {"eval", ""}, "RUN is empty"},
        BadCommand{"a_name_too_long", {"eval", std::string(300, 'x')}, "xxx: File name too long"},
        BadCommand{"missing_configuration", {"train", "none.yaml"}, "none.yaml"},
        BadCommand{"folder_as_configuration", {"train", "folder"}, "folder"},
        BadCommand{"eval_of_no_run", {"eval", "nowhere"}, "no run folder nowhere"},
        BadCommand{"eval_of_a_folder_that_is_none", {"eval", "folder"}, "it has no config.yaml"},
        BadCommand{
            "sample_without_a_number", {"sample", "folder", "-o", "x.npy"}, "-n N is missing"},
        BadCommand{"sample_of_minus_one", {"sample", "folder", "-n", "-1", "-o", "x.npy"}, "-n"},
        BadCommand{"sample_into_a_text_file",
                   {"sample", "folder", "-n", "1", "-o", "x.txt"},
                   ".npy or .csv"},
        BadCommand{"sample_into_no_folder",
                   {"sample", "folder", "-n", "1", "-o", "no/x.npy"},
                   "no folder no"},
        BadCommand{"describe_of_nothing", {"describe", "solver"}, "KIND/NAME"},
        BadCommand{
            "describe_without_a_kind", {"describe", "dopri5"}, "'dopri5'. There is solver/dopri5"},
        BadCommand{
            "describe_of_a_misspelt_name", {"describe", "solver/dopri"}, "did you mean 'dopri5'?"},
        BadCommand{
            "relative_plugin_path_variable", {"list", "nokind"}, "there is no kind 'nokind'"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(BadConfiguration, ACheckpointOfAnotherModelIsRefused) {
  write(folder_ / "bad.yaml", tiny_training());
  ASSERT_EQ(run({"train", "bad.yaml", "--out", "run"}, folder_.path()).status, 0);
  const Result other = run({"eval", "run", "--set", "flow.field.hidden=[9]"}, folder_.path());
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.err, HasSubstr("belongs to another model"));
}

TEST_F(BadConfiguration, ADamagedCheckpointIsRefusedByName) {
  write(folder_ / "bad.yaml", tiny_training());
  ASSERT_EQ(run({"train", "bad.yaml", "--out", "run"}, folder_.path()).status, 0);
  const fs::path best = folder_ / "run" / "checkpoints" / "best.safetensors";
  const std::string whole = read(best);
  write(best, whole.substr(0, whole.size() / 2));
  const Result result = run({"eval", "run"}, folder_.path());
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("best.safetensors"));
  EXPECT_THAT(result.err, HasSubstr("truncated"));
  EXPECT_THAT(result.err, HasSubstr("the checkpoint before it is used"));

  std::string flipped = whole;
  flipped[flipped.size() - 3] ^= 1;  // a number that is still one
  write(best, flipped);
  const Result wrong = run({"eval", "run"}, folder_.path());
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("best.safetensors is damaged"));
}

}  // namespace
}  // namespace odeum::testing_tool
