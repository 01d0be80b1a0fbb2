// SPDX-License-Identifier: Apache-2.0
// Initial value problems with values known to twelve digits (conformance.md, sections 1, 2, 4, 6).
// Accepted: 50 tolerances times the problem's scale for methods of order 4 and more, 500 below and
// for Adams's of order 4, which leave an error of the tolerance in each of their many short steps.
#include <gtest/gtest.h>

#include <cmath>

#include "problems.hpp"

namespace odeum::testing {
namespace {

/// What an error of one tolerance at the start may become: the solution's size times the largest
/// amplification of a small change of the initial state, at least one.
double scale_of(const Case& c) {
  const Method method{"dopri5", "integral", tolerances(1e-9, 1e-9)};
  constexpr double kChange = 1e-5;
  const auto at_end = [&](const Values& initial) {
    return solve_problem(dynamics_of(c.features, c.field), method, initial, {c.from, c.to}).y[0];
  };
  const Values end = at_end(c.initial);
  double size = 1.0, amplification = 1.0;
  for (std::size_t i = 0; i < c.initial.size(); ++i) {
    Values changed = c.initial;
    changed[i] += kChange;
    const Values moved = at_end(changed);
    for (std::size_t j = 0; j < end.size(); ++j) {
      amplification = std::max(amplification, std::abs(moved[j] - end[j]) / kChange);
    }
    size = std::max({size, std::abs(c.initial[i]), std::abs(c.truth[i])});
  }
  return size * amplification;
}

struct Accuracy {
  const char* solver;
  double tolerance;
  double allowed;  ///< tolerances
};

class EveryProblem : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Conformance, EveryProblem, ::testing::ValuesIn(cases()),
                         [](const auto& problem) { return problem.param.name; });

TEST_P(EveryProblem, IsSolvedToItsTolerance) {
  const Case& c = GetParam();
  const double scale = scale_of(c);
  for (const Accuracy& a :
       {Accuracy{"dopri5", 1e-6, 50}, Accuracy{"dopri5", 1e-9, 50}, Accuracy{"tsit5", 1e-6, 50},
        Accuracy{"tsit5", 1e-9, 50}, Accuracy{"bosh3", 1e-6, 500}, Accuracy{"heun", 1e-5, 500},
        Accuracy{"fehlberg45", 1e-6, 50}, Accuracy{"fehlberg45", 1e-9, 50},
        Accuracy{"cash_karp", 1e-6, 50}, Accuracy{"cash_karp", 1e-9, 50},
        Accuracy{"dopri8", 1e-6, 50}, Accuracy{"dopri8", 1e-9, 50}, Accuracy{"vern7", 1e-6, 50},
        Accuracy{"vern7", 1e-9, 50}, Accuracy{"fehlberg32", 1e-6, 500},
        Accuracy{"adaptive_heun", 1e-5, 500}, Accuracy{"adams_bashforth", 1e-6, 500},
        Accuracy{"adams_moulton", 1e-6, 500}}) {
    const Solution s = solve_problem(dynamics_of(c.features, c.field),
                                     {a.solver, "integral", tolerances(a.tolerance, a.tolerance)},
                                     c.initial, {c.from, c.to});
    ASSERT_TRUE(s.report.ok()) << a.solver << ": " << s.report.message();
    double error = 0.0;
    for (std::size_t i = 0; i < c.truth.size(); ++i) {
      error = std::max(error, std::abs(s.y[0][i] - c.truth[i]));
    }
    EXPECT_LE(error, a.allowed * a.tolerance * scale)
        << a.solver << " at " << a.tolerance << ": " << error / a.tolerance << " tolerances, scale "
        << scale << ", " << s.report.evaluations << " evaluations";
  }
}

}  // namespace
}  // namespace odeum::testing
