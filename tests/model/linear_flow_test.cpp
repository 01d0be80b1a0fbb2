// SPDX-License-Identifier: Apache-2.0
// Flows of x' = A x, whose densities, log-determinants and costs have closed forms
// (shared conformance problems for densities; every formula is written out where it is used).
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

constexpr double kLog2Pi = 1.8378770664093454835606594728;

/// A flow of one `ode` block named "flow" of a field, over [0, 1], float64, dopri5 at 1e-10.
std::string flow(const std::string& data, const std::string& field, const std::string& more = "") {
  return "seed: 5\nprecision: float64\nobjective: likelihood\ndata: " + data +
         "\nmodel:\n"
         "  - use: ode\n"
         "    name: flow\n"
         "    field: " +
         field +
         "\n"
         "    solver: {use: dopri5, rtol: 1e-10, atol: 1e-10}\n" +
         (more.find("divergence") == std::string::npos ? "    divergence: {estimator: exact}\n"
                                                       : "") +
         more;
}

/// e^{At} of A = [[a, c], [0, b]], row by row: not normal, so that A and its transpose differ.
std::array<double, 4> exponential(double a, double b, double c, double t) {
  const double ea = std::exp(a * t);
  const double eb = std::exp(b * t);
  return {ea, c * (ea - eb) / (a - b), 0.0, eb};
}

/// -ln p(x) for a base N(0, I) that x' = A x reaches from x after time T: x has the precision
/// matrix P = e^{A^T T} e^{A T}, whose log-determinant is 2 T tr A.
double linear_nll(const std::array<double, 4>& flow, double log_determinant, double x, double y) {
  const double p00 = flow[0] * flow[0] + flow[2] * flow[2];
  const double p01 = flow[0] * flow[1] + flow[2] * flow[3];
  const double p11 = flow[1] * flow[1] + flow[3] * flow[3];
  const double quadratic = p00 * x * x + 2.0 * p01 * x * y + p11 * y * y;
  return 0.5 * quadratic + kLog2Pi - log_determinant;
}

TEST(LinearFlow, HasTheDensityOfTheGaussianThatItMakes) {
  const double a = 0.7;
  const double b = -0.4;
  const double c = 1.3;
  Assembled model(flow("moons", "{use: linear, matrix: [0.7, 1.3, 0, -0.4]}"));
  const Values points = {0.3, -1.1, 2.0, 0.5, -0.7, -0.2, 0.0, 1.5};
  const Values nll = model.nll(rows_of(points, 2));
  const auto map = exponential(a, b, c, 1.0);
  for (std::size_t i = 0; i < nll.size(); ++i) {
    // Errors of z at the tolerance 1e-10 enter times |z|, which is below 10 here.
    EXPECT_NEAR(nll[i], linear_nll(map, a + b, points[2 * i], points[2 * i + 1]), 1e-8);
  }
}

TEST(LinearFlow, HasTheScalarDensityOverALongerSpan) {
  // x' = a x over [0, T]: ln p(x) = ln N(x e^{aT}; 0, 1) + a T.
  const DataOfWidth data(1);
  Assembled model(flow(data.yaml(), "{use: linear, matrix: [-0.8]}", "    span: [0.5, 2.5]\n"));
  const Values nll = model.nll(rows_of({-2.0, 0.1, 3.0}, 1));
  const std::array points{-2.0, 0.1, 3.0};
  for (std::size_t i = 0; i < nll.size(); ++i) {
    const double z = points[i] * std::exp(-0.8 * 2.0);
    EXPECT_NEAR(nll[i], 0.5 * z * z + 0.5 * kLog2Pi + 0.8 * 2.0, 1e-9);
  }
}

TEST(LinearFlow, HasTheInverseDensityWhenTimeRunsBack) {
  const DataOfWidth data(1);
  Assembled model(flow(data.yaml(), "{use: linear, matrix: [0.8]}", "    span: [1, 0]\n"));
  const double nll = model.nll(rows_of({1.7}, 1)).front();
  const double z = 1.7 * std::exp(-0.8);
  EXPECT_NEAR(nll, 0.5 * z * z + 0.5 * kLog2Pi + 0.8, 1e-9);
}

// At x = 0 the flow stays at 0, so that the NLL is ln 2 pi - ln det.
double log_determinant_at_zero(Assembled& model) {
  return kLog2Pi - model.nll(rows_of({0.0, 0.0}, 2)).front();
}

class EverySolver : public testing::TestWithParam<const char*> {};

TEST_P(EverySolver, IntegratesTheConstantTraceExactly) {
  // ln det = T tr A whatever the step, as every consistent method integrates constants exactly:
  // three steps of T / 3, and rounding of a few sums.
  Assembled model(
      flow("moons", "{use: linear, matrix: [0.7, 1.3, 0.2, -0.4]}", "    span: [0, 3]\n"),
      {std::string("flow.solver={use: ") + GetParam() + ", steps: 3}"});
  EXPECT_NEAR(log_determinant_at_zero(model), 3.0 * 0.3, 1e-14);
}

INSTANTIATE_TEST_SUITE_P(Flow, EverySolver,
                         testing::Values("euler", "midpoint", "heun", "rk4", "kutta38", "bosh3",
                                         "dopri5", "tsit5"),
                         [](const auto& one) { return std::string(one.param); });

TEST(LinearFlow, AccumulatesTheLogDeterminantInFloat64EvenForFloat32States) {
  // 1,000 steps of 1e-3: summed up in float32 the error would be some 1e-5; the trace 0.3 itself is
  // a float32 here, wrong by up to 1e-8.
  Assembled model(flow("moons", "{use: linear, matrix: [0.7, 1.3, 0.2, -0.4]}"),
                  {"precision=float32", "flow.solver={use: euler, steps: 1000}"});
  EXPECT_NEAR(log_determinant_at_zero(model), 0.3, 1e-7);
}

TEST(LinearFlow, PaysTheKineticEnergyOfItsPath) {
  // int_0^1 (a x)^2 / 2 dt = a x0^2 (e^{2a} - 1) / 4; the batch's cost is the mean over its rows.
  const double a = 0.6;
  const DataOfWidth data(1);
  Assembled model(flow(data.yaml(), "{use: linear, matrix: [0.6]}",
                       "    regularizers: [{use: kinetic, weight: 0.5}]\n"));
  const auto step = model.train_step(rows_of({1.0, -2.0, 0.5}, 1)).result;
  const double mean_square = (1.0 + 4.0 + 0.25) / 3.0;
  const double cost = a * mean_square * (std::exp(2.0 * a) - 1.0) / 4.0;
  // Costs are outside the error norm, of the order of its tolerance all the same.
  EXPECT_NEAR(step.costs.at("flow.kinetic"), cost, 1e-9);
  EXPECT_NEAR(step.loss, step.metrics.at("nll") + 0.5 * cost, 1e-9);
}

TEST(LinearFlow, PaysAPositiveEnergyWhenTimeRunsBack) {
  // From 1 to 0: x(t) = x0 e^{a (t - 1)}, and int (a x)^2 / 2 |dt| = a x0^2 (1 - e^{-2a}) / 4.
  const double a = 0.6;
  const DataOfWidth data(1);
  Assembled model(flow(data.yaml(), "{use: linear, matrix: [0.6]}",
                       "    span: [1, 0]\n    regularizers: [kinetic]\n"));
  const auto step = model.train_step(rows_of({2.0}, 1)).result;
  EXPECT_NEAR(step.costs.at("flow.kinetic"), a * 4.0 * (1.0 - std::exp(-2.0 * a)) / 4.0, 1e-9);
}

TEST(LinearFlow, EstimatesTheFrobeniusNormWithItsProbe) {
  // E |A^T e|^2 / D = |A|_F^2 / D, with the variance 2 tr((A A^T)^2) / D^2 of a Gaussian's square.
  const double a = 0.7;
  const double b = -0.4;
  const double c = 1.3;
  Assembled model(flow("moons", "{use: linear, matrix: [0.7, 1.3, 0, -0.4]}",
                       "    regularizers: [jacobian]\n"));
  constexpr std::size_t kSamples = 20000;
  const auto step = model.train_step(rows_of(Values(2 * kSamples, 0.0), 2)).result;
  const double m00 = a * a + c * c;
  const double m01 = c * b;
  const double m11 = b * b;
  const double variance = 2.0 * (m00 * m00 + 2.0 * m01 * m01 + m11 * m11) / 4.0;
  EXPECT_NEAR(step.costs.at("flow.jacobian"), (m00 + m11) / 2.0,
              3.0 * std::sqrt(variance / static_cast<double>(kSamples)));
}

TEST(ZeroLastLayer, MakesATranslationWithTheFewestEvaluations) {
  for (const char* estimator : {"exact", "hutchinson"}) {
    Assembled model(flow("moons", "{use: mlp, hidden: [16, 16], zero_last: true}",
                         std::string("    divergence: {estimator: ") + estimator + "}\n"),
                    {"flow.solver={use: dopri5, rtol: 1e-5, atol: 1e-5}"});
    const Values points = {0.3, -1.1, 2.0, 0.5};
    const auto result = model.evaluate(rows_of(points, 2));
    // The field is its last bias: no error, so each step is ten times the last one, and three
    // from Hairer's first guess, which is above 1e-2, reach the end.
    EXPECT_EQ(result.evaluations.rejected, 0);
    EXPECT_LE(result.evaluations.accepted, 3);
    EXPECT_EQ(result.evaluations.forward, 2 + 6 * result.evaluations.accepted);

    Values bias;
    for (const model::Entry& entry : model.pipeline.parameters().entries) {
      if (entry.name != "flow.field.layer2.bias") continue;
      const auto begin = model.parameters.begin() + static_cast<std::ptrdiff_t>(entry.offset);
      bias.assign(begin, begin + 2);
    }
    ASSERT_EQ(bias.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      const double x = points[2 * i] + bias[0];
      const double y = points[2 * i + 1] + bias[1];
      EXPECT_NEAR(result.metrics.at("nll")[i], 0.5 * (x * x + y * y) + kLog2Pi, 1e-12);
    }
  }
}

TEST(LearnedSpan, StartsAtTheGivenEnd) {
  // s = sqrt(end - start): the same density as with the span fixed at [0.5, 2.5].
  const DataOfWidth data(1);
  const std::string span = "    span: [0.5, 2.5]\n";
  Assembled fixed(flow(data.yaml(), "{use: linear, matrix: [-0.8]}", span));
  Assembled learned(
      flow(data.yaml(), "{use: linear, matrix: [-0.8]}", span + "    learn_span: true\n"));
  const auto rows = rows_of({-2.0, 0.1, 3.0}, 1);
  const Values expected = fixed.nll(rows);
  const Values found = learned.nll(rows);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(found[i], expected[i], 1e-9);

  // d/ds of 0.5 x^2 e^{2 a s^2} - a s^2 at s^2 = T: 2 s a (x^2 e^{2 a T} - 1).
  const double a = -0.8;
  const double s = std::sqrt(2.0);
  const auto step = learned.train_step(rows_of({3.0}, 1));
  EXPECT_NEAR(step.gradient.front(), 2.0 * s * a * (9.0 * std::exp(4.0 * a) - 1.0), 1e-7);
}

}  // namespace
}  // namespace odeum::model_tests
