// SPDX-License-Identifier: Apache-2.0
// Gradients through implicit solves: of the steps taken against central differences, of the
// equation against closed forms, with quadratures beside the state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "differentiation.hpp"
#include "stiff_problems.hpp"

namespace odeum::testing {
namespace {

/// A nonlinear stiff relaxation with parameters, in two parts, a log-density and a running cost
/// beside it: z' = p1 sin(t) - p2 z^3 + J z, J with eigenvalues near -50.
Dynamics relaxation() {
  const auto stiff = [](Tensor z, Tensor p) {
    const auto [x, y] = split<1, 1>(z);
    const Tensor strength = slice(p, 0, 2, 3);
    return strength * concat({-50.0 * x + 10.0 * y, 5.0 * x - 40.0 * y - x * y});
  };
  const auto rest = [](Tensor t, Tensor z, Tensor p) {
    return slice(p, 0, 0, 1) * cast(sin(t), z.dtype()) - slice(p, 0, 1, 2) * z * z * z;
  };
  const auto costs = [](Tensor z) {
    const auto [x, y] = split<1, 1>(z);
    return State{sum_features(x * y), 0.5 * sum_features(square(z))};
  };
  Dynamics d;
  d.members = {{.name = "z", .shape = {kRows, 2}, .dtype = DType::f64},
               {.name = "log_density", .shape = {kRows}, .dtype = DType::f64},
               {.name = "cost",
                .shape = {kRows},
                .dtype = DType::f64,
                .in_error_norm = false,
                .along_absolute_time = true}};
  d.constants = {{"p", {3}, DType::f64}};
  d.rates = [=](Tensor t, const State& y, std::span<const Tensor> c) {
    const State q = costs(y[0]);
    return State{rest(t, y[0], c[0]) + stiff(y[0], c[0]), q[0], q[1]};
  };
  d.parts = [=](Tensor t, const State& y, std::span<const Tensor> c) {
    const State q = costs(y[0]);
    return Rates::Parts{{rest(t, y[0], c[0]), q[0], q[1]}, {stiff(y[0], c[0]), {}, {}}};
  };
  return d;
}

constexpr std::int64_t kRowsHere = 2;

struct Problem {
  Values times = {0.1, 0.25, 0.4};
  std::vector<Values> initial = {{0.4, -0.3, 0.1, 0.25}, {0.0, 0.0}, {0.0, 0.0}};
  std::vector<Values> constants = {{1.5, 0.5, 1.0}};
  std::vector<std::vector<Values>> cotangents = {{{1.0, -0.5, 0.3, 2.0}, {0.7, -0.4}, {1.1, 0.6}},
                                                 {{0.2, 1.5, -1.0, 0.4}, {-0.3, 0.9}, {0.5, 1.3}}};

  Gradients gradients(const GradientOf& gradient, const Method& method) const {
    return differentiate(gradient, relaxation(), method, initial, times, constants, cotangents,
                         kRowsHere);
  }
  double loss(const Method& method) const {
    const Solution s = solve_problem(relaxation(), method, initial[0], times, constants, kRowsHere);
    EXPECT_TRUE(s.report.ok()) << s.report.message();
    double total = 0.0;
    for (std::size_t i = 0; i < s.y.size(); ++i) {
      std::size_t at = 0;
      for (const Values& seed : cotangents[i]) {
        for (const double c : seed) total += c * s.y[i][at++];
      }
    }
    return total;
  }
  template <class Entry>
  double central_difference(const Method& method, const Entry& entry) const {
    constexpr double kStep = 1e-5;
    Problem up = *this, down = *this;
    entry(up) += kStep;
    entry(down) -= kStep;
    return (up.loss(method) - down.loss(method)) / (2.0 * kStep);
  }
};

class EveryImplicitGradient : public ::testing::TestWithParam<StatedMethod> {};
INSTANTIATE_TEST_SUITE_P(Solvers, EveryImplicitGradient, ::testing::ValuesIn(implicit_methods()),
                         [](const auto& method) { return method.param.name; });

// Steps of four times the fastest time scale: the discrete solution is far from the equation's, its
// derivative is exact all the same. Differences of step 1e-5 hold eight digits.
TEST_P(EveryImplicitGradient, OfTheStepsTakenIsExactAtAnyStep) {
  constexpr double kTolerance = 1e-8;
  const Problem problem;
  Method coarse{GetParam().name, "constant", tolerances(1e-7, 1e-7)};
  coarse.options.steps = 2;
  Values by_parameter, by_initial, by_time;
  const auto difference = [&](const auto& entry) {
    return problem.central_difference(coarse, entry);
  };
  for (std::size_t i = 0; i < 3; ++i) {
    by_parameter.push_back(difference([&](Problem& p) -> double& { return p.constants[0][i]; }));
    by_time.push_back(difference([&](Problem& p) -> double& { return p.times[i]; }));
  }
  for (std::size_t i = 0; i < 4; ++i) {
    by_initial.push_back(difference([&](Problem& p) -> double& { return p.initial[0][i]; }));
  }
  for (const char* keep : {"steps", "residuals"}) {
    const Gradients g = problem.gradients({"backprop", {{"keep", std::string(keep)}}}, coarse);
    ASSERT_TRUE(g.forward.ok()) << g.forward.message();
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(g.constants[0][i], by_parameter[i], kTolerance) << keep << i;
      // The rate in the layer is some ten times the rest's.
      EXPECT_NEAR(g.times[i], by_time[i], 10.0 * kTolerance) << keep << i;
    }
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(g.initial[0][i], by_initial[i], kTolerance) << keep << i;
    }
  }
}

// Both are the equation's gradient up to the solves' errors.
TEST_P(EveryImplicitGradient, ByTheAdjointEquationAgreesWithBackprop) {
  const double tolerance = GetParam().order == 1 ? 1e-5 : 1e-7;
  const double allowed = GetParam().order == 1 ? 2e-2 : 2e-4;
  const Method method{GetParam().name, "integral", tolerances(tolerance, tolerance)};
  const Problem problem;
  const Gradients exact = problem.gradients({"backprop", {}}, method);
  const Gradients adjoint = problem.gradients({"adjoint", {}}, method);
  ASSERT_TRUE(adjoint.backward.ok()) << adjoint.backward.message();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(adjoint.constants[0][i], exact.constants[0][i], allowed);
    EXPECT_NEAR(adjoint.times[i], exact.times[i], 50.0 * allowed);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(adjoint.initial[0][i], exact.initial[0][i], allowed);
  }
}

// conformance.md, section 5: linear growth, L = z(T)^2.
TEST(ImplicitGradient, OfLinearGrowthIsTheClosedForm) {
  const double a = 0.2, z0 = 10.0, end = 3.0;
  const Dynamics growth = dynamics_of(1, [](Tensor, Tensor z, auto c) { return c[0] * z; },
                                      {{"theta", {1}, DType::f64}});
  const double zt = z0 * std::exp(a * end);
  for (const char* gradient : {"backprop", "adjoint"}) {
    const Gradients g =
        differentiate({gradient, {}}, growth, {"radau5", "integral", tolerances(1e-9, 1e-9)},
                      {{z0}}, {0.0, end}, {{a}}, {{{2.0 * zt}}});
    ASSERT_TRUE(g.backward.ok()) << g.backward.message();
    EXPECT_NEAR(g.initial[0][0] / (2.0 * z0 * std::exp(2.0 * a * end)), 1.0, 1e-8);
    EXPECT_NEAR(g.constants[0][0] / (2.0 * end * zt * zt), 1.0, 1e-8);
    EXPECT_NEAR(g.times[1] / (2.0 * a * zt * zt), 1.0, 1e-8);
    EXPECT_NEAR(g.times[0] / (2.0 * a * zt * zt), -1.0, 1e-8);
  }
}

TEST(ImplicitGradient, RefusesToKeepStagesApart) {
  const auto stages =
      component<GradientMethod>("gradient", "backprop", {{"keep", std::string("stages")}});
  const auto refusal = [&](const char* solver) {
    return stages->refusal(*component<Solver>("solver", solver), {}, relaxation());
  };
  EXPECT_THAT(refusal("kvaerno5"), ::testing::HasSubstr("iterates on the rates"));
  EXPECT_THAT(refusal("kencarp4"), ::testing::HasSubstr("iterates on the rates"));
  EXPECT_EQ(refusal("dopri5"), "");
}

}  // namespace
}  // namespace odeum::testing
