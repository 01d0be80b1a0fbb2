// SPDX-License-Identifier: Apache-2.0
// An ode block that hands on its solution at several times: the values, their gradients by every
// method, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "chain_of.hpp"
#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// x' = (v, -x): a turn by the time. Solves at tolerance 1e-11 over less than a turn err by some ten
// times that.
const char* const kTurn = R"(
precision: float64
objective: regression
data: moons
model:
  - use: ode
    name: flow
    span: [0.5, 2]
    field: {use: linear, matrix: [0, 1, -1, 0]}
    solver: {use: dopri5, rtol: 1e-11, atol: 1e-11}
    divergence: {estimator: none}
)";
constexpr double kSolved = 1e-9;

/// States of the model at its times, [rows, times, 2].
Values states(const std::vector<std::string>& sets, const Values& x, std::int64_t times) {
  RecordedChain recorded(kTurn, sets);
  const Shape shape{kRows, 2};
  const auto chain = recorded.chain(shape);
  EXPECT_EQ(chain->output_shape(), (Shape{kRows, times, 2}));
  return recorded
      .run(
          [&](model::Recorder& recorder, Tensor in) {
            return std::vector{chain->forward(recorder, in, model::Use::evaluation).value};
          },
          shape, x)
      .front();
}

void expect_turned(const Values& found, const Values& x, const Values& angles) {
  ASSERT_EQ(found.size(), x.size() * angles.size());
  for (std::size_t row = 0; row < x.size() / 2; ++row) {
    for (std::size_t i = 0; i < angles.size(); ++i) {
      const double c = std::cos(angles[i]);
      const double s = std::sin(angles[i]);
      const std::size_t at = (row * angles.size() + i) * 2;
      EXPECT_NEAR(found[at], c * x[2 * row] + s * x[2 * row + 1], kSolved);
      EXPECT_NEAR(found[at + 1], c * x[2 * row + 1] - s * x[2 * row], kSolved);
    }
  }
}

const Values kStarts = {1.0, 0.0, -0.3, 2.0, 0.25, 0.5};

TEST(SolutionTimes, GiveTheStateAtEachTimeFromOneSolve) {
  expect_turned(states({"flow.times={at: [0.7, 1.5, 2]}"}, kStarts, 3), kStarts, {0.2, 1.0, 1.5});
}

TEST(SolutionTimes, MayBeginWithTheStartItself) {
  const Values found = states({"flow.times={at: [0.5, 2]}"}, kStarts, 2);
  expect_turned(found, kStarts, {0.0, 1.5});
  EXPECT_EQ(found[0], kStarts[0]);
}

TEST(SolutionTimes, OfACountAreEquallySpacedBehindTheStart) {
  expect_turned(states({"flow.times.count=3"}, kStarts, 3), kStarts, {0.5, 1.0, 1.5});
  expect_turned(states({"flow.times={from: 1, count: 3}"}, kStarts, 3), kStarts, {0.5, 1.0, 1.5});
  expect_turned(states({"flow.times={from: 0.5, count: 4}"}, kStarts, 4), kStarts,
                {0.0, 0.5, 1.0, 1.5});
  expect_turned(states({"flow.times.count=1"}, kStarts, 1), kStarts, {1.5});
}

TEST(SolutionTimes, RunBackInTimeToo) {
  expect_turned(states({"flow.span=[2, 0.5]", "flow.times={at: [1.5, 0.5]}"}, kStarts, 2), kStarts,
                {-0.5, -1.5});
}

TEST(SolutionTimes, AreThoseOfEverySampleWithStepsOfItsOwn) {
  expect_turned(
      states({"flow.times={at: [0.7, 1.5, 2]}", "flow.solver.step_size=per_sample"}, kStarts, 3),
      kStarts, {0.2, 1.0, 1.5});
}

TEST(SolutionTimes, OfEvaluationMayBeOthers) {
  expect_turned(states({"flow.times={at: [0.7, 2], evaluate: {at: [1, 2]}}"}, kStarts, 2), kStarts,
                {0.5, 1.5});
}

/// A file of starts x and three states y, whose numbers do not matter: tests bring their own.
class SeriesFile {
 public:
  SeriesFile()
      : path_(std::filesystem::temp_directory_path() /
              ("odeum_times_" + std::to_string(::getpid()) + "_" + std::to_string(count_++) +
               ".csv")) {
    std::ofstream(path_) << "a,b,p,q,r,s,t,u\n0,0,0,0,0,0,0,0\n";
  }
  ~SeriesFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  SeriesFile(const SeriesFile&) = delete;
  SeriesFile& operator=(const SeriesFile&) = delete;

  std::string yaml() const {
    return "\ndata: {use: csv, file: " + path_.string() +
           ", groups: [{as: x, columns: [a, b]}, {as: y, columns: [p, q, r, s, t, u]}]}\n";
  }

 private:
  static inline int count_ = 0;
  std::filesystem::path path_;
};

const char* const kLearned = R"(
seed: 11
precision: float64
objective: regression
model:
  - use: ode
    name: flow
    span: [0, 1]
    times: {at: [0.3, 0.35, 1]}
    field: {use: mlp, hidden: [3], activation: tanh, time: concatsquash}
    solver: {use: dopri5, rtol: 1e-11, atol: 1e-11}
    gradient: backprop
    divergence: {estimator: none}
)";

/// Five samples of x and y.
model::Batch series() {
  model::Batch batch = rows_of(normal(10, 2), 2);
  batch.columns.push_back(normal(30, 3));
  return batch;
}

double length(const Values& values) {
  double sum = 0.0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

double distance(Values a, const Values& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return length(a);
}

/// Fourth-order central differences of the loss, by all parameters.
Values differenced(Assembled& model, const model::Batch& batch) {
  constexpr double kStep = 1e-3;
  Values result;
  for (double& parameter : model.parameters) {
    const double start = parameter;
    const auto loss_at = [&](double offset) {
      parameter = start + offset;
      return model.train_step(batch).result.loss;
    };
    const double near = loss_at(kStep) - loss_at(-kStep);
    const double far = loss_at(2.0 * kStep) - loss_at(-2.0 * kStep);
    parameter = start;
    result.push_back((8.0 * near - far) / (12.0 * kStep));
  }
  return result;
}

struct Case {
  std::string name;
  std::vector<std::string> sets;
  double tolerance;
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }

// Exact derivatives of the steps: the differences' truncation, together some 1e-10, and with
// adaptive steps their change with the parameters.
constexpr double kExact = 1e-8;
// Equations of their own: errors of both solves, some hundred times their tolerance of 1e-11.
constexpr double kContinuous = 1e-8;

class GradientOverTimes : public testing::TestWithParam<Case> {};

TEST_P(GradientOverTimes, IsThatOfTheLoss) {
  const SeriesFile file;
  Assembled model(kLearned + file.yaml(), GetParam().sets);
  const model::Batch batch = series();
  const Values gradient = model.train_step(batch).gradient;
  const Values differences = differenced(model, batch);
  ASSERT_GT(length(differences), 0.1);
  EXPECT_LE(distance(gradient, differences), GetParam().tolerance * length(differences));
}

INSTANTIATE_TEST_SUITE_P(
    Of, GradientOverTimes,
    testing::Values(
        Case{"Backprop", {}, kExact},
        Case{"BackpropOfGivenSteps", {"flow.solver={use: rk4, steps: 3}"}, kExact},
        Case{"BackpropWithPenalties",
             {"flow.regularizers=[{use: kinetic, weight: 0.3}, {use: jacobian, weight: 0.2}]"},
             kExact},
        Case{"BackpropThroughTheStart", {"flow.times={at: [0, 0.35, 1]}"}, kExact},
        Case{"BackpropBackInTime", {"flow.span=[1, 0]", "flow.times={at: [0.6, 0.5, 0]}"}, kExact},
        Case{"BackpropAcrossAJump", {"flow.solver.jump_times=[0.32]"}, kExact},
        Case{"BackpropOfSamplesApart", {"flow.solver.step_size=per_sample"}, kExact},
        Case{"Forward", {"flow.gradient=forward"}, kContinuous},
        Case{"Adjoint", {"flow.gradient=adjoint"}, kContinuous},
        Case{"AdjointAcrossAJump",
             {"flow.gradient=adjoint", "flow.solver.jump_times=[0.32]"},
             kContinuous},
        Case{"AdjointWithPenalties",
             {"flow.gradient=adjoint",
              "flow.regularizers=[{use: kinetic, weight: 0.3}, {use: jacobian, weight: 0.2}]"},
             kContinuous},
        Case{"GaussLegendre", {"flow.gradient=gauss_legendre"}, kContinuous},
        Case{"Interpolated", {"flow.gradient=interpolated"}, kContinuous},
        Case{"ReversibleOfReversibleHeun",
             {"flow.gradient=reversible", "flow.solver={use: reversible_heun, steps: 4}"},
             kExact},
        Case{"Symplectic",
             {"flow.gradient=symplectic", "flow.solver={use: kutta38, steps: 3}"},
             kExact}),
    [](const auto& one) { return one.param.name; });

TEST(GradientOverTimes, SeesTheTimesBetween) {
  // Of the loss at the first time alone: what the last time's loss does not see.
  const SeriesFile file;
  Assembled model(kLearned + file.yaml());
  model::Batch batch = series();
  const Values whole = model.train_step(batch).gradient;
  for (std::size_t row = 0; row < 5; ++row) batch.columns[1][6 * row] += 1.0;
  EXPECT_GT(distance(model.train_step(batch).gradient, whole), 0.01 * length(whole));
}

TEST(SolutionTimes, AreRefusedOutsideTheSpanOrOutOfOrder) {
  const SeriesFile file;
  const auto refused = [&](const std::string& times) {
    return refusal(kLearned + file.yaml(), {"flow.times=" + times});
  };
  EXPECT_THAT(refused("{at: [-1, 1]}"), AllOf(HasSubstr("times"), HasSubstr("outside the span")));
  EXPECT_THAT(refused("{at: [0.5, 0.5, 1]}"), HasSubstr("each once"));
  EXPECT_THAT(refused("{at: [0.5, 0.4, 1]}"), HasSubstr("each once"));
  EXPECT_THAT(refused("{at: [0.1, 0.5]}"), HasSubstr("the span ends at 1"));
  EXPECT_THAT(refused("{at: [1], count: 3}"), HasSubstr("one of them is wanted"));
  EXPECT_THAT(refused("{from: 0.5}"), HasSubstr("count"));
  EXPECT_THAT(refused("{from: 1, count: 2}"), HasSubstr("before its end"));
  EXPECT_THAT(refused("{from: 0.5, count: 1}"), HasSubstr("two at least"));
}

TEST(SolutionTimes, AreRefusedWhereTheSpanMovesOrEvaluationHasOthers) {
  const SeriesFile file;
  const auto refused = [&](const std::string& set) {
    return refusal(kLearned + file.yaml(), {set});
  };
  EXPECT_THAT(refused("flow.learn_span=true"), AllOf(HasSubstr("learn_span"), HasSubstr("times")));
  EXPECT_THAT(refused("flow.regularizers=[{use: steer, b: 0.5}]"),
              AllOf(HasSubstr("draws the end"), HasSubstr("times")));
  EXPECT_THAT(refused("flow.times={count: 3, evaluate: {count: 4}}"),
              AllOf(HasSubstr("4 states in evaluation"), HasSubstr("one shape")));
}

TEST(SolutionTimes, HaveNoDensityAndNoInverse) {
  EXPECT_THAT(refusal(kTurn, {"flow.times.count=3", "objective=likelihood",
                              "flow.divergence.estimator=exact"}),
              AllOf(HasSubstr("'flow'"), HasSubstr("one log-determinant")));
  RecordedChain recorded(kTurn, {"flow.times.count=3"});
  EXPECT_THAT(recorded.chain({kRows, 2})->why_no_inverse(), HasSubstr("several times"));
}

}  // namespace
}  // namespace odeum::model_tests
