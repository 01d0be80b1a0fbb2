// SPDX-License-Identifier: Apache-2.0
// The compiled program of the CPU device: one execution for each set of wanted outputs, made when
// that set is first asked for.
#pragma once

#include <memory>
#include <vector>

#include "odeum/device.hpp"
#include "run/execution.hpp"

namespace odeum::cpu {

class CpuExecutable final : public Executable {
 public:
  CpuExecutable(Program program, CompileOptions options, Schedule schedule, const Kernels& kernels,
                std::shared_ptr<Threads> threads);
  void run(std::int64_t rows, std::span<const View> inputs, std::span<const View> outputs) override;
  std::size_t scratch_bytes(std::int64_t rows) const override;

 private:
  struct Variant {
    std::vector<bool> wanted;
    std::unique_ptr<Execution> execution;
  };
  Execution& variant(std::span<const View> outputs);
  Execution& add(std::vector<bool> wanted);

  Program program_;
  CompileOptions options_;
  Schedule schedule_;
  const Kernels& kernels_;
  std::shared_ptr<Threads> threads_;
  std::vector<Variant> variants_;
  std::size_t last_ = 0;
};

}  // namespace odeum::cpu
