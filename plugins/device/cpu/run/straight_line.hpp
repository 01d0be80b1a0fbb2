// SPDX-License-Identifier: Apache-2.0
// Straight-line code with its memory, ready to run.
#pragma once

#include <span>
#include <vector>

#include "machine/straight_code.hpp"
#include "odeum/device.hpp"
#include "plan/straight.hpp"
#include "run/memory.hpp"

namespace odeum::cpu {

class StraightLine {
 public:
  StraightLine(const StraightCode& code, const Kernels& kernels, std::size_t inputs,
               MachineCodeUse machine_code);
  void run(std::span<const View> inputs, std::span<const View> outputs) const;

 private:
  struct Transfer {
    ElementKernel kernel;  ///< of inputs
    bool output;           ///< whose view it is; an accumulated output is read as well
    std::size_t position;
    std::byte* at;
    std::size_t n;  ///< elements; of outputs: bytes
  };
  std::vector<StraightCall> resolved(const std::vector<StraightInstruction>& code,
                                     const Kernels& kernels) const;

  Memory arena_;
  std::vector<const void*> pointers_;
  std::vector<Transfer> inputs_, outputs_;
  std::vector<StraightCall> code_;
  MachineCode machine_code_;
  StraightFunction function_ = nullptr;  ///< all of it; null: the lists are gone through
};

}  // namespace odeum::cpu
