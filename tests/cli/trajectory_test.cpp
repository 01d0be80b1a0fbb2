// SPDX-License-Identifier: Apache-2.0
// Dynamics learned from windows of a series, through the tool.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "cli/swing.hpp"
#include "io/json.hpp"
#include "io/npy.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;

/// From wrong coefficients, over a second and a half.
constexpr const char* kFit =
    "seed: 1\n"
    "precision: float64\n"
    "data:\n"
    "  use: csv\n"
    "  file: swing.csv\n"
    "  columns: [angle, rate]\n"
    "  window: {rows: 5, spacing: 3}\n"
    "  missing: allowed\n"
    "  split: {train: 0.6, validation: 0.2, test: 0.2, rule: contiguous}\n"
    "  batch: 64\n"
    "model:\n"
    "  - use: ode\n"
    "    name: flow\n"
    "    span: [0, 1.5]\n"
    "    times: {count: 5}\n"
    "    field: {use: pendulum, stiffness: 2, damping: 0.5, learn: true}\n"
    "    solver: {use: dopri5, rtol: 1e-8, atol: 1e-8}\n"
    "    divergence: {estimator: none}\n"
    "objective: {use: trajectory, missing: skipped}\n"
    "optimizer: {use: adam, lr: 0.05, schedule: cosine}\n"
    "train: {steps: 200, evaluate_every: 200}\n";

// Where the optimizer has come to after 200 steps; the data themselves are good to 1e-9.
constexpr double kConverged = 1e-3;

class LearnedTrajectory : public LearnedSwing {
 protected:
  LearnedTrajectory() : LearnedSwing(kFit) {}
  /// Rates are known of every fourth row alone.
  void lose_rates() {
    std::ifstream in(folder_ / "swing.csv");
    std::string text;
    std::string line;
    for (int row = -1; std::getline(in, line); ++row) {
      const bool keeps = row < 0 || row % 4 == 0;
      text += (keeps ? line : line.substr(0, line.rfind(',') + 1)) + "\n";
    }
    in.close();
    write(folder_ / "swing.csv", text);
  }
};

TEST_F(LearnedTrajectory, FindsTheCoefficientsThoughMostRatesAreMissing) {
  lose_rates();
  const Result trained = run({"train", "fit.yaml", "--out", "run", "--no-report", "--json"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_NEAR(learned("stiffness"), 1.0, kConverged);
  EXPECT_NEAR(learned("damping"), 0.1, kConverged);
  const Result evaluated = run({"eval", "run", "--json"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const io::Json json = io::parse_json(last_line(evaluated.out), "stdout");
  EXPECT_LT(json["root_mean_squared_error"].get<double>(), kConverged);
  EXPECT_LT(json["root_mean_squared_error_5"].get<double>(), kConverged);
  EXPECT_NEAR(json["observed"].get<double>(), 0.6, 1e-12);  // five angles and one rate
}

TEST_F(LearnedTrajectory, IsEvaluatedOnTheWindowsOfAnotherFile) {
  ASSERT_EQ(run({"train", "fit.yaml", "--out", "run", "--no-report"}).status, 0);
  const Result evaluated = run({"eval", "run", "--data", "swing.csv", "--json"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const io::Json json = io::parse_json(last_line(evaluated.out), "stdout");
  EXPECT_EQ(json["samples"], 186);  // rows with 15 behind them
  EXPECT_LT(json["root_mean_squared_error"].get<double>(), kConverged);
}

TEST_F(LearnedTrajectory, WritesAllStatesOfEveryRow) {
  ASSERT_EQ(run({"train", "fit.yaml", "--out", "run", "--no-report"}).status, 0);
  ASSERT_EQ(run({"solve", "swing.yaml", "-o", "swing.npy"}).status, 0);
  const Result written = run({"eval", "run", "--data", "swing.csv", "--values", "-o", "next.npy"});
  ASSERT_EQ(written.status, 0) << written.err;
  const std::vector<double> swing = io::values(io::read_npy(folder_ / "swing.npy"));  // t in front
  const std::vector<double> next = io::values(io::read_npy(folder_ / "next.npy"));
  ASSERT_EQ(next.size(), 201U * 5U * 2U);  // the last rows too, which nothing follows
  for (std::size_t row = 0; row + 15 < 201; ++row) {
    for (std::size_t k = 0; k < 5; ++k) {
      const std::size_t at = 3 * (row + 3 * (k + 1));
      EXPECT_NEAR(next[(row * 5 + k) * 2], swing[at + 1], kConverged);
      EXPECT_NEAR(next[(row * 5 + k) * 2 + 1], swing[at + 2], kConverged);
    }
  }
}

TEST_F(LearnedTrajectory, HasGradientsThatTheToolCanCheck) {
  const Result checked = run({"gradcheck", "fit.yaml", "--json"});
  ASSERT_EQ(checked.status, 0) << checked.out << checked.err;
}

TEST_F(LearnedTrajectory, RefusesMissingValuesUnlessToldToSkipThem) {
  lose_rates();
  const Result refused = run({"validate", "fit.yaml", "--set", "data.missing=refused"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("the value is missing"));
  // Allowed by the data, they are not taken for observations.
  const Result trained =
      run({"train", "fit.yaml", "--out", "run", "--no-report", "--set", "objective=trajectory"});
  EXPECT_EQ(trained.status, 1);
  EXPECT_THAT(trained.err, HasSubstr("column 'y'"));
}

TEST_F(LearnedTrajectory, IsRefusedWhereModelAndTargetDoNotFit) {
  const Result result = run({"validate", "fit.yaml", "--set", "flow.times.count=4"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("as many `times` as y has"));
}

TEST_F(LearnedTrajectory, FindsTheDampingOfAMeasuredPendulum) {
  if (std::getenv("ODEUM_DATA") == nullptr) GTEST_SKIP() << "ODEUM_DATA is not set";
  const std::string file =
      std::string(std::getenv("ODEUM_SOURCE")) + "/configs/dynamics/pendulum-windows.yaml";
  const Result trained = run({"train", file, "--out", "run", "--no-report"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  // Of those who measured it, -64.22 and 0.067. Of the damping a window's loss sees its part of
  // some percent over two seconds, beside the noise of the state it begins with.
  EXPECT_NEAR(learned("stiffness"), -64.22, 0.01 * 64.22);
  EXPECT_NEAR(learned("damping"), 0.067, 0.02);
}

}  // namespace
}  // namespace odeum::testing_tool
