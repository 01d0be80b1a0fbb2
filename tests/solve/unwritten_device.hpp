// SPDX-License-Identifier: Apache-2.0
// A device whose fresh memory holds no numbers, so that whoever reads what was not written is seen.
#pragma once

#include <cstring>
#include <memory>

#include "solve/interpreter_device.hpp"

namespace odeum::testing {

class UnwrittenDevice final : public InterpreterDevice {
 public:
  std::shared_ptr<void> allocate(std::size_t bytes) override {
    std::shared_ptr<void> memory = InterpreterDevice::allocate(bytes);
    std::memset(memory.get(), 0xff, bytes);
    return memory;
  }
};

}  // namespace odeum::testing
