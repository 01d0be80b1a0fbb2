// SPDX-License-Identifier: Apache-2.0
// What a device of generated kernels counts of the work that it is given.
#include <gtest/gtest.h>

#include "kernelgen/opencl.hpp"

namespace odeum {
namespace {

TEST(DeviceTraffic, CountsLaunchesTransfersAndTheTimesThatTheHostWaits) {
  const opencl_tests::Opened opened = opencl_tests::open();
  if (!opened.device) GTEST_SKIP() << opened.missing;
  Device& device = *opened.device;
  EXPECT_EQ(device.traffic().launches, 0) << "before the device was opened";

  const std::vector<InputSpec> specs = {{"x", {kRows, 3}, DType::f64}};
  // A kernel for the elements, one that adds up pieces of what it wrote, one for the pieces.
  const Program program = optimize(record(specs, [](std::span<const Tensor> in) {
    const Tensor y = exp(in[0]);
    return std::vector<Tensor>{y, sum_rows(y)};
  }));
  const auto executable = device.compile(program, {.name = "three kernels", .outputs = {}});
  const auto x = device.allocate(48), y = device.allocate(48), z = device.allocate(24);
  const std::vector<double> values(6, 0.5);
  device.upload({x.get(), 0}, values.data(), 48);
  device.upload({x.get(), 0}, values.data(), 0);
  executable->run(2, std::vector<View>{{x.get(), 0}},
                  std::vector<View>{{y.get(), 0}, {z.get(), 0}});
  std::vector<double> sums(3);
  device.download(sums.data(), {z.get(), 0}, 24);
  device.synchronize();

  const DeviceTraffic traffic = device.traffic();
  EXPECT_EQ(traffic.launches + traffic.replays, 3);
  EXPECT_EQ(traffic.uploads, 1) << "nothing to write is no transfer";
  EXPECT_EQ(traffic.downloads, 1);
  EXPECT_EQ(traffic.synchronizations, 2) << "a download waits too";
}

TEST(DeviceTraffic, CountsAReadbackAsAWaitOnlyWhereTheHostWaits) {
  const opencl_tests::Opened opened = opencl_tests::open();
  if (!opened.device) GTEST_SKIP() << opened.missing;
  Device& device = *opened.device;
  const auto memory = device.allocate(64);
  const View place{memory.get(), 0};
  device.fill_zero(place, 64);
  const auto readback = device.readback(64);
  readback->read(0, place, 32);
  readback->read(32, place, 32);
  EXPECT_EQ(device.traffic().downloads, 2);
  EXPECT_EQ(device.traffic().synchronizations, 0);
  device.synchronize();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(readback->wait()[63], std::byte{0});
  EXPECT_EQ(device.traffic().synchronizations, 1) << "it was there";
}

}  // namespace
}  // namespace odeum
