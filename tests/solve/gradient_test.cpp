// SPDX-License-Identifier: Apache-2.0
// Gradients of solves against closed forms, central differences and each other.
#include <gtest/gtest.h>

#include <cmath>

#include "differentiation.hpp"

namespace odeum::testing {
namespace {

GradientOf backprop(const std::string& keep) { return {"backprop", {{"keep", keep}}}; }

GradientOf adjoint(const std::string& norm) { return {"adjoint", {{"norm", norm}}}; }

class EveryGradient : public ::testing::TestWithParam<GradientOf> {};

std::vector<GradientOf> gradients() {
  return {backprop("steps"), backprop("stages"), backprop("residuals"), adjoint("full"),
          adjoint("state_and_adjoint"), adjoint("state")};
}

INSTANTIATE_TEST_SUITE_P(
    Methods, EveryGradient, ::testing::ValuesIn(gradients()), [](const auto& method) {
      std::string name = method.param.plugin;
      for (const auto& [key, value] : method.param.keys) name += "_" + std::get<std::string>(value);
      return name;
    });

// conformance.md, section 5: dz/dt = a z, L = z(T)^2.
TEST_P(EveryGradient, OfLinearGrowthIsTheClosedForm) {
  const double a = 0.2, z0 = 10.0, end = 3.0;
  const Dynamics growth =
      dynamics_of(1, [](Tensor, Tensor z, auto c) { return c[0] * z; }, {{"a", {1}, DType::f64}});
  const Method tight{"dopri5", "integral", tolerances(1e-10, 1e-10)};
  const double zt = z0 * std::exp(a * end);
  const Gradients g = differentiate(GetParam(), growth, tight, {{z0}}, {0.0, end}, {{a}},
                                    {{{2.0 * zt}}});
  ASSERT_TRUE(g.forward.ok()) << g.forward.message();
  EXPECT_NEAR(g.y[0][0], zt, 1e-8 * zt);
  EXPECT_NEAR(g.initial[0][0] / (2.0 * z0 * std::exp(2.0 * a * end)), 1.0, 1e-8);
  EXPECT_NEAR(g.constants[0][0] / (2.0 * end * zt * zt), 1.0, 1e-8);
  EXPECT_NEAR(g.times[1] / (2.0 * a * zt * zt), 1.0, 1e-8);
  EXPECT_NEAR(g.times[0] / (2.0 * a * zt * zt), -1.0, 1e-8);
}

}  // namespace
}  // namespace odeum::testing
