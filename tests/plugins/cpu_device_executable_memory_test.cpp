// SPDX-License-Identifier: Apache-2.0
// The memory of machine code: never writable and executable at once, and where the system refuses
// to let it become executable, kernels are called instead.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "plugins/cpu_device_bits.hpp"

namespace {

// Of the calls that make memory executable.
std::atomic<bool> refusing = false;
std::atomic<int> allowed = 0, refused = 0, writable = 0;

}  // namespace

// In the place of the C library's, for everything this process has loaded.
extern "C" [[gnu::visibility("default")]] int mprotect(void* at, std::size_t bytes,
                                                       int protection) noexcept {
  if ((protection & PROT_EXEC) != 0) {
    if ((protection & PROT_WRITE) != 0) ++writable;
    ++(refusing ? refused : allowed);
    if (refusing) {
      errno = EACCES;
      return -1;
    }
  }
  return static_cast<int>(::syscall(SYS_mprotect, at, bytes, protection));
}

namespace odeum {
namespace {

using cpu_device_tests::Bytes;
using cpu_device_tests::cpu;
using device_tests::run;

class CpuDeviceExecutableMemory : public testing::TestWithParam<const char*> {
 protected:
  static Bytes results(bool machine_code) {
    const auto executable = cpu(GetParam(), "automatic", machine_code)->compile(program());
    return run(*executable, program(), 3, cpu_device_tests::special_inputs(program(), 3, 1));
  }
  /// As a group and as straight-line code.
  static const Program& program() {
    static const Program recorded = optimize(
        record(std::vector<InputSpec>{{"x", {kRows, 5}, DType::f64}, {"y", {5}, DType::f64}},
               [](std::span<const Tensor> in) {
                 return std::vector<Tensor>{(in[0] + in[1]) * in[0] - in[1] / in[0]};
               }));
    return recorded;
  }

  void SetUp() override {
    results(true);
    if (allowed == 0) GTEST_SKIP() << "no machine code: not for this processor, or not built in";
    allowed = 0;
    refused = 0;
  }
  void TearDown() override { refusing = false; }
};

TEST_P(CpuDeviceExecutableMemory, IsNeverWritable) {
  results(true);
  EXPECT_GT(allowed, 0);
  EXPECT_EQ(writable, 0);
}

TEST_P(CpuDeviceExecutableMemory, IsNotAskedForWithoutMachineCode) {
  results(false);
  EXPECT_EQ(allowed, 0);
}

TEST_P(CpuDeviceExecutableMemory, IsReplacedByKernelCallsWhereItIsRefused) {
  const Bytes expected = results(false);
  refusing = true;
  const Bytes given = results(true);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(allowed, 0);
  cpu_device_tests::expect_same(program(), given, expected, "refused");
}

INSTANTIATE_TEST_SUITE_P(Plans, CpuDeviceExecutableMemory, testing::Values("rows", "straight"),
                         [](const auto& plan) { return std::string(plan.param); });

}  // namespace
}  // namespace odeum
