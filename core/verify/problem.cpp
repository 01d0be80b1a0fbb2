// SPDX-License-Identifier: Apache-2.0
#include "verify/problem.hpp"

#include <algorithm>
#include <cmath>

#include "odeum/controller.hpp"
#include "solve/setting.hpp"

namespace odeum::verify {
namespace {

constexpr double kGrowth = -0.2;

Dynamics dynamics_of(std::int64_t features, std::function<Tensor(Tensor t, Tensor z)> field) {
  Dynamics dynamics;
  dynamics.members.push_back({.name = "z", .shape = {kRows, features}, .dtype = DType::f64});
  dynamics.rates = [field = std::move(field)](Tensor t, const State& y, std::span<const Tensor>) {
    // Fields see a time of every sample as [rows, 1].
    const Tensor time = t.shape().has_rows() ? reshape(t, {kRows, 1}) : t;
    return State{field(time, y[0])};
  };
  return dynamics;
}

}  // namespace

Problem winding(double to) {
  Problem problem;
  problem.dynamics = dynamics_of(2, [](Tensor t, Tensor z) {
    const auto [x, y] = split<1, 1>(z);
    const Tensor rate = 1.0 + (x * x + y * y) * t;
    return concat({kGrowth * x - rate * y, kGrowth * y + rate * x});
  });
  // The turning that grows with time is the stiff part.
  problem.dynamics.parts = [](Tensor t, const State& z, std::span<const Tensor>) {
    const auto [x, y] = split<1, 1>(z.front());
    const Tensor rate = (x * x + y * y) * cast(t, x.dtype());
    return Rates::Parts{{concat({kGrowth * x - y, kGrowth * y + x})},
                        {concat({-rate * y, rate * x})}};
  };
  problem.initial = {1.0, 0.0};
  problem.to = to;
  problem.truth = winding_at(to);
  return problem;
}

// |z| = exp(kGrowth t), and the angle is the integral of 1 + |z|^2 t.
std::vector<double> winding_at(double t) {
  const double a = 2.0 * kGrowth;
  const double angle = t + (std::exp(a * t) * (a * t - 1.0) + 1.0) / (a * a);
  return {std::exp(kGrowth * t) * std::cos(angle), std::exp(kGrowth * t) * std::sin(angle)};
}

Problem decay_with_cost(double to) {
  Problem problem;
  problem.dynamics = dynamics_of(2, [](Tensor, Tensor z) { return -z; });
  problem.dynamics.members.push_back({.name = "cost",
                                      .shape = {kRows},
                                      .dtype = DType::f64,
                                      .in_error_norm = false,
                                      .along_absolute_time = true});
  problem.dynamics.rates = [](Tensor, const State& y, std::span<const Tensor>) {
    return State{-y[0], sum_features(square(y[0]))};
  };
  problem.initial = {1.0, 2.0};
  problem.to = to;
  problem.truth = {std::exp(-to), 2.0 * std::exp(-to)};
  problem.cost_truth = {2.5 * (1.0 - std::exp(-2.0 * to))};
  return problem;
}

Problem spoiled() {
  Problem problem;
  problem.dynamics = dynamics_of(1, [](Tensor t, Tensor z) {
    const Tensor late = less(full(t, t.shape(), 0.5), t);
    return z + late * sqrt(-1.0 - square(z));
  });
  problem.initial = {1.0};
  return problem;
}

SolveOptions in_steps(std::int64_t steps) {
  SolveOptions options;
  options.steps = steps;
  return options;
}

SolveOptions to_tolerance(double tolerance) {
  SolveOptions options;
  options.rtol = tolerance;
  options.atol = {tolerance};
  return options;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    if (!(difference <= worst)) worst = difference;
    if (std::isnan(worst)) return worst;
  }
  return worst;
}

Solved solve(const Workbench& bench, const Problem& problem, std::shared_ptr<const Solver> solver,
             const std::string& controller, const SolveOptions& options, SaveTimes save,
             const std::vector<double>& times, const std::string& device_yaml) {
  const std::shared_ptr<Device> device = bench.make<Device>(device_yaml);
  const auto setting = solve::make_setting(problem.dynamics, std::move(solver),
                                           bench.make<Controller>(controller), options, device);
  IntegratorRequest request;
  request.save = save;
  const auto integrator = setting->integrator(problem.dynamics, options, request);

  std::vector<std::shared_ptr<void>> memory;
  const auto place = [&](const std::vector<double>& values) {
    memory.push_back(device->allocate(std::max<std::size_t>(64, values.size() * sizeof(double))));
    device->upload({memory.back().get(), 0}, values.data(), values.size() * sizeof(double));
    return View{memory.back().get(), 0};
  };
  std::vector<View> initial;
  std::vector<View> results;
  for (std::size_t m = 0; m < problem.dynamics.members.size(); ++m) {
    const auto count = static_cast<std::size_t>(problem.dynamics.members[m].shape.elements(1));
    initial.push_back(place(m == 0 ? problem.initial : std::vector<double>(count, 0.0)));
  }
  for (std::size_t i = 1; i < times.size(); ++i) {
    results.push_back(place(problem.initial));
    for (std::size_t m = 1; m < problem.dynamics.members.size(); ++m)
      results.push_back(place({0.0}));
  }
  SolveCall call;
  call.rows = 1;
  call.times = times;
  call.initial = initial;
  call.results = results;
  Solved solved;
  solved.report = integrator->integrate(call);
  for (std::size_t i = 1; i < times.size(); ++i) {
    std::vector<double> y(problem.initial.size());
    device->download(y.data(), results[(i - 1) * problem.dynamics.members.size()],
                     y.size() * sizeof(double));
    solved.y.push_back(std::move(y));
  }
  if (problem.dynamics.members.size() > 1) {
    solved.cost.resize(1);
    device->download(solved.cost.data(), results.back(), sizeof(double));
  }
  return solved;
}

}  // namespace odeum::verify
