// SPDX-License-Identifier: Apache-2.0
// The CUDA device on the stand-ins of driver/: what it asks of the driver, in which order, and what
// becomes of its errors.
#ifdef ODEUM_WITH_CUDA
#include "cuda/device.hpp"

#include <cuda.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "odeum/error.hpp"

namespace odeum {
namespace {

using cuda_tests::Arguments;
using cuda_tests::CudaDevice;
using cuda_tests::driver;
using cuda_tests::Tensors;

/// x [5, 3] through four products with w [3, 3], a kernel each: enough for a graph (narrow rows
/// would be one kernel). Where all entries of x and w are the same, 81 times their fifth power.
Program four_kernels() {
  const std::vector<InputSpec> specs = {{"x", {5, 3}, DType::f64}, {"w", {3, 3}, DType::f64}};
  return optimize(record(specs, [](Arguments in) {
    Tensor y = in[0];
    for (int i = 0; i < 4; ++i) y = linear(y, in[1]);
    return Tensors{y};
  }));
}
/// Of a few thousand, in float64.
constexpr double kRounding = 1e-11;
double wanted(double x) { return 81 * std::pow(x, 5); }

/// A run of a program in memory that it has to itself.
class Prepared {
 public:
  Prepared(Device& device, const Program& program, std::int64_t rows)
      : device_(device), executable_(device.compile(program, {.name = "step", .outputs = {}})) {
    rows_ = rows;
    for (const ValueId id : program.inputs) {
      counts_.push_back(program[id].shape.elements(rows));
      in_.push_back(place(counts_.back()));
    }
    for (const ValueId id : program.outputs)
      out_.push_back(place(program[id].shape.elements(rows)));
  }
  /// With every input x; the last output's first entry.
  void queue(double x) {
    for (std::size_t i = 0; i < in_.size(); ++i) {
      const std::vector<double> values(static_cast<std::size_t>(counts_[i]), x);
      device_.upload(in_[i], values.data(), values.size() * 8);
    }
    executable_->run(rows_, in_, out_);
  }
  double result(double x) {
    queue(x);
    double value = 0;
    device_.download(&value, out_.back(), 8);
    return value;
  }

 private:
  View place(std::int64_t elements) {
    memory_.push_back(device_.allocate(static_cast<std::size_t>(elements) * 8));
    return {memory_.back().get(), 0};
  }
  Device& device_;
  std::unique_ptr<Executable> executable_;
  std::int64_t rows_ = 0;
  std::vector<std::shared_ptr<void>> memory_;
  std::vector<View> in_, out_;
  std::vector<std::int64_t> counts_;
};

TEST_F(CudaDevice, TakesMemoryFromThePoolAndGivesItBackInTheStreamsOrder) {
  device_->synchronize();
  const std::size_t before = driver().memory();
  auto first = device_->allocate(1000);
  auto second = device_->allocate(0);
  EXPECT_EQ(driver().memory(), before + 1064);
  first.reset();
  second.reset();
  EXPECT_EQ(driver().memory(), before);
  EXPECT_EQ(called("cuMemAllocAsync"), 2);
  EXPECT_EQ(called("cuMemFreeAsync"), 2);
  EXPECT_EQ(called("cuStreamSynchronize"), 1) << "memory is given and taken without waiting";
}

TEST_F(CudaDevice, LeavesNothingBehindWhenItIsClosed) {
  const std::size_t memory = driver().memory(), pinned = driver().pinned();
  {
    const auto device = with("");
    Prepared run(*device, four_kernels(), 5);
    for (int i = 0; i < 4; ++i) run.queue(0.5);
    EXPECT_GT(driver().memory(), memory);
    EXPECT_GT(driver().pinned(), pinned);
  }
  EXPECT_EQ(driver().memory(), memory);
  EXPECT_EQ(driver().pinned(), pinned);
  EXPECT_EQ(called("cuGraphExecDestroy"), called("cuGraphInstantiate"));
  EXPECT_EQ(called("cuEventDestroy"), called("cuEventCreate"));
  EXPECT_EQ(called("cuDevicePrimaryCtxRelease"), 1);
}

TEST_F(CudaDevice, RecordsTheSecondRunInTheSameMemoryAndReplaysItFromThenOn) {
  Prepared run(*device_, four_kernels(), 2);
  driver().reset();
  EXPECT_NEAR(run.result(0.25), wanted(0.25), kRounding);
  const int kernels = called("cuLaunchKernel");
  EXPECT_EQ(kernels, 4);
  EXPECT_EQ(called("cuStreamBeginCapture"), 0);

  driver().reset();
  EXPECT_NEAR(run.result(0.5), wanted(0.5), kRounding);
  EXPECT_EQ(called("cuStreamBeginCapture"), 1);
  EXPECT_EQ(called("cuLaunchKernel"), kernels) << "into the graph";
  EXPECT_EQ(called("cuGraphLaunch"), 1);

  driver().reset();
  for (const double x : {0.75, -1.0, 2.0}) EXPECT_NEAR(run.result(x), wanted(x), kRounding);
  EXPECT_EQ(called("cuLaunchKernel"), 0);
  EXPECT_EQ(called("cuGraphLaunch"), 3);
  EXPECT_EQ(device_->traffic().launches, kernels);
  EXPECT_EQ(device_->traffic().replays, 4);
}

TEST_F(CudaDevice, LaunchesOneByOneWithoutGraphs) {
  const auto device = with("graphs: false\n");
  Prepared run(*device, four_kernels(), 2);
  const double first = run.result(0.5);
  EXPECT_EQ(run.result(0.5), first);
  EXPECT_EQ(run.result(0.5), first);
  EXPECT_EQ(called("cuStreamBeginCapture"), 0);
  EXPECT_EQ(device->traffic().replays, 0);
}

TEST_F(CudaDevice, EndsACaptureThatAnErrorCutsShort) {
  Prepared run(*device_, four_kernels(), 2);
  EXPECT_NEAR(run.result(0.5), wanted(0.5), kRounding);
  driver().fail("cuLaunchKernel", 1, CUDA_ERROR_INVALID_VALUE, 0);
  EXPECT_THROW(run.queue(0.5), RunError);
  EXPECT_EQ(called("cuStreamEndCapture"), called("cuStreamBeginCapture"));
  // The stream works, and the next run is recorded.
  EXPECT_NEAR(run.result(0.5), wanted(0.5), kRounding);
  EXPECT_EQ(device_->traffic().replays, 1);
}

TEST_F(CudaDevice, UploadsWithoutWaitingWhateverBecomesOfTheHostsMemory) {
  // More than both halves of the pinned memory: one of them is filled again.
  constexpr std::size_t kCount = (std::size_t{11} << 20U) / 8;
  const auto memory = device_->allocate(kCount * 8);
  std::vector<double> values(kCount);
  for (std::size_t i = 0; i < kCount; ++i) values[i] = static_cast<double>(i);
  device_->upload({memory.get(), 0}, values.data(), kCount * 8);
  EXPECT_EQ(called("cuStreamSynchronize"), 0);
  std::vector<double> found(kCount);
  const std::vector<double> uploaded = values;
  std::fill(values.begin(), values.end(), -1.0);
  device_->download(found.data(), {memory.get(), 0}, kCount * 8);
  EXPECT_EQ(found, uploaded);
}

TEST_F(CudaDevice, ReadsBackIntoPinnedMemoryAndWaitsOnlyWhereItMust) {
  const auto memory = device_->allocate(64);
  const View place{memory.get(), 0};
  const auto readback = device_->readback(16);
  const auto queue = [&](double x) {
    device_->upload(place, &x, 8);
    readback->read(8, place, 8);
    device_->fill_zero(place, 64);  // behind the reading
  };
  const auto second = [&] {
    double value = 0;
    std::memcpy(&value, readback->wait() + 8, 8);
    return value;
  };
  driver().reset();
  queue(1.5);
  EXPECT_EQ(called("cuStreamSynchronize") + called("cuEventSynchronize"), 0);
  EXPECT_EQ(second(), 1.5);
  EXPECT_EQ(called("cuEventSynchronize"), 1);
  EXPECT_EQ(device_->traffic().synchronizations, 1);

  queue(2.5);
  device_->synchronize();
  EXPECT_EQ(second(), 2.5);
  EXPECT_EQ(called("cuEventSynchronize"), 1) << "it was there";
  EXPECT_EQ(device_->traffic().synchronizations, 2);
  EXPECT_EQ(device_->traffic().downloads, 2);
}

TEST_F(CudaDevice, CountsTheUploadsThatWaitForPinnedMemory) {
  constexpr std::size_t kBytes = std::size_t{9} << 20U;  // two halves of 4 MiB, and one again
  const auto memory = device_->allocate(kBytes);
  const std::vector<std::byte> values(kBytes);
  device_->upload({memory.get(), 0}, values.data(), kBytes);
  EXPECT_EQ(device_->traffic().synchronizations, 1);
}

TEST_F(CudaDevice, ThatIsLostSaysSoWhereAReadbackIsAwaited) {
  const auto memory = device_->allocate(64);
  const auto readback = device_->readback(8);
  readback->read(0, {memory.get(), 0}, 8);
  driver().fail("cuEventSynchronize", 0, CUDA_ERROR_ILLEGAL_ADDRESS, 1);
  EXPECT_THROW(readback->wait(), DeviceLost);
}

TEST_F(CudaDevice, SaysHowMuchMemoryThereWasNot) {
  driver().memory_limit(1000000);
  try {
    (void)device_->allocate(2000000);
    ADD_FAILURE() << "memory beyond the limit was given";
  } catch (const RunError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("no memory for 2000000 bytes on a stand-in"), std::string::npos) << text;
    EXPECT_NE(text.find("take smaller batches"), std::string::npos) << text;
    EXPECT_EQ(dynamic_cast<const DeviceLost*>(&error), nullptr) << "memory can come back";
  }
  EXPECT_NE(device_->allocate(64), nullptr);
}

TEST_F(CudaDevice, ThatIsLostSaysSoAtEveryCallAndLetsGoOfItsMemory) {
  auto run = std::make_unique<Prepared>(*device_, four_kernels(), 2);
  for (int i = 0; i < 3; ++i) run->result(0.5);
  driver().fail("cuStreamSynchronize", 0, CUDA_ERROR_ILLEGAL_ADDRESS, 1);
  try {
    device_->synchronize();
    ADD_FAILURE() << "a lost device went on";
  } catch (const DeviceLost& error) {
    EXPECT_NE(std::string(error.what())
                  .find("(CUDA_ERROR_ILLEGAL_ADDRESS); the device stopped "
                        "working: go on from the last checkpoint"),
              std::string::npos)
        << error.what();
  }
  EXPECT_THROW(run->queue(0.5), DeviceLost);
  EXPECT_THROW((void)device_->allocate(64), DeviceLost);
  EXPECT_THROW(device_->synchronize(), DeviceLost);
  // Memory, graphs, modules and the stream go without a word.
  run.reset();
  device_.reset();
}

TEST_F(CudaDevice, ThatIsLostWhileAGraphIsRecordedSaysSo) {
  Prepared run(*device_, four_kernels(), 2);
  run.result(0.5);
  driver().fail("cuLaunchKernel", 2, CUDA_ERROR_LAUNCH_FAILED, 1);
  EXPECT_THROW(run.queue(0.5), DeviceLost);
}

TEST_F(CudaDevice, WorksBesideAnotherCardInTurns) {
  const auto other = with("index: 1\n");
  Prepared here(*device_, four_kernels(), 2), there(*other, four_kernels(), 2);
  for (const double x : {0.25, 0.5, -1.0}) {
    here.queue(x);
    EXPECT_NEAR(there.result(-x), wanted(-x), kRounding);
    EXPECT_NEAR(here.result(x), wanted(x), kRounding);
  }
  EXPECT_EQ(other->traffic().downloads, 3);
  try {
    (void)other->allocate(std::size_t{1} << 40U);
    ADD_FAILURE() << "memory beyond the limit was given";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find(" bytes on another"), std::string::npos)
        << error.what();
  }
}

TEST_F(CudaDevice, SaysHowManyCardsThereAreWhereItsIndexIsTooHigh) {
  EXPECT_EQ(with("index: 2\n")->probe(),
            "there is no graphics card of index 2: the driver finds 2");
}

TEST_F(CudaDevice, BuildsAgainWhatTheDriverRefusedToLoad) {
  driver().fail("cuModuleLoadData", 0, CUDA_ERROR_NO_BINARY_FOR_GPU, 0);
  Prepared run(*device_, four_kernels(), 2);
  EXPECT_THROW(run.queue(0.5), RunError);
  EXPECT_NEAR(run.result(0.5), wanted(0.5), kRounding);
}

}  // namespace
}  // namespace odeum

#else

#include <gtest/gtest.h>

TEST(CudaDevice, IsLeftOutWithoutAToolkit) {
  GTEST_SKIP() << "no CUDA toolkit was found: device/cuda is not built";
}

#endif
