// SPDX-License-Identifier: Apache-2.0
// A trained model inside a program gives what the tool writes, bit for bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "cli/tool.hpp"
#include "io/npy.hpp"
#include "odeum/model.hpp"

namespace odeum {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_tool::Folder;
using testing_tool::Result;

namespace fs = std::filesystem;

/// A density in the plane with steps chosen for up to 16 rows together, so that a row's digits show
/// which rows it was solved with.
constexpr const char* kFlow =
    "seed: 3\n"
    "data: {use: eight_gaussians, batch: 32}\n"
    "model:\n"
    "  - use: ode\n"
    "    name: flow\n"
    "    field: {use: mlp, hidden: [8], activation: softplus, time: concat}\n"
    "    solver: {use: dopri5, rtol: 1e-3, atol: 1e-3}\n"
    "    divergence: {estimator: hutchinson, evaluate: {estimator: exact}}\n"
    "objective: likelihood\n"
    "optimizer: {use: adam, lr: 1e-2}\n"
    "train: {steps: 20, evaluate_batch: 16, test_samples: 32}\n";

/// Three classes of rows with names, by a layer behind a solve.
constexpr const char* kClassifier =
    "seed: 1\n"
    "data:\n"
    "  use: csv\n"
    "  file: rows.csv\n"
    "  groups:\n"
    "    - {as: x, columns: [length, width]}\n"
    "    - {as: label, columns: [species]}\n"
    "  split: {train: 0.5, validation: 0, test: 0.5}\n"
    "  batch: 8\n"
    "model:\n"
    "  - use: ode\n"
    "    name: flow\n"
    "    field: {use: mlp, hidden: [4], activation: tanh, time: concat}\n"
    "    solver: {use: rk4, steps: 2}\n"
    "    divergence: {estimator: none}\n"
    "  - {use: dense, name: head, features: 3}\n"
    "objective: classification\n"
    "optimizer: {use: adam, lr: 1e-2}\n"
    "train: {steps: 5}\n";

std::string labelled_rows() {
  std::string text = "length,width,species\n";
  for (int i = 0; i < 40; ++i) {
    text += std::to_string(0.1 * i) + "," + std::to_string(1.0 - 0.05 * i) + "," +
            std::to_string(i % 3) + "\n";
  }
  return text;
}

template <class Real>
std::vector<Real> numbers_in(const fs::path& file) {
  const std::vector<double> all = io::values(io::read_npy(file));
  return {all.begin(), all.end()};
}

class Trained : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new Folder;
    testing_tool::write(*folder_ / "flow.yaml", kFlow);
    testing_tool::write(*folder_ / "classifier.yaml", kClassifier);
    testing_tool::write(*folder_ / "rows.csv", labelled_rows());
    tool({"train", "flow.yaml", "--out", "flow", "--no-report"});
    tool({"train", "classifier.yaml", "--out", "classifier", "--no-report"});
    tool({"sample", "flow", "-n", "50", "--seed", "5", "-o", "points.npy"});
  }
  static void TearDownTestSuite() { delete folder_; }

  static void tool(std::vector<std::string> arguments) {
    const Result result = testing_tool::run(std::move(arguments), folder_->path());
    ASSERT_EQ(result.status, 0) << result.err;
  }
  static fs::path file(const std::string& name) { return *folder_ / name; }
  static TrainedModel flow(const LoadOptions& options = {}) {
    return TrainedModel::load(file("flow"), options);
  }
  static std::vector<float> points() { return numbers_in<float>(file("points.npy")); }

  static Folder* folder_;
};
Folder* Trained::folder_ = nullptr;

class TrainedFlow : public Trained {};
class TrainedClassifier : public Trained {};

TEST_F(TrainedFlow, PredictsTheBitsThatEvalValuesWrites) {
  tool({"eval", "flow", "--data", "points.npy", "--values", "-o", "values.npy"});
  TrainedModel model = flow();
  std::vector<float> values(points().size());
  const SolveSummary solves = model.predict(points(), values);
  EXPECT_TRUE(solves.ok()) << solves.message;
  EXPECT_EQ(values, numbers_in<float>(file("values.npy")));
  // Four batches of 16 rows or fewer, each of at least a step of six evaluations.
  EXPECT_GE(solves.accepted, 4);
  EXPECT_GE(solves.evaluations, 24);

  const std::vector<float> single = points();
  const std::vector<double> rows(single.begin(), single.end());
  std::vector<double> wide(rows.size());
  EXPECT_TRUE(model.predict(rows, wide).ok());
  EXPECT_EQ(wide, numbers_in<double>(file("values.npy")));
}

TEST_F(TrainedFlow, HasTheLogDensitiesThatEvalWrites) {
  tool({"eval", "flow", "--data", "points.npy", "-o", "log_p.npy"});
  TrainedModel model = flow();
  std::vector<double> log_p(50);
  EXPECT_TRUE(model.log_density(points(), log_p).ok());
  EXPECT_EQ(log_p, numbers_in<double>(file("log_p.npy")));
  std::vector<float> narrow(50);
  EXPECT_TRUE(model.log_density(points(), narrow).ok());
  EXPECT_EQ(narrow, numbers_in<float>(file("log_p.npy")));
}

TEST_F(TrainedFlow, DrawsTheBitsThatSampleWrites) {
  TrainedModel model = flow();
  std::vector<float> rows(2 * 50);
  EXPECT_TRUE(model.sample(5, rows).ok());
  EXPECT_EQ(rows, points());
  EXPECT_TRUE(model.sample(6, rows).ok());
  EXPECT_NE(rows, points());
}

TEST_F(TrainedFlow, SaysWhatItIs) {
  const TrainedModel model = flow();
  const ModelInfo& info = model.info();
  EXPECT_EQ(info.objective, "likelihood");
  EXPECT_EQ(info.input, "points");
  EXPECT_TRUE(info.columns.empty());
  EXPECT_EQ(info.input_shape, Shape({2}));
  EXPECT_EQ(info.output_shape, Shape({2}));
  EXPECT_EQ(info.precision, DType::f32);
  EXPECT_EQ(info.batch, 16);
  EXPECT_EQ(info.why_no_values + info.why_no_log_density + info.why_no_samples, "");
}

TEST_F(TrainedFlow, SolvesAsManyRowsTogetherAsItIsTold) {
  LoadOptions options;
  options.batch = 1;
  TrainedModel one_by_one = flow(options);
  TrainedModel model = flow();
  const std::vector<float> rows = points();
  std::vector<float> alone(rows.size()), by_hand(rows.size());
  EXPECT_TRUE(one_by_one.predict(rows, alone).ok());
  for (std::size_t i = 0; i < rows.size(); i += 2) {
    EXPECT_TRUE(
        model.predict(std::span(rows).subspan(i, 2), std::span(by_hand).subspan(i, 2)).ok());
  }
  EXPECT_EQ(alone, by_hand);
  std::vector<float> together(rows.size());
  EXPECT_TRUE(model.predict(rows, together).ok());
  EXPECT_NE(alone, together);  // steps of the batch, not of the row
  // Both are within the solver's tolerance, 1e-3 a step, of the same solution.
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_NEAR(alone[i], together[i], 1e-2);
}

TEST_F(TrainedFlow, TakesNoRows) {
  TrainedModel model = flow();
  std::vector<float> nothing;
  const SolveSummary solves = model.predict(nothing, nothing);
  EXPECT_TRUE(solves.ok());
  EXPECT_EQ(solves.evaluations, 0);
}

TEST_F(TrainedFlow, TellsAFailedSolveAsAValue) {
  LoadOptions options;
  options.set = {"flow.solver.rtol=1e-5", "flow.solver.max_steps=1"};
  TrainedModel model = flow(options);
  std::vector<float> values(points().size());
  const SolveSummary solves = model.predict(points(), values);
  EXPECT_FALSE(solves.ok());
  EXPECT_EQ(solves.status, Status::max_steps);
  EXPECT_EQ(solves.failed_rows, 50);
  EXPECT_THAT(solves.message, HasSubstr("the solve of 'flow' failed"));
  EXPECT_THAT(values, Each(testing::IsNan()));
}

TEST_F(TrainedFlow, GoesOnBehindABatchThatFailed) {
  TrainedModel model = flow();
  std::vector<float> rows = points(), values(rows.size()), good(rows.size());
  EXPECT_TRUE(model.predict(rows, good).ok());
  rows[2 * 20] = std::nanf("");  // of the second batch, rows 16 to 31
  const SolveSummary solves = model.predict(rows, values);
  EXPECT_EQ(solves.status, Status::non_finite);
  EXPECT_EQ(solves.failed_rows, 16);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i / 2 / 16 == 1) {
      EXPECT_TRUE(std::isnan(values[i])) << i;
    } else {
      EXPECT_EQ(values[i], good[i]) << i;
    }
  }
}

TEST_F(TrainedFlow, GivesTheSameBitsInSeveralThreadsAndOnAnyNumberOfThem) {
  std::vector<float> expected(points().size());
  EXPECT_TRUE(flow().predict(points(), expected).ok());
  std::vector<std::vector<float>> values(4, std::vector<float>(points().size()));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&values, i] {
        LoadOptions options;
        options.threads = 1 + i % 2;
        TrainedModel model = flow(options);
        for (int call = 0; call < 5; ++call) {
          const SolveSummary solves = model.predict(points(), values[static_cast<std::size_t>(i)]);
          EXPECT_TRUE(solves.ok()) << solves.message;
        }
      });
    }
  }
  EXPECT_THAT(values, Each(expected));
}

TEST_F(TrainedFlow, RunsOnAnotherDeviceAndOfAnotherSetting) {
  std::vector<float> expected(points().size()), values(points().size());
  EXPECT_TRUE(flow().predict(points(), expected).ok());
  LoadOptions options;
  options.device = "{use: cpu, plan: tasks}";
  options.threads = 2;
  EXPECT_TRUE(flow(options).predict(points(), values).ok());
  // Sums in another order: some units of float32's rounding, at most as many as steps and terms.
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-4);

  options.set = {"flow.solver={use: rk4, steps: 4}"};
  const SolveSummary solves = flow(options).predict(points(), values);
  EXPECT_EQ(solves.accepted, 4 * 4);         // of four batches
  EXPECT_EQ(solves.evaluations, 4 * 4 * 4);  // of four stages
}

TEST_F(TrainedFlow, GivesNumbersOfADoubleModelInEitherPrecision) {
  tool({"train", "flow.yaml", "--set", "precision=float64", "--out", "wide", "--no-report"});
  TrainedModel model = TrainedModel::load(file("wide"));
  EXPECT_EQ(model.info().precision, DType::f64);
  std::vector<double> drawn(2 * 50), values(2 * 50), log_p(50);
  std::vector<float> narrow(2 * 50);
  EXPECT_TRUE(model.sample(5, drawn).ok());
  EXPECT_TRUE(model.sample(5, narrow).ok());
  EXPECT_EQ(narrow, std::vector<float>(drawn.begin(), drawn.end()));

  const std::vector<double> rows(narrow.begin(), narrow.end());
  std::vector<float> narrow_values(2 * 50);
  EXPECT_TRUE(model.predict(rows, values).ok());
  EXPECT_TRUE(model.predict(narrow, narrow_values).ok());
  EXPECT_EQ(narrow_values, std::vector<float>(values.begin(), values.end()));

  tool({"sample", "wide", "-n", "50", "--seed", "5", "-o", "wide.npy"});
  tool({"eval", "wide", "--data", "wide.npy", "-o", "wide-log_p.npy"});
  EXPECT_EQ(drawn, numbers_in<double>(file("wide.npy")));
  EXPECT_TRUE(model.log_density(drawn, log_p).ok());
  EXPECT_EQ(log_p, numbers_in<double>(file("wide-log_p.npy")));
}

TEST_F(TrainedFlow, MovesWithItsState) {
  TrainedModel first = flow();
  TrainedModel second = TrainedModel::load(file("classifier"));
  second = std::move(first);
  std::vector<float> rows(2 * 50);
  EXPECT_TRUE(second.sample(5, rows).ok());
  EXPECT_EQ(rows, points());
}

TEST_F(TrainedClassifier, PredictsTheBitsThatEvalValuesWritesWithoutItsData) {
  tool({"eval", "classifier", "--data", "rows.csv", "--values", "-o", "logits.npy"});
  std::vector<float> rows;
  for (int i = 0; i < 40; ++i) {
    rows.push_back(std::stof(std::to_string(0.1 * i)));
    rows.push_back(std::stof(std::to_string(1.0 - 0.05 * i)));
  }
  fs::rename(file("rows.csv"), file("away.csv"));
  TrainedModel model = TrainedModel::load(file("classifier"));
  std::vector<float> logits(3 * 40);
  EXPECT_TRUE(model.predict(rows, logits).ok());
  fs::rename(file("away.csv"), file("rows.csv"));
  EXPECT_EQ(logits, numbers_in<float>(file("logits.npy")));
}

TEST_F(TrainedClassifier, SaysWhatItTakesAndWhatItCannot) {
  TrainedModel model = TrainedModel::load(file("classifier"));
  EXPECT_EQ(model.info().input, "x");
  EXPECT_THAT(model.info().columns, ElementsAre("length", "width"));
  EXPECT_EQ(model.info().output_shape, Shape({3}));
  EXPECT_THAT(model.info().why_no_log_density, HasSubstr("none of densities"));
  EXPECT_THAT(model.info().why_no_samples, HasSubstr("block 'head' has no inverse"));
  std::vector<float> rows(2), log_p(1);
  EXPECT_THROW(model.log_density(rows, log_p), ConfigError);
  EXPECT_THROW(model.sample(0, rows), ConfigError);
}

TEST_F(TrainedClassifier, IsRefusedRowsInUnitsThatItNeverSaw) {
  LoadOptions options;
  options.set = {
      "data.standardize=true"};  // outside the model, so that the checkpoint has no means
  TrainedModel model = TrainedModel::load(file("classifier"), options);
  EXPECT_THAT(model.info().why_no_values, HasSubstr("standardised before the model saw them"));
  std::vector<float> rows(2), logits(3);
  EXPECT_THROW(model.predict(rows, logits), ConfigError);
}

/// The words of the ConfigError that a call throws.
template <class Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST_F(TrainedFlow, RefusesWhatIsNoRunOfThisModel) {
  EXPECT_THAT(refusal([] { TrainedModel::load("nowhere"); }), HasSubstr("no run folder nowhere"));
  const auto with = [](const std::string& set) {
    return refusal([&] {
      LoadOptions options;
      options.set = {set};
      flow(options);
    });
  };
  EXPECT_THAT(with("flow.field.hidden=[16]"), HasSubstr("belongs to another model"));
  EXPECT_THAT(with("flow.field={use: tide}"), HasSubstr("there is no field 'tide'"));
  EXPECT_THAT(with("flow.solver.rtole=1e-3"), HasSubstr("rtol"));
  LoadOptions options;
  options.device = "abacus";
  EXPECT_THAT(refusal([&] { flow(options); }), HasSubstr("there is no device 'abacus'"));
  options = {};
  options.batch = 0;
  EXPECT_THAT(refusal([&] { flow(options); }), HasSubstr("LoadOptions::batch"));
}

TEST_F(TrainedFlow, LooksForPluginsWhereItIsTold) {
  LoadOptions options;
  options.plugin_path = {file("no-plugins-here")};
  options.set = {"flow.field={use: tide}"};
  const std::string text = refusal([&] { flow(options); });
  EXPECT_THAT(text, HasSubstr("no-plugins-here"));
  EXPECT_THAT(text, HasSubstr("LoadOptions::plugin_path"));
  // Those of another path are found by another model of the same process.
  EXPECT_EQ(flow().info().objective, "likelihood");
}

TEST_F(TrainedFlow, RefusesSpansOfAnotherSize) {
  TrainedModel model = flow();
  std::vector<float> three(3), two(2), four(4);
  EXPECT_THAT(refusal([&] { model.predict(three, three); }),
              HasSubstr("predict: 3 numbers are no whole rows, which are of shape [2]"));
  EXPECT_THAT(refusal([&] { model.predict(four, two); }),
              HasSubstr("room for 2 numbers is given for the results of 2 rows"));
  EXPECT_THAT(refusal([&] { model.log_density(two, two); }), HasSubstr("log_density: room for 2"));
  EXPECT_THAT(refusal([&] { model.sample(0, three); }), HasSubstr("sample: 3 numbers"));
}

}  // namespace
}  // namespace odeum
