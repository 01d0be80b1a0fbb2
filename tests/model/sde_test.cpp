// SPDX-License-Identifier: Apache-2.0
// Solves of the field sde, a stochastic differential equation with an increment of the Wiener
// process a step: against the textbook's recursions and exact solutions on the same path, and by
// the moments of its law.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "chain_of.hpp"
#include "model/declarations.hpp"

namespace odeum::model_tests {
namespace {

using testing::HasSubstr;

constexpr double kEnd = 2.0;

/// A model of the field over [0, 2], float64, in steps of one increment each.
std::string model_of(const std::string& field, std::int64_t steps, const std::string& solver,
                     const std::string& before = "") {
  const std::string count = std::to_string(steps);
  return "seed: 3\nprecision: float64\nobjective: likelihood\ndata: moons\nmodel:\n" + before +
         "  - use: ode\n    name: flow\n    span: [0, 2]\n    divergence: {estimator: none}\n" +
         "    field: {use: sde, increments: " + count + ", " + field + "}\n" +
         "    solver: {use: " + solver + ", steps: " + count + "}\n";
}

Values solved(const std::string& yaml, const Shape& shape, const Values& x,
              const std::vector<std::string>& sets = {}) {
  RecordedChain recorded(yaml, sets);
  return recorded
      .run(
          [&](model::Recorder& recorder, Tensor z) {
            const auto chain = recorded.chain(shape);
            return std::vector<Tensor>{
                chain->forward(recorder, z, model::Use::evaluation, chain->size()).value};
          },
          shape, x)
      .front();
}

/// The increments of W of an element of a sample: the draws are those that `random` promises
/// (odeum/random.hpp) for the recorded chain's seed.
Values increments(std::uint64_t sample, std::int64_t element, std::int64_t steps) {
  const std::uint64_t key = stream_key(9, Purpose::noise, model::name_key("flow.field.increments"));
  const std::uint64_t stream = stream_key(key, Purpose::user, 0);
  Values result;
  for (std::int64_t k = 0; k < steps; ++k) {
    const auto index = static_cast<std::uint64_t>(element * steps + k);
    result.push_back(std::sqrt(kEnd / static_cast<double>(steps)) *
                     RandomElement(stream, sample, index).normal());
  }
  return result;
}

double sum(const Values& values) {
  double total = 0.0;
  for (const double value : values) total += value;
  return total;
}

constexpr double kRounding = 1e-12;  // of some tens of steps

/// dx = (0.2 t - 0.5 x) dt + (0.6 + 0.15 t + 0.4 x) dW.
const char* const kTimed =
    "drift: {use: linear, matrix: -0.5, slope: 0.2}, "
    "diffusion: {use: linear, matrix: 0.4, bias: 0.6, slope: 0.15}, calculus: ";
double timed(double t, double x, double h, double dw) {
  return (0.2 * t - 0.5 * x) * h + (0.6 + 0.15 * t + 0.4 * x) * dw;
}

/// One step by the method, from the textbook.
double stepped(const std::string& method, double t, double x, double h, double dw) {
  const double k = timed(t, x, h, dw);
  if (method == "euler") return x + k;
  if (method == "midpoint") return x + timed(t + h / 2, x + k / 2, h, dw);
  if (method == "ralston") {
    return x + k / 4 + 3.0 / 4.0 * timed(t + 2.0 / 3.0 * h, x + 2.0 / 3.0 * k, h, dw);
  }
  if (method == "heun") return x + (k + timed(t + h, x + k, h, dw)) / 2;
  const double k2 = timed(t + h / 2, x + k / 2, h, dw);
  const double k3 = timed(t + h / 2, x + k2 / 2, h, dw);
  return x + (k + 2 * k2 + 2 * k3 + timed(t + h, x + k3, h, dw)) / 6;
}

class SdeSteps : public testing::TestWithParam<std::string> {};

TEST_P(SdeSteps, AreTheMethodsOwnWithTheirIncrement) {
  const std::int64_t steps = 24;
  const Values start = {1.0, -0.5, 2.0};
  const std::string calculus = GetParam() == "euler" ? "ito" : "stratonovich";
  const Values end = solved(model_of(kTimed + calculus, steps, GetParam()), {kRows, 1}, start);
  const double h = kEnd / static_cast<double>(steps);
  for (std::size_t i = 0; i < start.size(); ++i) {
    const Values dw = increments(i, 0, steps);
    double x = start[i];
    for (std::size_t n = 0; n < dw.size(); ++n) {
      x = stepped(GetParam(), static_cast<double>(n) * h, x, h, dw[n]);
    }
    EXPECT_NEAR(end[i], x, kRounding * (1.0 + std::abs(x))) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, SdeSteps,
                         testing::Values("euler", "midpoint", "ralston", "heun", "rk4"),
                         [](const auto& tested) { return tested.param; });

/// The mean distance at the end of paths of dx = 0.3 x dt + 0.8 x dW, from 1, to the exact solution
/// on the same path: x exp((0.3 - 0.8^2 / 2) t + 0.8 W) (Ito), x exp(0.3 t + 0.8 W) (Stratonovich).
double strong_error(const std::string& solver, const std::string& calculus, std::int64_t steps) {
  const std::size_t paths = 1000;
  const Values end =
      solved(model_of("drift: {use: linear, matrix: 0.3}, diffusion: {use: linear, matrix: 0.8}, "
                      "calculus: " +
                          calculus,
                      steps, solver),
             {kRows, 1}, Values(paths, 1.0));
  const double correction = calculus == "ito" ? 0.5 * 0.8 * 0.8 : 0.0;
  double total = 0.0;
  for (std::size_t i = 0; i < paths; ++i) {
    const double w = sum(increments(i, 0, steps));
    total += std::abs(end[i] - std::exp((0.3 - correction) * kEnd + 0.8 * w));
  }
  return total / static_cast<double>(paths);
}

double strong_order(const std::string& solver, const std::string& calculus) {
  return std::log2(strong_error(solver, calculus, 32) / strong_error(solver, calculus, 512)) / 4.0;
}

// Means of 1,000 errors of a heavy-tailed law are known to some 5 %, which over four halvings of
// two of them is 0.03 of an order; the terms of higher order at 32 steps change it by as much.
constexpr double kOrder = 0.1;

TEST(Sde, EulerMaruyamaHasTheStrongOrderOneHalf) {
  EXPECT_NEAR(strong_order("euler", "ito"), 0.5, kOrder);
}

TEST(Sde, MethodsOfOrderTwoHaveTheStrongOrderOneForStratonovichsEquation) {
  for (const char* solver :
       {"heun", "midpoint", "ralston", "'reversible_heun', stochastic: true"}) {
    EXPECT_NEAR(strong_order(solver, "stratonovich"), 1.0, kOrder) << solver;
  }
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};

TEST(Sde, HasTheMeanAndVarianceOfAnOrnsteinUhlenbeckProcess) {
  // dX = (mu t - theta X) dt + (sigma + phi t) dW: X(T) is Gaussian, with mean x0 e^(-theta T) + mu
  // (T/theta - (1 - e^(-theta T))/theta^2) and variance int (sigma + phi s)^2 e^(-2 theta (T - s)).
  const double mu = 0.2;
  const double theta = 0.5;
  const double start = 1.5;
  const double decay = std::exp(-theta * kEnd);
  Moments truth{start * decay + mu * (kEnd / theta - (1.0 - decay) / (theta * theta)), 0.0};
  const int pieces = 1000;  // of Simpson's rule, exact to rounding here
  for (int i = 0; i <= pieces; ++i) {
    const double s = kEnd * i / pieces;
    const double weight = (i == 0 || i == pieces ? 1.0 : (i % 2 == 1 ? 4.0 : 2.0)) / 3.0;
    truth.variance +=
        weight * kEnd / pieces * std::pow(0.6 + 0.15 * s, 2) * std::exp(-2.0 * theta * (kEnd - s));
  }
  const std::size_t n = 8000;
  // So many standard errors: by chance one test in 15,000 is this far off, and the noise is the
  // same in every run. 64 steps add some tenths of a standard error by Euler's method, less by
  // Heun's.
  const double errors = 4.0;
  for (const char* solver : {"euler", "heun"}) {
    const std::string calculus = std::string(solver) == "euler" ? "ito" : "stratonovich";
    const Values end =
        solved(model_of("drift: {use: linear, matrix: -0.5, slope: 0.2}, diffusion: {use: linear, "
                        "matrix: 0, bias: 0.6, slope: 0.15}, calculus: " +
                            calculus,
                        64, solver),
               {kRows, 1}, Values(n, start));
    Moments found{mean(end), 0.0};
    for (const double x : end) found.variance += std::pow(x - found.mean, 2);
    found.variance /= static_cast<double>(n - 1);
    EXPECT_NEAR(found.mean, truth.mean, errors * std::sqrt(truth.variance / n)) << solver;
    EXPECT_NEAR(found.variance, truth.variance, errors * truth.variance * std::sqrt(2.0 / (n - 1)))
        << solver;
  }
}

TEST(Sde, HasAnotherNoiseForEachPathOfOneStart) {
  const std::int64_t steps = 8;
  const std::string yaml = model_of(
      "drift: {use: linear, matrix: [0, 0, 0, 0]}, paths: true, calculus: ito, "
      "diffusion: {use: linear, matrix: [0.8, 0, 0, 0.8]}",
      steps, "euler", "  - {use: copies, count: 3}\n");
  const Values start = {1.0, 0.5, 2.0, -1.0};
  const Values end = solved(yaml, {kRows, 2}, start);
  ASSERT_EQ(end.size(), 12U);
  for (std::size_t i = 0; i < end.size(); ++i) {
    double x = start[2 * (i / 6) + i % 2];
    for (const double dw : increments(i / 6, static_cast<std::int64_t>(i % 6), steps)) {
      x += 0.8 * x * dw;
    }
    EXPECT_NEAR(end[i], x, kRounding * (1.0 + std::abs(x))) << i;
  }
}

TEST(Sde, ComesBackAlongItsPath) {
  const std::string yaml = model_of(
      "drift: {use: linear, matrix: 0.3}, diffusion: {use: linear, matrix: 0.8}, calculus: "
      "stratonovich",
      512, "heun");
  const Values start = {1.0, -0.5, 2.0, 0.3};
  RecordedChain recorded(yaml);
  const Values back = recorded
                          .run(
                              [&](model::Recorder& recorder, Tensor z) {
                                const auto chain = recorded.chain({kRows, 1});
                                const Tensor end =
                                    chain->forward(recorder, z, model::Use::evaluation, 1).value;
                                return std::vector<Tensor>{chain->inverse(recorder, end)};
                              },
                              {kRows, 1}, start)
                          .front();
  // Both ways err by the strong order, h = 0.004; with another noise on the way back by 1.
  for (std::size_t i = 0; i < start.size(); ++i) EXPECT_NEAR(back[i], start[i], 0.02) << i;
}

const char* const kNets = R"(
seed: 11
precision: float64
objective: likelihood
data: moons
model:
  - use: ode
    name: flow
    span: [0, 2]
    field:
      use: sde
      drift: {use: mlp, hidden: [6]}
      diffusion: {use: mlp, hidden: [5], activation: softplus}
      calculus: stratonovich
      increments: 20
    solver: {use: heun, step: 0.1}
    gradient: backprop
    divergence: {estimator: exact}
)";
const char* const kPaths = R"(
seed: 11
precision: float64
objective: sde_moments
data: {use: ornstein_uhlenbeck, count: 3, paths: 4, end: 2, batch: 5}
bind: [x:start, y:paths]
model:
  - {use: copies, count: 6}
  - use: ode
    name: sde
    span: [0, 2]
    times: {count: 3}
    field:
      use: sde
      drift: {use: mlp, hidden: [6]}
      diffusion: {use: mlp, hidden: [], time: concat}
      calculus: ito
      increments: 30
      paths: true
    solver: {use: euler, step: 0.066666666667}
    divergence: {estimator: none}
)";

/// The dataset's rows from the first one on.
model::Batch read(const model::Pipeline& pipeline, std::int64_t rows) {
  model::Batch batch;
  batch.rows = rows;
  for (std::int64_t i = 0; i < rows; ++i) batch.samples.push_back(i);
  std::vector<std::span<double>> out;
  for (const Column& column : pipeline.dataset().columns()) {
    std::size_t size = 1;
    for (const std::int64_t extent : column.shape) size *= static_cast<std::size_t>(extent);
    batch.columns.emplace_back(size * static_cast<std::size_t>(rows));
  }
  for (Values& values : batch.columns) out.emplace_back(values);
  pipeline.dataset().read(Split::train, 1, batch.samples, out);
  return batch;
}

/// The gradient of training step 3 along a direction, and its distance from differences of fourth
/// order of the loss.
void expect_differences(Assembled& model, const model::Batch& batch) {
  const Values exact = model.train_step(batch, 3).gradient;
  const Values direction = normal(exact.size(), 5);
  double along = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) along += exact[i] * direction[i];
  const Values start = model.parameters;
  const auto loss_at = [&](double step) {
    for (std::size_t i = 0; i < start.size(); ++i) {
      model.parameters[i] = start[i] + step * direction[i];
    }
    return model.train_step(batch, 3).result.loss;
  };
  const double by = 1e-4;
  const double near = loss_at(by) - loss_at(-by);
  const double far = loss_at(2.0 * by) - loss_at(-2.0 * by);
  // Differences of a loss that is known to 1e-15 over 1e-4.
  EXPECT_NEAR(along, (8.0 * near - far) / (12.0 * by), 1e-8 * (1.0 + std::abs(along)));
  model.parameters = start;
}

TEST(Sde, HasTheGradientsOfItsStepsOnAFixedPath) {
  const auto batch = rows_of(normal(8, 2), 2);
  for (const char* keep : {"residuals", "stages", "steps"}) {
    Assembled model(kNets, {std::string("flow.gradient={use: backprop, keep: ") + keep + "}"});
    expect_differences(model, batch);
  }
  for (const char* gradient : {"backprop", "reversible"}) {
    Assembled model(kNets, {"flow.solver={use: reversible_heun, stochastic: true, step: 0.1}",
                            std::string("flow.gradient=") + gradient});
    expect_differences(model, batch);
  }
  Assembled paths(kPaths);
  expect_differences(paths, read(paths.pipeline, 5));
}

TEST(Sde, MovesWithALearnedSpan) {
  Assembled model(kNets, {"flow.learn_span=true", "flow.solver={use: heun, steps: 20}"});
  expect_differences(model, rows_of(normal(8, 2), 2));
}

TEST(Sde, DrawsNoiseAnewForEveryStepAndEveryEvaluation) {
  const auto batch = rows_of(normal(8, 2), 2);
  Assembled model(kNets);
  const double loss = model.train_step(batch, 3).result.loss;
  EXPECT_EQ(model.train_step(batch, 3).result.loss, loss);
  EXPECT_NE(model.train_step(batch, 4).result.loss, loss);
  const Values nll = model.nll(batch, 3);
  EXPECT_EQ(model.nll(batch, 3), nll);
  EXPECT_NE(model.nll(batch, 4), nll);
}

TEST(Sde, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto batch = rows_of(normal(1400, 2), 2);  // more rows than one tile of any kind
  Assembled one(kNets, {"device.threads=1"});
  Assembled two(kNets, {"device.threads=2"});
  const auto first = one.train_step(batch);
  const auto second = two.train_step(batch);
  EXPECT_EQ(first.result.loss, second.result.loss);
  EXPECT_EQ(first.gradient, second.gradient);
  EXPECT_EQ(one.nll(batch), two.nll(batch));
}

TEST(Sde, IsTrainedByWavesAndEvaluatedByIncrements) {
  // The same parameters under the same names, so one model has both.
  const std::string nets = "drift: {use: mlp, hidden: [6]}, diffusion: {use: mlp, hidden: [5]}";
  Assembled model(
      kNets, {"flow.field={use: wong_zakai, " + nets + ", terms: 4, evaluate: {use: sde, " + nets +
                  ", calculus: stratonovich, increments: 20}}",
              "flow.solver={use: dopri5, evaluate: {use: heun, step: 0.1}}"});
  Assembled alone(kNets,
                  {"flow.field={use: sde, " + nets + ", calculus: stratonovich, increments: 20}"});
  EXPECT_EQ(model.parameters, alone.parameters);
  const auto batch = rows_of(normal(8, 2), 2);
  EXPECT_EQ(model.nll(batch), alone.nll(batch));
}

TEST(Sde, IsNotEvaluatedWithPartsThatWereNotTrained) {
  EXPECT_THAT(refusal(kNets, {"flow.field.evaluate={drift: {use: mlp, hidden: [7]}}"}),
              HasSubstr("which training does not learn"));
}

struct Refused {
  std::vector<std::string> sets;
  std::string reason;
};

TEST(Sde, RefusesWhatDoesNotFitItsIncrementsWithTheReason) {
  const std::vector<Refused> all = {
      {{"flow.solver={use: heun, step: 0.05}"}, "20 increments, one a step: step: 0.1"},
      {{"flow.solver={use: heun, steps: 10}"}, "steps: 20"},
      {{"flow.solver={use: dopri5}"}, "takes its last rate for the next step's first"},
      {{"flow.solver={use: reversible_heun, stochastic: true}"}, "no details for shorter steps"},
      {{"flow.solver={use: euler, step: 0.1}"}, "tend to the solution of Ito's equation"},
      {{"flow.solver={use: heun, step: 0.1}", "flow.field.calculus=ito"}, "use euler"},
      {{"flow.solver={use: implicit_midpoint, step: 0.1}"}, "is implicit"},
      {{"flow.solver={use: leapfrog, step: 0.1}"}, "rates of several steps"},
      {{"flow.solver={use: reversible_heun, step: 0.1}"}, "hands rates from step to step"},
      {{"flow.solver.step_times=[0.25]"}, "0.25 lies inside a piece"},
      {{"flow.solver.jump_times=[0.3]"}, "remove it"},
      {{"flow.gradient=adjoint"}, "an equation of its own"},
      {{"flow.gradient=gauss_legendre"}, "an equation of its own"},
      {{"flow.learn_span=true"}, "give steps: 20"},
      {{"precision=float32", "flow.span=[1000, 1002]", "flow.field.increments=200",
        "flow.solver={use: heun, step: 0.01}"},
       "not told apart at t = 1002 in float32"},
      {{"flow.field.calculus=ito", "flow.solver.use=euler"}, "second-order term"},
      {{"flow.field.drift={use: sde, calculus: ito, increments: 3}"}, "belongs to the whole"},
  };
  for (const Refused& one : all) {
    EXPECT_THAT(refusal(kNets, one.sets), HasSubstr(one.reason)) << one.sets.front();
  }
  EXPECT_THAT(refusal(kPaths, {"sde.times={count: 7}"}), HasSubstr("inside a piece of the path"));
  EXPECT_THAT(refusal(kPaths, {"sde.solver={use: euler, steps: 10}"}), HasSubstr("step: 0.0666"));
}

}  // namespace
}  // namespace odeum::model_tests
