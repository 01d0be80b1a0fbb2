// SPDX-License-Identifier: Apache-2.0
// The two parts of the augmented equation of a field with a stiff part.
#include <gtest/gtest.h>

#include "model/ode_dynamics.hpp"
#include "pipeline_of.hpp"
#include "program/interpreter.hpp"

namespace odeum::model_tests {
namespace {

TEST(Parts, AddUpToTheRatesWithTheDivergenceInTheRest) {
  const model::OdeDynamics equation =
      model::make_dynamics({.field = field_of("{use: van_der_pol, mu: 10}"),
                            .divergence = model::Divergence::exact,
                            .running = {}},
                           {kRows, 2}, DType::f64);
  const Dynamics& dynamics = equation.dynamics;
  ASSERT_TRUE(dynamics.parts);
  Recording recording;
  const Tensor t = recording.input("t", {1}, DType::f64);
  const State y{recording.input("z", {kRows, 2}, DType::f64),
                recording.input("log_determinant", {kRows}, DType::f64)};
  const State whole = dynamics.rates(t, y, {});
  const Rates::Parts parts = dynamics.parts(t, y, {});
  ASSERT_EQ(parts.stiff.size(), 2U);
  EXPECT_FALSE(parts.stiff[1]);
  const std::vector<Tensor> outputs{whole[0], parts.rest[0] + parts.stiff[0], parts.stiff[0],
                                    parts.rest[1]};
  const auto values =
      program::interpret(recording.program(outputs), 1,
                         std::vector{program::Array::of(DType::f64, {1}, {0.0}),
                                     program::Array::of(DType::f64, {1, 2}, {2.0, 0.5}),
                                     program::Array::of(DType::f64, {1}, {0.0})});
  EXPECT_EQ(values[0].values, (Values{0.5, -17.0}));
  EXPECT_EQ(values[1].values, values[0].values);
  EXPECT_EQ(values[2].values, (Values{0.0, -17.0}));
  EXPECT_EQ(values[3].values, (Values{-30.0}));  // mu (1 - x^2)
}

TEST(Parts, AreNoneWhereTheFieldHasNoStiffPart) {
  const model::OdeDynamics equation = model::make_dynamics(
      {.field = field_of("brusselator"), .divergence = model::Divergence::none, .running = {}},
      {kRows, 2}, DType::f64);
  EXPECT_FALSE(equation.dynamics.parts);
}

}  // namespace
}  // namespace odeum::model_tests
