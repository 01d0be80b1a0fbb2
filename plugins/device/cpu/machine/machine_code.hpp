// SPDX-License-Identifier: Apache-2.0
// Memory for the machine code of one plan: written first, then executed and never written again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace odeum::cpu {

/// A loop over n elements, a multiple of what kernels take at once, of the buffers in `at`.
using Loop = void (*)(void** at, std::size_t n);

class MachineCode {
 public:
  MachineCode() = default;
  ~MachineCode();
  MachineCode(const MachineCode&) = delete;
  MachineCode& operator=(const MachineCode&) = delete;

  /// Appends a function, which may be called after finish(); null where no more fits or the system
  /// lets no memory become executable.
  Loop add(const std::vector<std::uint8_t>& function);
  /// From here on the code can be executed and no longer changed.
  void finish();

 private:
  void reserve();

  std::uint8_t* memory_ = nullptr;
  std::size_t used_ = 0;
  bool refused_ = false;
};

}  // namespace odeum::cpu
