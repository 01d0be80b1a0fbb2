// SPDX-License-Identifier: Apache-2.0
// Rows of attempts on the CUDA device: one graph and one wait for each.
#include "solve/rows.hpp"

#include "cuda/device.hpp"

namespace odeum::cuda_tests {
namespace {

using testing::Method;
using testing::OnDevice;
using testing::Values;

/// What a device was asked for in the fifth of equal solves, results read apart.
struct Asked {
  DeviceTraffic traffic;
  SolveReport report;
  Values end;
};

Asked fifth_solve(const std::shared_ptr<Device>& device, Method method,
                  std::int64_t steps_at_once) {
  method.steps_at_once = steps_at_once;
  const Dynamics dynamics = testing::turning();
  const auto setting = testing::setting_of(dynamics, method, device);
  const auto integrator = setting->integrator(dynamics, method.options, {});
  const OnDevice start(*device, {2.0, 0.0, -1.0, 0.5}), end(*device, Values(4, 0.0));
  const Values times = {0.0, 4.0};
  const std::vector<View> initial = {start.view()}, results = {end.view()};
  const SolveCall call{.rows = 2,
                       .times = times,
                       .initial = initial,
                       .constants = {},
                       .results = results,
                       .observer = {}};
  for (int i = 1; i < 5; ++i) integrator->integrate(call);
  const DeviceTraffic before = device->traffic();
  Asked asked;
  asked.report = integrator->integrate(call);
  asked.traffic = device->traffic();
  asked.traffic.launches -= before.launches;
  asked.traffic.replays -= before.replays;
  asked.traffic.synchronizations -= before.synchronizations;
  asked.end = end.values();
  return asked;
}

class CudaRows : public CudaDevice {};

TEST_F(CudaRows, OfAnAdaptiveSolveAreAGraphAndAWaitEach) {
  const Method method{"dopri5", "pi", testing::tolerances(1e-6, 1e-6)};
  const Asked alone = fifth_solve(device_, method, 1);
  const std::int64_t attempts = alone.report.accepted + alone.report.rejected;
  EXPECT_GT(alone.report.rejected, 0);
  // The start's program has a graph of its own, and the first attempt does not wait for it.
  EXPECT_EQ(alone.traffic.synchronizations, attempts);
  EXPECT_EQ(alone.traffic.replays, 1 + attempts);

  const Asked rows = fifth_solve(device_, method, 0);
  const std::int64_t full = (attempts + 7) / 8;
  EXPECT_EQ(rows.traffic.synchronizations, full);
  EXPECT_EQ(rows.traffic.replays, 1 + full);
  EXPECT_EQ(rows.traffic.launches, alone.traffic.launches);

  const Asked whole = fifth_solve(device_, method, attempts);
  EXPECT_EQ(whole.traffic.synchronizations, 1);
  EXPECT_EQ(whole.traffic.replays, 2);

  for (const Asked& each : {rows, whole}) {
    EXPECT_EQ(each.end, alone.end);
    EXPECT_EQ(testing::numbers_of(each.report), testing::numbers_of(alone.report));
  }
}

TEST_F(CudaRows, OfGivenStepsAreTheWholeSolveAsOneGraph) {
  SolveOptions options;
  options.steps = 60;
  const Method method{"rk4", "constant", options};
  const Asked alone = fifth_solve(device_, method, 1);
  EXPECT_EQ(alone.traffic.synchronizations, 1);
  EXPECT_EQ(alone.traffic.replays, 60);
  const Asked whole = fifth_solve(device_, method, 0);
  EXPECT_EQ(whole.traffic.synchronizations, 1);
  EXPECT_EQ(whole.traffic.replays, 1);
  EXPECT_EQ(whole.traffic.launches, alone.traffic.launches);
  EXPECT_EQ(whole.end, alone.end);
  EXPECT_EQ(testing::numbers_of(whole.report), testing::numbers_of(alone.report));
}

TEST_F(CudaRows, GiveTheBitsOfGradientsOfAttemptsOneByOne) {
  const Method method{"dopri5", "pi", testing::tolerances(1e-6, 1e-6)};
  for (const testing::GradientOf& gradient :
       {testing::backprop("residuals"), testing::GradientOf{"adjoint", {}}}) {
    testing::expect_same(testing::gradient_in_rows(gradient, method, 1, device_),
                         testing::gradient_in_rows(gradient, method, 0, device_),
                         testing::name_of(gradient));
  }
}

}  // namespace
}  // namespace odeum::cuda_tests
