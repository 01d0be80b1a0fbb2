// SPDX-License-Identifier: Apache-2.0
// The parameter integral by quadrature: convergence in the number of nodes, batches, estimates.
#include <gtest/gtest.h>

#include <cmath>

#include "flow_problem.hpp"

namespace odeum::testing {
namespace {

using Keys = std::map<std::string, Config::Value>;

GradientOf gauss(const std::string& nodes, Keys keys = {}) {
  keys["nodes"] = nodes;
  return {"gauss_legendre", keys};
}

Method dopri5(double rtol, double atol) { return {"dopri5", "integral", tolerances(rtol, atol)}; }

double largest_difference(const Values& a, const Values& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

Values linspace(double from, double to, std::size_t count) {
  Values values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = from + (to - from) * static_cast<double>(i) / static_cast<double>(count - 1);
  }
  return values;
}

std::vector<std::vector<Values>> ones(std::size_t times, std::size_t features) {
  return std::vector<std::vector<Values>>(times, {Values(features, 1.0)});
}

// dz/dt = theta sin(k t) z: a z is constant, so the integrand is a multiple of sin(k t), whose
// Gauss rule errs by about (k T / 4)^(2n) / (2n)!.
TEST(GaussLegendre, ConvergesExponentiallyInItsNodesDownToTheDenseOutput) {
  const double theta = 0.7, k = 12.0, end = 2.0;
  const Dynamics swing =
      dynamics_of(1, [k](Tensor t, Tensor z, auto c) { return c[0] * sin(k * time_column(t)) * z; },
                  {{"theta", {1}, DType::f64}});
  const Method method = dopri5(1e-11, 1e-11);
  const double zt = std::exp(theta * (1.0 - std::cos(k * end)) / k);
  const double truth = zt * (1.0 - std::cos(k * end)) / k;
  const auto error = [&](int nodes, double evaluations) {
    const GradientOf published = gauss("published", {{"density", (nodes - 0.5) / evaluations}});
    const Gradients g =
        differentiate(published, swing, method, {{1.0}}, {0.0, end}, {{theta}}, {{{1.0}}});
    EXPECT_TRUE(g.backward.ok());
    return std::abs(g.constants[0][0] - truth);
  };
  const Gradients first =
      differentiate(gauss("published"), swing, method, {{1.0}}, {0.0, end}, {{theta}}, {{{1.0}}});
  const auto evaluations = static_cast<double>(first.forward.evaluations);
  const double at8 = error(8, evaluations);
  const double at11 = error(11, evaluations);
  const double at14 = error(14, evaluations);
  EXPECT_GT(at8, 1e-3);
  EXPECT_LT(at11, at8 / 50.0);
  EXPECT_LT(at14, at11 / 50.0);
  // The quartic dense output at this tolerance holds eight digits; more nodes add none.
  constexpr double kFloor = 2e-8;
  EXPECT_LT(error(20, evaluations), kFloor);
  EXPECT_LT(error(40, evaluations), kFloor);
}

// gauss-legendre toy problem: dz/dt = a z, L = z(T)^2. The integrand a z is constant: one node.
TEST(GaussLegendre, NeedsOneNodeWhereTheIntegrandIsConstant) {
  const Dynamics growth =
      dynamics_of(1, [](Tensor, Tensor z, auto c) { return c[0] * z; }, {{"a", {1}, DType::f64}});
  const double a = 0.2, z0 = 10.0, end = 19.0;
  const double zt = z0 * std::exp(a * end);
  const Gradients g = differentiate(gauss("published", {{"density", 1e-9}}), growth,
                                    dopri5(1e-9, 1e-9), {{z0}}, {0.0, end}, {{a}}, {{{2.0 * zt}}});
  EXPECT_NEAR(g.constants[0][0] / (2.0 * end * zt * zt), 1.0, 1e-7);
  EXPECT_NEAR(g.initial[0][0] / (2.0 * zt * zt / z0), 1.0, 1e-7);
  EXPECT_NEAR(g.times[1] / (2.0 * a * zt * zt), 1.0, 1e-7);
}

// The gradient tests of the method's authors, with their settings and their tolerances (t from 1 to
// 8, ten times, rtol 1e-9, atol 1e-12, C = 0.2), against the derivative of the steps taken.
TEST(GaussLegendre, PassesItsAuthorsTestOnAConstantField) {
  const Dynamics field = dynamics_of(
      1,
      [](Tensor t, Tensor z, auto c) { return c[0] + pow(z - (c[0] * time_column(t) + c[1]), 5); },
      {{"a", {1}, DType::f64}, {"b", {1}, DType::f64}});
  const Values times = linspace(1.0, 8.0, 10);
  const std::vector<Values> constants = {{0.2}, {3.0}};
  const Method method = dopri5(1e-9, 1e-12);
  const auto run = [&](const GradientOf& g) {
    return differentiate(g, field, method, {{3.2}}, times, constants, ones(9, 1));
  };
  const Gradients direct = run(backprop("steps"));
  const Gradients quadrature = run(gauss("published", {{"density", 0.2}}));
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(quadrature.constants[c][0], direct.constants[c][0], 1e-12);
  }
  EXPECT_NEAR(quadrature.initial[0][0], direct.initial[0][0], 1e-12);
}

TEST(GaussLegendre, PassesItsAuthorsTestOnALinearField) {
  constexpr std::int64_t n = 10;
  const Dynamics field = dynamics_of(n, [](Tensor, Tensor z, auto c) { return linear(z, c[0]); },
                                     {{"a", {n, n}, DType::f64}});
  Values a(n * n, 0.0), start(n);
  for (std::size_t i = 0; i < n; ++i) {
    start[i] = std::cos(static_cast<double>(i));
    for (std::size_t j = 0; j < i; ++j) {
      a[i * n + j] = 0.3 * std::sin(static_cast<double>(3 * i + 7 * j));
      a[j * n + i] = -a[i * n + j];
    }
  }
  const Method method = dopri5(1e-9, 1e-12);
  const auto run = [&](const GradientOf& g) {
    return differentiate(g, field, method, {start}, linspace(1.0, 8.0, 10), {a}, ones(9, n));
  };
  const Gradients direct = run(backprop("steps"));
  const Gradients quadrature = run(gauss("published", {{"density", 0.2}}));
  EXPECT_LT(largest_difference(quadrature.constants[0], direct.constants[0]), 1e-5);
  EXPECT_LT(largest_difference(quadrature.initial[0], direct.initial[0]), 1e-5);
  EXPECT_LT(largest_difference(quadrature.times, direct.times), 1e-5);
}

TEST(GaussLegendre, PassesItsAuthorsTestOnASineField) {
  const Dynamics field = dynamics_of(1, [](Tensor t, Tensor z, auto) {
    const Tensor s = time_column(t);
    return 2.0 * z / s + pow(s, 4) * sin(2.0 * s) - pow(s, 2) + 4.0 * pow(s, 3);
  });
  const Method method = dopri5(1e-9, 1e-12);
  const auto run = [&](const GradientOf& g) {
    return differentiate(g, field, method, {{1.5}}, linspace(1.0, 8.0, 10), {}, ones(9, 1));
  };
  const Gradients direct = run(backprop("steps"));
  const Gradients quadrature = run(gauss("published", {{"density", 0.2}}));
  EXPECT_NEAR(quadrature.initial[0][0], direct.initial[0][0], 5e-3);
  // dL/dt reaches 1e4 here.
  EXPECT_LT(largest_difference(quadrature.times, direct.times), 5e-3);
}

TEST(GaussLegendre, PassesItsAuthorsTestOnTheSpiral) {
  const Dynamics spiral =
      dynamics_of(2, [](Tensor, Tensor z, auto c) { return dot("ri,io->ro", z * z * z, c[0]); },
                  {{"a", {2, 2}, DType::f64}});
  const Method method = dopri5(1e-7, 1e-9);
  const Values a = {-0.1, 2.0, -2.0, -0.1};
  const auto run = [&](const GradientOf& g, const Method& m) {
    return differentiate(g, spiral, m, {{2.0, 0.0}}, linspace(0.0, 25.0, 10), {a}, ones(9, 2));
  };
  const Gradients truth = run(backprop("steps"), dopri5(1e-12, 1e-12));
  for (const GradientOf& method_of_nodes :
       {gauss("published", {{"density", 0.2}}), gauss("steps"), gauss("adaptive")}) {
    const Gradients g = run(method_of_nodes, method);
    EXPECT_LT(largest_difference(g.initial[0], truth.initial[0]), 3e-4);
    EXPECT_LT(largest_difference(g.times, truth.times), 1e-4);
    EXPECT_LT(largest_difference(g.constants[0], truth.constants[0]), 2e-3);
  }
}

TEST(GaussLegendre, GivesBatchedNodesTheGradientOfNodesOneByOne) {
  const FlowProblem problem;
  const Method method = dopri5(1e-5, 1e-5);
  for (const char* nodes : {"steps", "published", "adaptive"}) {
    const Gradients together = problem.gradients(gauss(nodes), method);
    const Gradients alone = problem.gradients(gauss(nodes, {{"memory", 1e-9}}), method);
    ASSERT_TRUE(together.backward.ok() && alone.backward.ok());
    EXPECT_EQ(together.backward.evaluations, alone.backward.evaluations);
    // Sums of some 40 products in another order.
    for (std::size_t c = 0; c < 2; ++c) {
      EXPECT_LT(largest_difference(together.constants[c], alone.constants[c]), 1e-13) << nodes;
    }
  }
}

TEST(GaussLegendre, CountsEachNodeAsAnEvaluation) {
  const FlowProblem problem;
  const Gradients g =
      problem.gradients(gauss("steps", {{"panel", std::int64_t{1}}, {"surplus", std::int64_t{2}}}),
                        dopri5(1e-6, 1e-6));
  // Two to start each interval, six an attempt, three derivatives by times.
  const std::int64_t solves = 2 * 2 + 6 * (g.backward.accepted + g.backward.rejected) + 3;
  EXPECT_EQ(g.backward.evaluations, solves + 3 * g.forward.accepted);
}

/// A net of 2-16-2 whose weights are as initialised (uniform within 1/sqrt(fan in)), or times a
/// gain.
struct Net {
  static constexpr std::int64_t kWidth = 16;
  static constexpr std::size_t kSize = 2 * 2 * kWidth + kWidth;
  Dynamics dynamics =
      dynamics_of(2,
                  [](Tensor t, Tensor z, auto c) {
                    const auto parts = split(c[0], {2 * kWidth, kWidth, 2 * kWidth}, 0);
                    const Tensor hidden =
                        tanh(linear(z, reshape(parts[0], {kWidth, 2})) + parts[1] * time_column(t));
                    return linear(hidden, reshape(parts[2], {2, kWidth}));
                  },
                  {{"weights", {static_cast<std::int64_t>(kSize)}, DType::f64}});
  Values weights;

  explicit Net(double gain) {
    std::uint32_t state = 12345;
    for (std::size_t i = 0; i < kSize; ++i) {
      state = state * 1664525U + 1013904223U;
      const double uniform = 2.0 * (state / 4294967296.0) - 1.0;
      weights.push_back(gain * uniform / std::sqrt(i < 3 * kWidth ? 2.0 : kWidth));
    }
  }
  Gradients gradients(const GradientOf& method, double rtol, std::int64_t rows = 4) const {
    return differentiate(method, dynamics, dopri5(rtol, rtol),
                         {{1.0, 0.0, -1.0, 0.5, 0.3, 0.2, -0.4, -1.2}}, {0.0, 1.0}, {weights},
                         {{{1.0, 0.3, -0.2, 1.0, 0.4, -1.0, 0.8, 0.1}}}, rows);
  }
};

double relative_error(const Values& a, const Values& truth) {
  double error = 0.0, size = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error += (a[i] - truth[i]) * (a[i] - truth[i]);
    size += truth[i] * truth[i];
  }
  return std::sqrt(error / size);
}

TEST(GaussLegendre, MeetsTheErrorThatItsNestedRuleIsAskedFor) {
  for (const double gain : {1.0, 4.0}) {
    const Net net(gain);
    const Values truth = net.gradients(backprop("steps"), 1e-12).constants[0];
    std::int64_t last = 0;
    for (const double tolerance : {1e-2, 1e-4, 1e-7}) {
      for (const std::int64_t rule : {7, 15, 21}) {
        const Gradients g =
            net.gradients(gauss("adaptive", {{"tolerance", tolerance}, {"rule", rule}}), 1e-10);
        ASSERT_TRUE(g.backward.ok());
        // The integral over |integrand| is at most a few times the gradient here.
        EXPECT_LT(relative_error(g.constants[0], truth), 3.0 * tolerance) << gain << " " << rule;
        if (rule != 7) continue;
        EXPECT_GE(g.backward.evaluations, last) << "fewer nodes for a smaller error";
        last = g.backward.evaluations;
      }
    }
  }
}

TEST(GaussLegendre, IsLimitedByAFixedNumberOfNodesWhereAnEstimateIsNot) {
  const Net net(4.0);
  const Values truth = net.gradients(backprop("steps"), 1e-12).constants[0];
  const auto error = [&](const GradientOf& g) {
    return relative_error(net.gradients(g, 1e-6).constants[0], truth);
  };
  const double two_nodes = error(gauss("published", {{"density", 0.02}}));
  EXPECT_GT(two_nodes, 1e-3);
  EXPECT_LT(error(gauss("adaptive")), 1e-4);
  EXPECT_LT(error(gauss("steps")), 1e-4);
}

TEST(GaussLegendre, SplitsTheIntegralWhereTheRightHandSideJumps) {
  const double jump = 0.37, theta = 0.8, other = 0.3;
  const Dynamics field =
      dynamics_of(1,
                  [jump](Tensor t, Tensor z, auto c) {
                    const Tensor s = time_column(t);
                    return select(less(s, full(s, {1}, jump)), c[0] + 0.0 * s, c[1] + 0.0 * s) * z;
                  },
                  {{"theta", {1}, DType::f64}, {"other", {1}, DType::f64}});
  Method method = dopri5(1e-9, 1e-9);
  const double zt = std::exp(theta * jump + other * (1.0 - jump));
  const auto gradient = [&] {
    return differentiate(gauss("published", {{"density", 0.02}}), field, method, {{1.0}},
                         {0.0, 1.0}, {{theta}, {other}}, {{{1.0}}})
        .constants;
  };
  EXPECT_GT(std::abs(gradient()[0][0] - zt * jump), 1e-3);
  method.options.jump_times = {jump};
  EXPECT_NEAR(gradient()[0][0], zt * jump, 1e-6);
  EXPECT_NEAR(gradient()[1][0], zt * (1.0 - jump), 1e-6);
}

std::string refusal(const GradientOf& gradient, const Dynamics& dynamics) {
  const auto plugin = component<GradientMethod>("gradient", gradient.plugin, gradient.keys);
  return plugin->refusal(*component<Solver>("solver", "dopri5"), {}, dynamics);
}

TEST(GaussLegendre, RefusesDynamicsThatOneBatchOfNodesWouldChange) {
  const Dynamics mixing = dynamics_of(1, [](Tensor, Tensor z, auto) { return z - mean_rows(z); });
  EXPECT_NE(refusal(gauss("steps"), mixing).find("broadcast"), std::string::npos)
      << refusal(gauss("steps"), mixing);
  const Dynamics counting =
      dynamics_of(1, [](Tensor, Tensor z, auto) { return z / row_count(z, DType::f64); });
  EXPECT_NE(refusal(gauss("steps"), counting).find("how many rows"), std::string::npos);
  EXPECT_EQ(refusal(gauss("steps"), regularized_flow()), "");
}

TEST(GaussLegendre, RefusesAKeyThatItsNodesDoNotLookAt) {
  EXPECT_THROW(component<GradientMethod>("gradient", "gauss_legendre",
                                         gauss("steps", {{"density", 0.1}}).keys),
               ConfigError);
  EXPECT_THROW(component<GradientMethod>("gradient", "gauss_legendre",
                                         gauss("adaptive", {{"rule", std::int64_t{9}}}).keys),
               ConfigError);
}

}  // namespace
}  // namespace odeum::testing
