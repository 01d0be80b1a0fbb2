// SPDX-License-Identifier: Apache-2.0
// The equations that gradient methods integrate keep the stiff part of a dynamics apart, so that
// implicit-explicit solvers have one backward in time, too.
#include <gtest/gtest.h>

#include "flow_problem.hpp"
#include "odeum/adjoint.hpp"

namespace odeum::testing {
namespace {

/// Euler's method by the whole rates, or by both parts.
class Euler final : public Solver {
 public:
  enum class By : std::uint8_t { rates, parts };
  explicit Euler(By by) : by_(by) {}
  int order() const override { return 1; }
  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    StepOutputs out;
    State slope;
    if (by_ == By::rates) {
      slope = rates(in.t, in.y);
    } else {
      const Rates::Parts parts = rates.parts(in.t, in.y);
      for (std::size_t m = 0; m < in.y.size(); ++m) {
        EXPECT_EQ(static_cast<bool>(parts.stiff[m]), !rates.quadrature(m)) << m;
        slope.push_back(parts.stiff[m] ? parts.rest[m] + parts.stiff[m] : parts.rest[m]);
      }
    }
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      const Tensor h = rates.along_absolute_time(m) ? abs(in.h) : in.h;
      out.y.push_back(in.y[m] + h * slope[m]);
    }
    return out;
  }

 private:
  By by_;
};

/// z' = -k z^3 (stiff) + sin(w t) context, with the cost z^2.
Dynamics parted() {
  Dynamics d;
  d.members = {{.name = "z", .shape = {kRows, 1}, .dtype = DType::f64},
               {.name = "cost",
                .shape = {kRows},
                .dtype = DType::f64,
                .in_error_norm = false,
                .along_absolute_time = true}};
  d.constants = {{"k", {1}, DType::f64}, {"w", {1}, DType::f64}};
  d.parts = [](Tensor t, const State& y, std::span<const Tensor> c) {
    Rates::Parts parts;
    parts.rest = {sin(c[1] * time_column(t)) + 0.3 * y[0], sum_features(square(y[0]))};
    parts.stiff = {-c[0] * pow(y[0], 3), Tensor()};
    return parts;
  };
  d.rates = [parts = d.parts](Tensor t, const State& y, std::span<const Tensor> c) {
    const Rates::Parts both = parts(t, y, c);
    return State{both.rest[0] + both.stiff[0], both.rest[1]};
  };
  return d;
}

/// dL/d(z0, k, w) of L = 2 z(1) + 3 cost(1), backwards in time from 1.5.
Values gradient_of(const char* method, Euler::By by) {
  const auto device = test_device();
  SolveOptions options;
  options.steps = 100;
  const auto plugin = component<GradientMethod>("gradient", method);
  const auto solve = plugin->prepare(
      solve::make_setting(parted(), std::make_shared<Euler>(by),
                          component<Controller>("controller", "constant"), options, device),
      {true, true});
  std::vector<OnDevice> storage;
  storage.reserve(20);
  const auto put = [&](double value) {
    storage.emplace_back(*device, Values{value});
    return storage.back().view();
  };
  const std::vector<View> initial = {put(0.8), put(0.0)}, constants = {put(1.7), put(2.0)},
                          results = {put(0.0), put(0.0)}, seeds = {put(2.0), put(3.0)};
  const std::vector<View> targets = {put(0.0), put(0.0), put(0.0), put(0.0)};
  const Values times = {1.5, 1.0};
  const SolveCall call{.rows = 1,
                       .times = times,
                       .initial = initial,
                       .constants = constants,
                       .results = results,
                       .observer = {}};
  EXPECT_TRUE(solve->forward(call).ok());
  EXPECT_TRUE(
      solve->backward(call, seeds, {std::span(targets).first(2), std::span(targets).subspan(2), {}})
          .ok());
  return {storage[8].values()[0], storage[10].values()[0], storage[11].values()[0]};
}

class PartsOfGradient : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Methods, PartsOfGradient,
                         ::testing::Values("adjoint", "gauss_legendre", "interpolated", "forward"),
                         [](const auto& method) { return method.param; });

TEST_P(PartsOfGradient, AddUpToTheWholeEquation) {
  const Values whole = gradient_of(GetParam(), Euler::By::rates);
  const Values parts = gradient_of(GetParam(), Euler::By::parts);
  const Values exact = gradient_of("backprop", Euler::By::rates);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(parts[i], whole[i], 1e-13) << i;
    // Euler's method in steps of 0.005: what is left is its own error.
    EXPECT_NEAR(whole[i], exact[i], 0.02 * std::abs(exact[i])) << i;
  }
}

}  // namespace
}  // namespace odeum::testing
