// SPDX-License-Identifier: Apache-2.0
// The augmented equation of a field, evaluated by the reference interpreter: divergence by its two
// estimators, and the running costs.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "model/declarations.hpp"
#include "model/ode_dynamics.hpp"
#include "pipeline_of.hpp"
#include "program/interpreter.hpp"

namespace odeum::model_tests {
namespace {

using model::Divergence;

/// Rates of all members at given states, by member.
class Evaluated {
 public:
  Evaluated(const model::OdeTerms& terms, const Shape& state)
      : equation_(model::make_dynamics(terms, state, DType::f64)), state_(state) {
    Recording recording;
    const Tensor t = recording.input("t", Shape{1}, DType::f64);
    State y;
    for (const Member& member : equation_.dynamics.members)
      y.push_back(recording.input(member.name, member.shape, member.dtype));
    std::vector<Tensor> constants;
    for (const InputSpec& constant : equation_.dynamics.constants)
      constants.push_back(recording.input(constant.name, constant.shape, constant.dtype));
    program_ = recording.program(equation_.dynamics.rates(t, y, constants));
  }

  /// Parameters are drawn once, the same for every Evaluated of a field; `probe` is left out where
  /// the equation has none.
  std::vector<Values> operator()(double t, const Values& z, const Values& probe = {}) const {
    const std::int64_t rows = static_cast<std::int64_t>(z.size()) / state_.elements_per_row();
    std::vector<program::Array> inputs{program::Array::of(DType::f64, {1}, {t})};
    for (const Member& member : equation_.dynamics.members)
      inputs.push_back(program::Array::zeros(member.dtype, program::bind(member.shape, rows)));
    inputs[1].values = z;
    for (const InputSpec& constant : equation_.dynamics.constants) {
      auto array = program::Array::zeros(DType::f64, program::bind(constant.shape, rows));
      array.values = constant.name == "probe"
                         ? probe
                         : normal(array.values.size(), model::name_key(constant.name));
      inputs.push_back(std::move(array));
    }
    std::vector<Values> rates;
    for (const program::Array& array : program::interpret(program_, rows, inputs))
      rates.push_back(array.values);
    return rates;
  }

  const model::OdeDynamics& equation() const { return equation_; }

 private:
  model::OdeDynamics equation_;
  Shape state_;
  Program program_;
};

/// The trace of dv/dz by central differences of the velocity, the first member's rate.
double differenced_trace(const Evaluated& velocity, double t, const Values& z) {
  constexpr double kStep = 1e-5;
  double trace = 0.0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    Values ahead = z;
    Values behind = z;
    ahead[i] += kStep;
    behind[i] -= kStep;
    trace += (velocity(t, ahead)[0][i] - velocity(t, behind)[0][i]) / (2.0 * kStep);
  }
  return trace;
}

const char* const kNet = "{use: mlp, hidden: [7, 5], activation: softplus, time: concatsquash}";

TEST(Divergence, ExactIsTheTraceOfTheJacobian) {
  const auto field = field_of(kNet);
  const Shape state{kRows, 3};
  const Evaluated exact({field, Divergence::exact, {}}, state);
  const Evaluated velocity({field, Divergence::none, {}}, state);
  EXPECT_FALSE(exact.equation().uses_probe);
  const Values points = normal(12, 3);
  const Values traces = exact(0.3, points)[1];
  for (std::size_t row = 0; row < 4; ++row) {
    const Values z(points.begin() + 3 * static_cast<std::ptrdiff_t>(row),
                   points.begin() + 3 * static_cast<std::ptrdiff_t>(row + 1));
    // Truncation and rounding of a central difference of step 1e-5 are some 1e-10.
    EXPECT_NEAR(traces[row], differenced_trace(velocity, 0.3, z), 1e-8);
  }
}

TEST(Divergence, ExactCountsAllAxesOfAState) {
  const auto field = field_of(kNet);
  const Shape state{kRows, 2, 3};
  const Evaluated exact({field, Divergence::exact, {}}, state);
  const Evaluated velocity({field, Divergence::none, {}}, state);
  const Values z = normal(6, 4);
  EXPECT_NEAR(exact(0.7, z)[1].front(), differenced_trace(velocity, 0.7, z), 1e-8);
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
  double error_of_mean = 0.0;
};

Moments moments_of(const Values& values) {
  Moments m;
  const auto n = static_cast<double>(values.size());
  m.mean = mean(values);
  for (const double v : values) m.variance += (v - m.mean) * (v - m.mean) / (n - 1.0);
  m.error_of_mean = std::sqrt(m.variance / n);
  return m;
}

Values signs(std::size_t count, std::uint64_t key) {
  Values values = normal(count, key);
  for (double& value : values) value = value < 0.0 ? -1.0 : 1.0;
  return values;
}

constexpr std::size_t kProbes = 40000;

/// The same state on every row, to be met by as many probes.
Values repeated(const Values& z) {
  Values all;
  for (std::size_t i = 0; i < kProbes; ++i) all.insert(all.end(), z.begin(), z.end());
  return all;
}

TEST(Hutchinson, AveragesToTheTraceOfANet) {
  const auto field = field_of(kNet);
  const Shape state{kRows, 3};
  const Values z = normal(3, 5);
  const double truth = Evaluated({field, Divergence::exact, {}}, state)(0.3, z)[1].front();
  const Evaluated estimate({field, Divergence::hutchinson, {}}, state);
  EXPECT_TRUE(estimate.equation().uses_probe);
  for (const Values& probes : {normal(3 * kProbes, 6), signs(3 * kProbes, 7)}) {
    const Moments m = moments_of(estimate(0.3, repeated(z), probes)[1]);
    EXPECT_GT(m.error_of_mean, 0.0);
    EXPECT_NEAR(m.mean, truth, 3.0 * m.error_of_mean);
  }
}

TEST(Hutchinson, HasThePublishedVariance) {
  // Gaussian |A + A^T|_F^2 / 2, Rademacher 2 (|A_s|_F^2 - sum A_ii^2) with A_s = (A + A^T) / 2.
  const auto field = field_of("{use: linear, matrix: [0.7, 1.3, 0.2, -0.4]}");
  const Evaluated estimate({field, Divergence::hutchinson, {}}, Shape{kRows, 2});
  const Values z = repeated({0.5, -0.5});
  const double s = (1.3 + 0.2) / 2.0;
  const double symmetric = 0.49 + 2.0 * s * s + 0.16;  // |A_s|_F^2
  const Moments gaussian = moments_of(estimate(0.0, z, normal(2 * kProbes, 8))[1]);
  const Moments rademacher = moments_of(estimate(0.0, z, signs(2 * kProbes, 9))[1]);
  // The fourth central moment of a quadratic form is at most 15 times the squared variance, so the
  // sample variance is within 3 sqrt(14 / n) = 6 % of the true one.
  EXPECT_NEAR(gaussian.variance / (2.0 * symmetric), 1.0, 0.06);
  EXPECT_NEAR(rademacher.variance / (2.0 * (symmetric - 0.49 - 0.16)), 1.0, 0.06);
  EXPECT_NEAR(gaussian.mean, 0.3, 3.0 * gaussian.error_of_mean);
  EXPECT_NEAR(rademacher.mean, 0.3, 3.0 * rademacher.error_of_mean);
}

TEST(Hutchinson, WithSignsIsExactForADiagonalMatrix) {
  const auto field = field_of("{use: linear, matrix: [0.7, 0, 0, -0.4]}");
  const Evaluated estimate({field, Divergence::hutchinson, {}}, Shape{kRows, 2});
  const Values estimates = estimate(0.0, repeated({0.5, -0.5}), signs(2 * kProbes, 9))[1];
  ASSERT_EQ(estimates.size(), kProbes);
  for (const double value : estimates) ASSERT_NEAR(value, 0.3, 1e-15);
}

TEST(RunningCosts, AreWhatTheirFormulasSay) {
  const auto field = field_of("{use: linear, matrix: [0.7, 1.3, 0.2, -0.4]}");
  const Config root = configuration(
      "objective: likelihood\ndata: moons\nmodel: [{use: ode, field: {use: linear, matrix: [1]}, "
      "regularizers: [kinetic, jacobian]}]\n");
  model::OdeTerms terms{field, Divergence::hutchinson, {}};
  for (const Config& one : root.components("model").front().components("regularizers"))
    terms.running.push_back({one.use(), plugin::registry().create<Regularizer>(one)});
  const Evaluated all(terms, Shape{kRows, 2});
  const auto rates = all(0.0, {2.0, -1.0}, {0.5, 3.0});
  ASSERT_EQ(rates.size(), 4U);
  const double v0 = 0.7 * 2.0 - 1.3;
  const double v1 = 0.2 * 2.0 + 0.4;
  const double w0 = 0.7 * 0.5 + 0.2 * 3.0;  // A^T e
  const double w1 = 1.3 * 0.5 - 0.4 * 3.0;
  EXPECT_NEAR(rates[0][0], v0, 1e-15);
  EXPECT_NEAR(rates[0][1], v1, 1e-15);
  EXPECT_NEAR(rates[1][0], w0 * 0.5 + w1 * 3.0, 1e-14);
  EXPECT_NEAR(rates[2][0], 0.5 * (v0 * v0 + v1 * v1) / 2.0, 1e-14);
  EXPECT_NEAR(rates[3][0], (w0 * w0 + w1 * w1) / 2.0, 1e-14);
}

/// A point of a trajectory of z' = f(t, z) for one component, with its derivatives.
TEST(TrajectoryPoint, DifferentiatesAlongTheTrajectory) {
  // z' = t z^2: z'' = z^2 + 2 t^2 z^3, z''' = 6 t z^3 + 6 t^3 z^4.
  class Squared final : public VectorField {
   public:
    Tensor operator()(Scope&, Tensor t, Tensor z) const override { return t * z * z; }
  };
  Recording recording;
  const Tensor t = recording.input("t", Shape{1}, DType::f64);
  const Tensor z = recording.input("z", Shape{kRows, 1}, DType::f64);
  const Squared field;
  model::NamedScope scope(z, [](const model::Item&) { return Tensor(); });
  model::TrajectoryPoint point(field, scope, t, z, {}, Divergence::none);
  const std::array outputs{point.derivative(3), point.derivative(2), point.derivative(1),
                           point.time_derivative()};
  const std::array inputs{program::Array::of(DType::f64, {1}, {0.5}),
                          program::Array::of(DType::f64, {1, 1}, {3.0})};
  const auto values = program::interpret(recording.program(outputs), 1, inputs);
  EXPECT_NEAR(values[0].values[0], 6.0 * 0.5 * 27.0 + 6.0 * 0.125 * 81.0, 1e-12);
  EXPECT_NEAR(values[1].values[0], 9.0 + 2.0 * 0.25 * 27.0, 1e-12);
  EXPECT_NEAR(values[2].values[0], 0.5 * 9.0, 1e-12);
  EXPECT_NEAR(values[3].values[0], 9.0, 1e-12);
  EXPECT_FALSE(point.used_probe());
}

}  // namespace
}  // namespace odeum::model_tests
