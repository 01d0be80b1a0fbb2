// SPDX-License-Identifier: Apache-2.0
// rosenbrock23: order, stiff problems, quadratures beside the state, gradients, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "differentiation.hpp"
#include "problems.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;

Method rosenbrock(const SolveOptions& options, SaveTimes save = SaveTimes::exact) {
  return {"rosenbrock23", "integral", options, save};
}

SolveOptions in_steps(std::int64_t steps) {
  SolveOptions options;
  options.steps = steps;
  return options;
}

/// log2 of the ratio of errors as steps halve from 2^-6 to 2^-10 of the span, by least squares.
template <class Error>
double measured_order(const Error& error) {
  constexpr int kFrom = 6, kTo = 10;
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (int k = kFrom; k <= kTo; ++k) {
    const double y = std::log2(error(std::int64_t{1} << k));
    n += 1, sx -= k, sy += y, sxx += k * k, sxy -= k * y;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

constexpr double kOrderTolerance = 0.2;  // conformance.md, section 7

/// z' = z^2 cos t, so z = 1 / (1 / z0 - sin t): nonlinear, and the time derivative counts.
Dynamics tangent_like() {
  return dynamics_of(1, [](Tensor t, Tensor z, auto) { return z * z * cos(t); });
}
double tangent_like_at(double t) { return 1.0 / (2.0 - std::sin(t)); }

TEST(Rosenbrock23, ReachesOrderTwoOnANonlinearFieldThatDependsOnTime) {
  const double order = measured_order([](std::int64_t steps) {
    const Solution s =
        solve_problem(tangent_like(), rosenbrock(in_steps(steps)), {0.5}, {0.0, 3.0});
    return std::abs(s.y[0][0] - tangent_like_at(3.0));
  });
  EXPECT_NEAR(order, 2.0, kOrderTolerance);
}

TEST(Rosenbrock23, ReachesOrderTwoOnAVanDerPolOscillator) {
  const Dynamics field = dynamics_of(2, [](Tensor, Tensor z, auto) { return van_der_pol(1.0, z); });
  const Values truth =
      solve_problem(field, {"dopri5", "integral", tolerances(1e-12, 1e-12)}, {2.0, 0.0}, {0.0, 2.0})
          .y[0];
  const double order = measured_order([&](std::int64_t steps) {
    const Values y = solve_problem(field, rosenbrock(in_steps(steps)), {2.0, 0.0}, {0.0, 2.0}).y[0];
    return std::abs(y[0] - truth[0]) + std::abs(y[1] - truth[1]);
  });
  EXPECT_NEAR(order, 2.0, kOrderTolerance);
}

TEST(Rosenbrock23, InterpolatesToOrderTwo) {
  const double order = measured_order([](std::int64_t steps) {
    const double h = 2.0 / static_cast<double>(steps);
    Values times = {0.0};
    for (std::int64_t i = 0; i < steps; ++i) times.push_back((static_cast<double>(i) + 0.4) * h);
    times.push_back(2.0);
    const Solution s = solve_problem(
        tangent_like(), rosenbrock(given_step(h), SaveTimes::interpolated), {0.5}, times);
    double error = 0.0;
    for (std::size_t i = 1; i < times.size(); ++i) {
      error = std::max(error, std::abs(s.y[i - 1][0] - tangent_like_at(times[i])));
    }
    return error;
  });
  EXPECT_NEAR(order, 2.0, kOrderTolerance);
}

TEST(Rosenbrock23, CostsThreeEvaluationsAnAttempt) {
  const Solution s =
      solve_problem(tangent_like(), rosenbrock(tolerances(1e-6, 1e-6)), {0.5}, {0.0, 3.0});
  ASSERT_TRUE(s.report.ok());
  // Two more choose the first step.
  EXPECT_EQ(s.report.evaluations, 2 + 3 * (s.report.accepted + s.report.rejected));
}

class StiffProblem : public ::testing::TestWithParam<StiffCase> {};
INSTANTIATE_TEST_SUITE_P(Rosenbrock23, StiffProblem, ::testing::ValuesIn(stiff_cases()),
                         [](const auto& c) { return c.param.problem.name; });

// Errors against the tolerance of each component. The factor leaves room for what errors of steps
// add up to over the span, and for the relaxation's corners of van der Pol.
TEST_P(StiffProblem, IsSolvedInFewStepsToItsTolerance) {
  const auto& [problem, scale] = GetParam();
  constexpr double kTolerance = 1e-5, kFactor = 100.0;
  SolveOptions options;
  options.rtol = kTolerance;
  options.atol.clear();
  for (const double s : scale) options.atol.push_back(1e-2 * kTolerance * s);
  const Solution s =
      solve_problem(dynamics_of(problem.features, problem.field), rosenbrock(options),
                    problem.initial, {problem.from, problem.to});
  ASSERT_TRUE(s.report.ok()) << s.report.message();
  EXPECT_LT(s.report.accepted, 20000);
  for (std::size_t i = 0; i < problem.truth.size(); ++i) {
    const double allowed = kFactor * (options.atol[i] + kTolerance * std::abs(problem.truth[i]));
    EXPECT_NEAR(s.y[0][i], problem.truth[i], allowed) << "component " << i;
  }
}

/// A fast and a slow component per row, with a log-density and a running cost beside them.
Dynamics with_quadratures() {
  Dynamics d;
  d.members = {{.name = "z", .shape = {kRows, 2}, .dtype = DType::f64},
               {.name = "log_density", .shape = {kRows}, .dtype = DType::f64},
               {.name = "cost",
                .shape = {kRows},
                .dtype = DType::f64,
                .in_error_norm = false,
                .along_absolute_time = true}};
  d.constants = {{"theta", {2}, DType::f64}};
  d.rates = [](Tensor t, const State& y, std::span<const Tensor> c) {
    const Tensor a = column(y[0], 0), b = column(y[0], 1);
    const Tensor fast = slice(c[0], 0, 0, 1), slow = slice(c[0], 0, 1, 2);
    const Tensor drive = cos(t);
    const Tensor f = concat({-fast * (a - drive), slow * a * b});
    const Tensor trace = slow * a - fast;
    return State{f, -reshape(trace, {kRows}), sum_features(square(f))};
  };
  return d;
}

const Values kTheta = {30.0, 0.5};
const Values kRowsOfTwo = {0.2, 1.0, -0.4, 0.8, 1.5, -1.0};

TEST(Rosenbrock23, IntegratesQuadraturesAsTheReferenceDoesForwardsAndBack) {
  for (const Values& times : {Values{0.0, 0.3, 1.0}, Values{0.3, 0.2, 0.15}}) {
    const auto solve = [&](const std::string& solver, double tolerance) {
      return solve_problem(with_quadratures(),
                           {solver, "integral", tolerances(tolerance, tolerance)}, kRowsOfTwo,
                           times, {kTheta}, 3);
    };
    const Solution truth = solve("dopri5", 1e-11), s = solve("rosenbrock23", 1e-7);
    ASSERT_TRUE(s.report.ok()) << s.report.message();
    // The cost is not under control: its error follows the state's, times its size.
    double size = 1.0;
    for (const Values& y : truth.y) {
      for (const double entry : y) size = std::max(size, std::abs(entry));
    }
    for (std::size_t i = 0; i < truth.y.size(); ++i) {
      for (std::size_t j = 0; j < truth.y[i].size(); ++j) {
        EXPECT_NEAR(s.y[i][j], truth.y[i][j], 1e-4 * size) << i << " " << j;
      }
      EXPECT_GT(s.y[i].back(), 0.0) << "a cost is positive in both directions of time";
    }
  }
}

struct Loss {
  Method method;
  Values times = {0.0, 0.4};
  std::vector<Values> initial = {kRowsOfTwo, Values(3, 0.0), Values(3, 0.0)};
  std::vector<Values> constants = {kTheta};
  std::vector<std::vector<Values>> cotangents = {
      {{0.3, -1.0, 0.7, 0.2, -0.5, 1.1}, {0.4, -0.2, 0.9}, {0.01, 0.02, -0.01}}};

  Gradients gradients(const GradientOf& plugin) const {
    return differentiate(plugin, with_quadratures(), method, initial, times, constants, cotangents,
                         3);
  }
  double value() const {
    const Gradients g = gradients({"adjoint", {}});
    double total = 0.0;
    for (std::size_t m = 0; m < 3; ++m) {
      for (std::size_t j = 0; j < g.y[m].size(); ++j) total += cotangents[0][m][j] * g.y[m][j];
    }
    return total;
  }
};

template <class Entry>
double central_difference(const Loss& loss, const Entry& entry) {
  constexpr double kStep = 1e-5;
  Loss up = loss, down = loss;
  entry(up) += kStep;
  entry(down) -= kStep;
  return (up.value() - down.value()) / (2.0 * kStep);
}

TEST(Rosenbrock23, BackpropIsTheDerivativeOfTheStepsTaken) {
  const Loss loss{.method = rosenbrock(in_steps(12))};
  const Gradients g = loss.gradients({"backprop", {}});
  ASSERT_TRUE(g.backward.ok()) << g.backward.message();
  constexpr double kTolerance = 1e-7;  // differences with step 1e-5 of values near one
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(g.constants[0][i],
                central_difference(loss, [i](Loss& l) -> double& { return l.constants[0][i]; }),
                kTolerance);
    EXPECT_NEAR(g.times[i],
                central_difference(loss, [i](Loss& l) -> double& { return l.times[i]; }),
                100.0 * kTolerance);
  }
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(g.initial[0][i],
                central_difference(loss, [i](Loss& l) -> double& { return l.initial[0][i]; }),
                kTolerance);
  }
}

TEST(Rosenbrock23, TheAdjointAgreesWithDifferencesOfATightSolve) {
  // Over this span what decays at rate 30 grows twentyfold on the way back.
  const Loss tight{.method = {"dopri5", "integral", tolerances(1e-11, 1e-11)}, .times = {0.0, 0.1}};
  const Loss loss{.method = rosenbrock(tolerances(1e-7, 1e-7)), .times = tight.times};
  const Gradients g = loss.gradients({"adjoint", {}});
  ASSERT_TRUE(g.backward.ok()) << g.backward.message();
  constexpr double kTolerance = 1e-4;  // a thousand tolerances: both solves are of order two
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(g.constants[0][i],
                central_difference(tight, [i](Loss& l) -> double& { return l.constants[0][i]; }),
                kTolerance);
  }
  EXPECT_NEAR(g.initial[0][3],
              central_difference(tight, [](Loss& l) -> double& { return l.initial[0][3]; }),
              kTolerance);
}

TEST(Rosenbrock23, RefusesRowsThatMixAndNamesTheOperation) {
  const Dynamics mixing = dynamics_of(
      2, [](Tensor, Tensor z, auto) { return z - broadcast(mean_rows(z), Shape(z.shape())); });
  const auto solver = component<Solver>("solver", "rosenbrock23");
  EXPECT_THAT(solver->refusal(mixing), HasSubstr("mix samples"));
  EXPECT_THAT(solver->refusal(mixing), HasSubstr("cvode"));
}

TEST(Rosenbrock23, RefusesAStateAboveItsJacobianLimitAndNotOneAtIt) {
  const Dynamics field = dynamics_of(5, [](Tensor, Tensor z, auto) { return -z; });
  const auto with_limit = [&](std::int64_t limit) {
    return component<Solver>("solver", "rosenbrock23", {{"jacobian_limit", limit}})->refusal(field);
  };
  EXPECT_THAT(with_limit(4), HasSubstr("jacobian_limit = 4"));
  EXPECT_EQ(with_limit(5), "");
}

}  // namespace
}  // namespace odeum::testing
