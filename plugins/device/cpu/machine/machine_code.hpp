// SPDX-License-Identifier: Apache-2.0
// Functions that are written as machine code at run time, and their memory: written first, then
// executed and never written again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/table.hpp"

namespace odeum::cpu {

class VectorCode;

enum class MachineCodeUse : std::uint8_t { never, wherever_possible };

/// Whether the device was built with machine code, for this processor architecture.
bool can_write_machine_code();

class MachineCode {
 public:
  /// Code for the processor that the kernels are for.
  MachineCode(MachineCodeUse use, const Kernels& kernels);
  ~MachineCode();
  MachineCode(const MachineCode&) = delete;
  MachineCode& operator=(const MachineCode&) = delete;

  /// Of the widest vectors that code may use, 32 (AVX2 and FMA) or 64 (AVX-512 F and DQ). 0: there
  /// is no code, because nobody wants it, the kernels are for other instruction sets, or the system
  /// lets no memory become executable.
  int vector_bytes() const { return vector_bytes_; }

  /// The function that `write` writes, which may be called after finish(); null where vector_bytes
  /// is 0 or the function is longer than anything useful. `write` is called again where the memory
  /// at hand was too small.
  template <class Function>
  Function add(const std::function<void(VectorCode&)>& write) {
    return reinterpret_cast<Function>(const_cast<std::uint8_t*>(written(write)));
  }
  /// From here on the code can be executed and no longer changed.
  void finish();

 private:
  struct Block;
  const std::uint8_t* written(const std::function<void(VectorCode&)>& write);
  bool reserve(std::size_t bytes);

  int vector_bytes_ = 0;
  std::vector<std::unique_ptr<Block>> blocks_;
};

}  // namespace odeum::cpu
