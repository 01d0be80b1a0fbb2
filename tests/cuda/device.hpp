// SPDX-License-Identifier: Apache-2.0
// The CUDA device as a test meets it: the built plugin on stand-ins for the driver and the
// toolkit's libraries (driver/).
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "odeum/device.hpp"
#include "odeum/program.hpp"
#include "odeum/tensor.hpp"

namespace odeum::cuda_tests {

using Tensors = std::vector<Tensor>;
using Arguments = std::span<const Tensor>;

/// The stand-in driver, opened before the device looks for the real one.
struct Driver {
  void (*reset)();
  const char* (*calls)();
  void (*fail)(const char*, int, int, int);
  std::size_t (*memory)();
  void (*memory_limit)(std::size_t);
  std::size_t (*pinned)();
};
const Driver& driver();

/// A device of the built plugin for each test, on a driver that works.
class CudaDevice : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  /// A device with other settings.
  static std::shared_ptr<Device> with(const std::string& yaml);
  /// How often the driver's function was called since the last `reset`.
  static int called(const std::string& function);
  /// The calls since then, without those that only set the context; one a line.
  static std::string calls();

  std::shared_ptr<Device> device_;
};

}  // namespace odeum::cuda_tests
