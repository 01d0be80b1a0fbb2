// SPDX-License-Identifier: Apache-2.0
// Solves of the field wong_zakai, a stochastic differential equation driven by the first K terms of
// the Wiener process' Karhunen-Loeve expansion: pathwise where the path has a closed form, and by
// the moments of its law.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "chain_of.hpp"
#include "model/declarations.hpp"

namespace odeum::model_tests {
namespace {

constexpr double kEnd = 2.0;

/// A model of the field over [0, 2], float64.
std::string model_of(const std::string& field, const std::string& solver,
                     const std::string& before = "") {
  return "seed: 3\nprecision: float64\nobjective: likelihood\ndata: moons\nmodel:\n" + before +
         "  - use: ode\n    name: flow\n    span: [0, 2]\n    divergence: {estimator: none}\n" +
         "    field: {use: wong_zakai, " + field + "}\n    solver: " + solver + "\n";
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

double frequency(std::int64_t k) {
  return (static_cast<double>(k) - 0.5) * std::numbers::pi / kEnd;
}

/// W_K at the end of the span for a sample's noise, of the element so manieth among `elements`: the
/// draws are those that `random` promises (odeum/random.hpp) for the recorded chain's seed.
double expansion_at_end(std::uint64_t sample, std::int64_t element, std::int64_t terms) {
  const std::uint64_t key = stream_key(9, Purpose::noise, model::name_key("flow.field.xi"));
  const std::uint64_t stream = stream_key(key, Purpose::user, 0);
  double w = 0.0;
  for (std::int64_t k = 1; k <= terms; ++k) {
    const double xi =
        RandomElement(stream, sample, static_cast<std::uint64_t>(element * terms + k - 1)).normal();
    w += xi * std::sqrt(2.0 / kEnd) * std::sin(frequency(k) * kEnd) / frequency(k);
  }
  return w;
}

// The solver's error at rtol 1e-10 over some hundred steps of a path that grows by some e^2.
constexpr double kPath = 1e-7;
const char* const kTight = "{use: dopri5, rtol: 1e-10, atol: 1e-12}";
const char* const kGeometric =
    "drift: {use: linear, matrix: 0.3}, diffusion: {use: linear, matrix: 0.8}, terms: 12";

TEST(WongZakai, IsGeometricBrownianMotionOfALinearEquationPathByPath) {
  // dx = a x dt + b x o dW has the solution x0 exp(a t + b W(t)), for the expansion as for W.
  const Values start = {1.0, -0.5, 2.0, 0.1, 3.0};
  const std::string shared = model_of(kGeometric, kTight);
  const std::string alone =
      model_of(kGeometric, "{use: dopri5, rtol: 1e-10, atol: 1e-12, step_size: per_sample}");
  for (const std::string& yaml : {shared, alone}) {
    const Values end = solved(yaml, {kRows, 1}, start);
    for (std::size_t i = 0; i < start.size(); ++i) {
      const double truth = start[i] * std::exp(0.3 * kEnd + 0.8 * expansion_at_end(i, 0, 12));
      EXPECT_NEAR(end[i], truth, kPath * (1.0 + std::abs(truth))) << i;
    }
  }
}

TEST(WongZakai, HasAnotherNoiseForEachPathOfOneStart) {
  const std::string yaml =
      model_of(std::string(kGeometric) + ", paths: true", kTight, "  - {use: copies, count: 3}\n");
  const Values start = {1.0, 0.5, 2.0, -1.0};
  const Values end = solved(
      yaml, {kRows, 2}, start,
      {"flow.field.drift.matrix=[0.3, 0, 0, 0.3]", "flow.field.diffusion.matrix=[0.8, 0, 0, 0.8]"});
  ASSERT_EQ(end.size(), 12U);
  for (std::size_t i = 0; i < end.size(); ++i) {
    const std::size_t row = i / 6;
    const double w = expansion_at_end(row, static_cast<std::int64_t>(i % 6), 12);
    const double truth = start[2 * row + i % 2] * std::exp(0.3 * kEnd + 0.8 * w);
    EXPECT_NEAR(end[i], truth, kPath * (1.0 + std::abs(truth))) << i;
  }
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};

Moments moments(const Values& values) {
  Moments result{mean(values), 0.0};
  for (const double value : values) result.variance += std::pow(value - result.mean, 2);
  result.variance /= static_cast<double>(values.size() - 1);
  return result;
}

// So many standard errors: the deviation of a Gaussian's sample mean is sqrt(v/n), that of its
// sample variance v sqrt(2/(n - 1)). By chance one test in 15,000 is this far off, and the noise is
// the same in every run.
constexpr double kErrors = 4.0;

void expect_moments(const Moments& found, const Moments& truth, std::size_t n) {
  const auto count = static_cast<double>(n);
  EXPECT_NEAR(found.mean, truth.mean, kErrors * std::sqrt(truth.variance / count));
  EXPECT_NEAR(found.variance, truth.variance,
              kErrors * truth.variance * std::sqrt(2.0 / (count - 1.0)));
}

TEST(WongZakai, HasTheVarianceOfItsTermsAndWithManyTermsThatOfTheWienerProcess) {
  const std::string wiener =
      "drift: {use: linear, matrix: 0}, diffusion: {use: linear, matrix: 0, bias: 1}, terms: ";
  const std::size_t n = 8000;
  const std::string solver = "{use: dopri5, rtol: 1e-4, atol: 1e-4}";
  for (const std::int64_t terms : {1, 3, 60}) {
    Moments truth;
    for (std::int64_t k = 1; k <= terms; ++k) {
      truth.variance += 2.0 / kEnd / std::pow(frequency(k), 2);  // sin^2 is 1 at the end
    }
    const Values end =
        solved(model_of(wiener + std::to_string(terms), solver), {kRows, 1}, Values(n, 0.0));
    expect_moments(moments(end), truth, n);
    // What is left out of W's variance T is about T 2/(pi^2 K), 0.3 % of it with 60 terms.
    if (terms == 60) {
      EXPECT_NEAR(truth.variance, kEnd, 0.004 * kEnd);
    }
  }
}

TEST(WongZakai, IsAnOrnsteinUhlenbeckProcessOfItsDriftAndDiffusion) {
  // dX = (mu t - theta X) dt + (sigma + phi t) dW: X(T) is Gaussian, with mean x0 e^(-theta T) + mu
  // (T/theta - (1 - e^(-theta T))/theta^2) and variance int (sigma + phi s)^2 e^(-2 theta (T - s)).
  const double mu = 0.2;
  const double theta = 0.5;
  const double sigma = 0.6;
  const double phi = 0.15;
  const double start = 1.5;
  const double decay = std::exp(-theta * kEnd);
  Moments truth{start * decay + mu * (kEnd / theta - (1.0 - decay) / (theta * theta)), 0.0};
  const int steps = 1000;  // of Simpson's rule, exact to rounding here
  for (int i = 0; i <= steps; ++i) {
    const double s = kEnd * i / steps;
    const double weight = (i == 0 || i == steps ? 1.0 : (i % 2 == 1 ? 4.0 : 2.0)) / 3.0;
    truth.variance +=
        weight * kEnd / steps * std::pow(sigma + phi * s, 2) * std::exp(-2.0 * theta * (kEnd - s));
  }
  const std::size_t n = 8000;
  const std::string field =
      "drift: {use: linear, matrix: -0.5, slope: 0.2}, diffusion: {use: linear, matrix: 0, bias: "
      "0.6, slope: 0.15}, terms: 60";
  const Values end = solved(model_of(field, "{use: dopri5, rtol: 1e-4, atol: 1e-4}"), {kRows, 1},
                            Values(n, start));
  expect_moments(moments(end), truth, n);
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
      use: wong_zakai
      drift: {use: mlp, hidden: [6]}
      diffusion: {use: mlp, hidden: [5], activation: softplus}
      terms: 4
    solver: {use: dopri5, rtol: 1e-10, atol: 1e-10}
    gradient: backprop
    divergence: {estimator: exact}
)";

double distance(const Values& a, const Values& b) {
  double sum = 0.0;
  double length = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += std::pow(a[i] - b[i], 2);
    length += std::pow(b[i], 2);
  }
  return std::sqrt(sum / length);
}

/// The derivative of the loss of training step 3 along a direction of the parameters, by
/// differences of fourth order.
double differenced(Assembled& model, const model::Batch& batch, const Values& direction,
                   double by = 1e-3) {
  const Values start = model.parameters;
  const auto loss_at = [&](double step) {
    for (std::size_t i = 0; i < start.size(); ++i) {
      model.parameters[i] = start[i] + step * direction[i];
    }
    return model.train_step(batch, 3).result.loss;
  };
  const double near = loss_at(by) - loss_at(-by);
  const double far = loss_at(2.0 * by) - loss_at(-2.0 * by);
  model.parameters = start;
  return (8.0 * near - far) / (12.0 * by);
}

TEST(WongZakai, HasTheSameNoiseInTheGradientsOfAllMethods) {
  const auto batch = rows_of(normal(8, 2), 2);
  Assembled model(kNets);
  const Values exact = model.train_step(batch, 3).gradient;
  const Values direction = normal(exact.size(), 5);
  double along = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) along += exact[i] * direction[i];
  // The error of differences whose step is 1e-3, and the change of the steps with the parameters.
  EXPECT_NEAR(along, differenced(model, batch, direction), 1e-6 * (1.0 + std::abs(along)));
  for (const char* method :
       {"adjoint", "gauss_legendre", "{use: gauss_legendre, nodes: adaptive}", "interpolated"}) {
    Assembled other(kNets, {std::string("flow.gradient=") + method});
    // Some hundred times the tolerance of the solves.
    EXPECT_LT(distance(other.train_step(batch, 3).gradient, exact), 1e-7) << method;
  }
}

TEST(WongZakai, MovesWithALearnedSpan) {
  const auto batch = rows_of(normal(8, 2), 2);
  for (const char* method : {"backprop", "adjoint"}) {
    Assembled model(kNets, {"flow.learn_span=true", std::string("flow.gradient=") + method});
    const Values gradient = model.train_step(batch, 3).gradient;
    bool found = false;
    for (const model::Entry& entry : model.pipeline.parameters().entries) {
      if (entry.name != "flow.span_root") continue;
      found = true;
      Values direction(gradient.size(), 0.0);
      direction[static_cast<std::size_t>(entry.offset)] = 1.0;
      const double slope = gradient[static_cast<std::size_t>(entry.offset)];
      EXPECT_NEAR(slope, differenced(model, batch, direction), 1e-6 * (1.0 + std::abs(slope)));
    }
    EXPECT_TRUE(found);
  }
}

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
      use: wong_zakai
      drift: {use: mlp, hidden: [6]}
      diffusion: {use: mlp, hidden: [], time: concat}
      terms: 4
      paths: true
    solver: {use: dopri5, rtol: 1e-10, atol: 1e-10}
    gradient: backprop
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

TEST(WongZakai, LearnsFromSeveralPathsAtSeveralTimesByEveryMethod) {
  Assembled model(kPaths);
  const auto batch = read(model.pipeline, 5);
  const Values exact = model.train_step(batch, 3).gradient;
  const Values direction = normal(exact.size(), 5);
  double along = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) along += exact[i] * direction[i];
  // Differences with a step of 1e-4 of a loss in which deviations near zero are divided by.
  EXPECT_NEAR(along, differenced(model, batch, direction, 1e-4), 1e-6 * (1.0 + std::abs(along)));
  for (const char* method : {"adjoint", "gauss_legendre", "interpolated"}) {
    Assembled other(kPaths, {std::string("sde.gradient=") + method});
    EXPECT_LT(distance(other.train_step(batch, 3).gradient, exact), 1e-7) << method;
  }
}

TEST(WongZakai, DrawsNoiseAnewForEveryStepAndEveryEvaluation) {
  const auto batch = rows_of(normal(8, 2), 2);
  Assembled model(kNets);
  const double loss = model.train_step(batch, 3).result.loss;
  EXPECT_EQ(model.train_step(batch, 3).result.loss, loss);
  EXPECT_NE(model.train_step(batch, 4).result.loss, loss);
  const Values nll = model.nll(batch, 3);
  EXPECT_EQ(model.nll(batch, 3), nll);
  EXPECT_NE(model.nll(batch, 4), nll);
  EXPECT_GT(std::abs(mean(nll) - loss), 1e-3);
}

TEST(WongZakai, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto batch = rows_of(normal(1400, 2), 2);  // more rows than one tile of any kind
  Assembled one(kNets, {"device.threads=1", "flow.solver.rtol=1e-4", "flow.solver.atol=1e-4"});
  Assembled two(kNets, {"device.threads=2", "flow.solver.rtol=1e-4", "flow.solver.atol=1e-4"});
  const auto first = one.train_step(batch);
  const auto second = two.train_step(batch);
  EXPECT_EQ(first.result.loss, second.result.loss);
  EXPECT_EQ(first.gradient, second.gradient);
  EXPECT_EQ(one.nll(batch), two.nll(batch));
}

}  // namespace
}  // namespace odeum::model_tests
