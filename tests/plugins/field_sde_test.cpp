// SPDX-License-Identifier: Apache-2.0
// The field sde: which increment of its path it takes at which time, as WienerIncrements says.
// tests/model/sde_test.cpp solves it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "loaded.hpp"
#include "odeum/field.hpp"
#include "odeum/increments.hpp"
#include "tape.hpp"

namespace odeum::plugin_tests {
namespace {

using testing::HasSubstr;
using Values = std::vector<double>;
constexpr double kRounding = 1e-13;

/// dx = (3 + 2 t - x) dt + (0.5 + 4 t + 7 x) dW in five increments.
const std::string kEquation =
    "drift: {use: linear, matrix: -1, bias: 3, slope: 2}\n"
    "diffusion: {use: linear, matrix: 7, bias: 0.5, slope: 4}\n"
    "calculus: ito\nincrements: 5\n";
const Values kDraws = {0.3, -1.2, 0.7, 2.1, -0.4};

/// The rate at x = 0.3 at these times in the span from 1 to 11, a row each.
Values rates(const Values& t, const Values& span = {1.0, 11.0}) {
  Tape tape(static_cast<std::int64_t>(t.size()));
  Values draws;
  for (std::size_t i = 0; i < t.size(); ++i) {
    draws.insert(draws.end(), kDraws.begin(), kDraws.end());
  }
  tape.given = {{"increments", draws}, {"span", span}};
  const auto field = make<VectorField>("sde", kEquation);
  const Tensor x = tape.input("x", {kRows, 1}, Values(t.size(), 0.3));
  const Tensor time = t.size() == 1 ? tape.input("t", {1}, t) : tape.input("t", {kRows, 1}, t);
  const Values result = tape.evaluate((*field)(tape.scope(), time, x));
  EXPECT_EQ(tape.item("increments").kind, model::Item::Kind::noise);
  EXPECT_EQ(tape.item("increments").distribution, Distribution::normal);
  EXPECT_EQ(tape.item("increments").shape, (Shape{kRows, 1, 5}));
  return result;
}

double expected(double t, double draw) {
  return 3.0 + 2.0 * t - 0.3 + (0.5 + 4.0 * t + 7.0 * 0.3) * draw / std::sqrt(2.0);
}

TEST(Sde, TakesTheIncrementOfThePieceThatTheTimeLiesIn) {
  const Values t{1.0, 2.9, 3.0, 4.5, 9.0, 10.5, 11.0};
  const std::vector<std::size_t> piece{0, 0, 1, 1, 4, 4, 4};
  const Values found = rates(t);
  for (std::size_t i = 0; i < t.size(); ++i) {
    EXPECT_NEAR(found[i], expected(t[i], kDraws[piece[i]]), 1e2 * kRounding) << t[i];
  }
  EXPECT_NEAR(rates({4.5}).front(), expected(4.5, kDraws[1]), 1e2 * kRounding);
}

TEST(Sde, TakesAJointFromBelowForATimeJustBeforeIt) {
  const double before = 5.0 - 2.0 * kBeforeJoint;
  for (const double rounding : {-1e-3, 0.0, 1e-3}) {
    EXPECT_NEAR(rates({before + rounding}).front(), expected(5.0, kDraws[1]), 1e2 * kRounding);
    const double above = 5.0 + rounding;  // a joint's own rounding
    EXPECT_NEAR(rates({above}).front(), expected(above, kDraws[2]), 1e2 * kRounding);
  }
}

TEST(Sde, HasTheSamePathInASolveBackwards) {
  const Values t{1.0, 2.9, 4.5, 8.5};
  EXPECT_EQ(rates(t), rates(t, {11.0, 1.0}));
}

TEST(Sde, SaysItsIncrementsAndItsCalculus) {
  const auto field = make<VectorField>("sde", kEquation);
  const auto* path = dynamic_cast<const WienerIncrements*>(field.get());
  ASSERT_NE(path, nullptr);
  EXPECT_EQ(path->increments(), 5);
  EXPECT_EQ(path->calculus(), Calculus::ito);
  EXPECT_THAT(config_error([] { make<VectorField>("sde", "increments: 5\n"); }),
              HasSubstr("calculus"));
}

}  // namespace
}  // namespace odeum::plugin_tests
