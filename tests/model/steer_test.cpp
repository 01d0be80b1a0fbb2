// SPDX-License-Identifier: Apache-2.0
// STEER: the end of a span drawn in each training step. The field x' = (1, 1) has the kinetic cost
// 0.5 |f|^2 / D times the span's length, so the cost shows the end that was drawn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const char* const kFlow = R"(
seed: 5
precision: float64
objective: likelihood
data: moons
model:
  - use: ode
    name: flow
    span: [1, 3]
    field: {use: linear, learn: true, matrix: [0, 0, 0, 0], bias: [1, 1]}
    divergence: {estimator: exact}
    solver: {use: rk4, steps: 2}
    regularizers: [kinetic, {use: steer, b: 0.5}]
)";

// A few units of float64.
constexpr double kRounding = 1e-14;

double drawn_end(Assembled& model, std::int64_t step, const Values& rows = {0.0, 0.0}) {
  const auto result = model.train_step(rows_of(rows, 2), step).result;
  return 1.0 + 2.0 * result.costs.at("flow.kinetic");
}

TEST(Steer, DrawsUniformlyAboutTheEnd) {
  Assembled model(kFlow);
  constexpr int kDraws = 1000;
  Values ends;
  for (int step = 0; step < kDraws; ++step) ends.push_back(drawn_end(model, step));
  std::sort(ends.begin(), ends.end());
  EXPECT_GT(ends.front(), 2.5);
  EXPECT_LT(ends.back(), 3.5);
  // Kolmogorov's distance to the uniform distribution is above 1.95 / sqrt(n) once in a thousand.
  double distance = 0.0;
  for (int i = 0; i < kDraws; ++i) {
    const double expected = ends[static_cast<std::size_t>(i)] - 2.5;
    distance = std::max(distance, std::abs((i + 0.5) / kDraws - expected));
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(kDraws));
  EXPECT_NEAR(mean(ends), 3.0, 4.0 * (1.0 / std::sqrt(12.0)) / std::sqrt(kDraws));
}

TEST(Steer, DrawsAreKeyedBySeedAndStepAlone) {
  Assembled model(kFlow);
  Assembled again(kFlow, {"device={use: cpu, threads: 1}"});
  Assembled other(kFlow, {"seed=6"});
  for (const int step : {0, 3, 7}) {
    const double end = drawn_end(model, step);
    EXPECT_EQ(drawn_end(again, step), end) << "of one thread, in another order of calls";
    EXPECT_NEAR(drawn_end(model, step, {1.0, 2.0, 3.0, 4.0}), end, kRounding) << "of another batch";
    EXPECT_NE(drawn_end(other, step), end);
    EXPECT_NE(drawn_end(model, step + 1), end);
  }
}

TEST(Steer, EndsEvaluationAndSamplesAtThePlainEnd) {
  Assembled model(kFlow);
  Assembled plain(kFlow, {"flow.regularizers=[kinetic]"});
  const auto batch = rows_of({0.3, -0.4, 1.0, 2.0}, 2);
  EXPECT_EQ(model.nll(batch, 1), plain.nll(batch, 1));
  EXPECT_EQ(model.sample(3, 1), plain.sample(3, 1));
  EXPECT_GT(std::abs(model.train_step(batch).result.loss - plain.train_step(batch).result.loss),
            1e-3);
}

TEST(Steer, WorksBackInTimeAndWithTheAdjoint) {
  Assembled back(kFlow, {"flow.span=[3, 1]", "flow.gradient=adjoint"});
  for (const int step : {0, 1, 2}) {
    // Running costs count with |dt|: the length is 3 - end.
    const double end =
        3.0 - 2.0 * back.train_step(rows_of({0.0, 0.0}, 2), step).result.costs.at("flow.kinetic");
    EXPECT_GT(end, 0.5);
    EXPECT_LT(end, 1.5);
  }
}

TEST(Steer, IsRefusedWhereItCannotWork) {
  const std::string b = "flow.regularizers=[{use: steer, b: 2}]";
  EXPECT_THAT(refusal(kFlow, {b}), AllOf(HasSubstr(".b"), HasSubstr("span of length 2")));
  EXPECT_EQ(refusal(kFlow, {"flow.regularizers=[{use: steer, b: 1.99}]"}), "");
  EXPECT_THAT(refusal(kFlow, {"flow.learn_span=true"}), HasSubstr("the span is learned"));
  EXPECT_THAT(refusal(kFlow, {"flow.regularizers=[{use: steer, b: 1}, {use: steer, b: 1}]"}),
              HasSubstr("one of them is enough"));
  EXPECT_THAT(refusal(kFlow, {"flow.regularizers=[{use: steer, b: 1, weight: 2}]"}),
              AllOf(HasSubstr("weight"), HasSubstr("no effect")));
}

TEST(Evaluate, RefusesKeysThatItDoesNotLookAt) {
  EXPECT_THAT(refusal(kFlow, {"flow.evaluate={learn_span: true}"}),
              AllOf(HasSubstr("learn_span"), HasSubstr("alike")));
  EXPECT_THAT(refusal(kFlow, {"flow.evaluate={gradient: adjoint}"}),
              AllOf(HasSubstr("evaluate.gradient"), HasSubstr("no effect")));
  EXPECT_THAT(refusal(kFlow, {"flow.evaluate={regularizers: []}"}),
              AllOf(HasSubstr("evaluate.regularizers"), HasSubstr("no effect")));
  EXPECT_EQ(refusal(kFlow, {"flow.evaluate={solver: {use: dopri5}, span: [1, 2]}"}), "");
}

}  // namespace
}  // namespace odeum::model_tests
