// SPDX-License-Identifier: Apache-2.0
// How the CPU device's threads take up work: at once, again after a pause, for several callers.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <thread>

#include "device/compare.hpp"
#include "device/programs.hpp"
#include "loaded.hpp"

namespace odeum {
namespace {

using device_tests::random_inputs;
using device_tests::run;
using Bytes = std::vector<std::vector<std::byte>>;

constexpr std::int64_t kSamples = 3000;

std::shared_ptr<Device> cpu(const std::string& yaml) {
  return plugin_tests::make<Device>("cpu", yaml);
}

class CpuDeviceThreads : public testing::Test {
 protected:
  const Program program_ = optimize(device_tests::flow_step(DType::f32, {2, 64, 64, 2}, 2));
  const std::vector<device_tests::Array> inputs_ = random_inputs(program_, kSamples, 41);
  const Bytes alone_ = run(*cpu("threads: 1\n")->compile(program_), program_, kSamples, inputs_);
};

TEST_F(CpuDeviceThreads, TakeUpWorkAtOnceAndAfterAPause) {
  const auto executable = cpu("threads: 3\n")->compile(program_);
  for (const int pause_ms : {0, 0, 5, 0, 20, 0}) {  // longer than they linger
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    EXPECT_EQ(run(*executable, program_, kSamples, inputs_), alone_);
  }
}

TEST_F(CpuDeviceThreads, ServeSeveralCallersAtOnce) {
  const auto device = cpu("threads: 3\n");
  std::array<std::unique_ptr<Executable>, 3> executables;
  std::array<std::vector<Bytes>, 3> results;
  for (auto& executable : executables) executable = device->compile(program_);
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < executables.size(); ++i) {
    callers.emplace_back([&, i] {
      for (int repeat = 0; repeat < 8; ++repeat)
        results[i].push_back(run(*executables[i], program_, kSamples, inputs_));
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const auto& of_one : results) {
    for (const Bytes& result : of_one) EXPECT_EQ(result, alone_);
  }
}

TEST_F(CpuDeviceThreads, EndWithTheirDeviceWhileTheyLinger) {
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto executable = cpu("threads: 4\n")->compile(program_);
    EXPECT_EQ(run(*executable, program_, kSamples, inputs_), alone_);
  }
}

}  // namespace
}  // namespace odeum
