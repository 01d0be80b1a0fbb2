// SPDX-License-Identifier: Apache-2.0
// Learned dynamics through the tool: coefficients of a field from a solution of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/swing.hpp"
#include "io/json.hpp"
#include "io/npy.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;

/// From wrong coefficients, half a second ahead.
constexpr const char* kFit =
    "seed: 1\n"
    "precision: float64\n"
    "data:\n"
    "  use: csv\n"
    "  file: swing.csv\n"
    "  groups:\n"
    "    - {as: x, columns: [angle, rate]}\n"
    "    - {as: y, columns: [angle, rate], ahead: 5}\n"
    "  split: {train: 0.7, validation: 0.1, test: 0.2, rule: contiguous}\n"
    "  batch: 64\n"
    "model:\n"
    "  - use: ode\n"
    "    name: flow\n"
    "    span: [0, 0.5]\n"
    "    field: {use: pendulum, stiffness: 2, damping: 0.5, learn: true}\n"
    "    solver: {use: dopri5, rtol: 1e-8, atol: 1e-8}\n"
    "    divergence: {estimator: none}\n"
    "objective: regression\n"
    "optimizer: {use: adam, lr: 0.05, schedule: cosine}\n"
    "train: {steps: 200, evaluate_every: 200}\n";

class LearnedDynamics : public LearnedSwing {
 protected:
  LearnedDynamics() : LearnedSwing(kFit) {}
};

TEST_F(LearnedDynamics, FindTheCoefficientsOfASwing) {
  const Result trained = run({"train", "fit.yaml", "--out", "run", "--no-report", "--json"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  // Where the optimizer has come to after 200 steps; the data themselves are good to 1e-9.
  constexpr double kConverged = 1e-3;
  EXPECT_NEAR(learned("stiffness"), 1.0, kConverged);
  EXPECT_NEAR(learned("damping"), 0.1, kConverged);

  // Rows to come are grouped as those of the training were.
  const Result evaluated = run({"eval", "run", "--data", "swing.csv", "--json"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const io::Json json = io::parse_json(last_line(evaluated.out), "stdout");
  EXPECT_EQ(json["samples"], 196);
  EXPECT_LT(json["root_mean_squared_error"].get<double>(), kConverged);
}

TEST_F(LearnedDynamics, WriteTheStateAheadOfRowsThatHaveNoTarget) {
  ASSERT_EQ(run({"train", "fit.yaml", "--out", "run", "--no-report"}).status, 0);
  ASSERT_EQ(run({"solve", "swing.yaml", "-o", "swing.npy"}).status, 0);
  const Result written = run({"eval", "run", "--data", "swing.csv", "--values", "-o", "next.npy"});
  ASSERT_EQ(written.status, 0) << written.err;
  const std::vector<double> swing = io::values(io::read_npy(folder_ / "swing.npy"));  // t in front
  const std::vector<double> next = io::values(io::read_npy(folder_ / "next.npy"));
  ASSERT_EQ(next.size(), 201U * 2U);  // the last rows too, which nothing follows
  for (std::size_t row = 0; row + 5 < 201; ++row) {
    EXPECT_NEAR(next[2 * row], swing[3 * (row + 5) + 1], 1e-3);
    EXPECT_NEAR(next[2 * row + 1], swing[3 * (row + 5) + 2], 1e-3);
  }

  const Result without = run({"eval", "run", "--values", "--data", "swing.csv"});
  EXPECT_EQ(without.status, 2);
  EXPECT_THAT(without.err, HasSubstr("--values goes with --data and -o"));
}

TEST_F(LearnedDynamics, BindGroupsByTheirNamesInAnyOrder) {
  const Result swapped = run(
      {"train", "fit.yaml", "--out", "run", "--no-report", "--set",
       "data.groups=[{as: y, columns: [angle, rate], ahead: 5}, {as: x, columns: [angle, rate]}]"});
  ASSERT_EQ(swapped.status, 0) << swapped.err;
  EXPECT_NEAR(learned("damping"), 0.1, 1e-3);  // back in time it would be -0.1
}

TEST_F(LearnedDynamics, FindTheStiffnessOfAMeasuredPendulum) {
  if (std::getenv("ODEUM_DATA") == nullptr) GTEST_SKIP() << "ODEUM_DATA is not set";
  const std::string file =
      std::string(std::getenv("ODEUM_SOURCE")) + "/configs/dynamics/pendulum.yaml";
  const Result trained = run({"train", file, "--out", "run", "--no-report"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  // Of those who measured it; a least-squares fit of accelerations gives 64.04.
  EXPECT_NEAR(learned("stiffness"), -64.22, 0.01 * 64.22);
}

TEST_F(LearnedDynamics, AreRefusedWhereModelAndTargetDoNotFit) {
  const Result result = run({"validate", "fit.yaml", "--set",
                             "data.groups=[{as: x, columns: [angle, rate]}, "
                             "{as: y, columns: [angle], ahead: 5}]"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("fit.yaml:18:1 objective — the model gives samples of shape"));
  EXPECT_THAT(result.err, HasSubstr("block dense"));
}

TEST_F(LearnedDynamics, AreRefusedWithoutATargetNamingTheColumns) {
  const Result result =
      run({"validate", "fit.yaml", "--set", "data.groups=[{as: state, columns: [angle, rate]}]"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("role 'y' is bound to no column; the data have state"));
}

}  // namespace
}  // namespace odeum::testing_tool
