// SPDX-License-Identifier: Apache-2.0
// The compiled program of the CPU device: one execution for each set of wanted outputs, made when
// that set is first asked for; and, where a number of rows makes little work, straight-line code
// for that number, made when it is first run.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "odeum/device.hpp"
#include "run/execution.hpp"
#include "run/straight_line.hpp"

namespace odeum::cpu {

class CpuExecutable final : public Executable {
 public:
  CpuExecutable(Program program, CompileOptions options, Schedule schedule,
                MachineCodeUse machine_code, std::shared_ptr<const Kernels> kernels,
                std::shared_ptr<Threads> threads);
  void run(std::int64_t rows, std::span<const View> inputs, std::span<const View> outputs) override;
  std::size_t scratch_bytes(std::int64_t rows) const override;

 private:
  struct Variant {
    std::vector<bool> wanted;
    std::unique_ptr<Execution> execution;
    std::optional<StraightWork> work;
    /// By rows - 1, null where not yet made; none from `many_rows` on.
    std::vector<std::unique_ptr<const StraightLine>> straight;
    std::int64_t many_rows = 0;
  };
  Variant& variant(std::span<const View> outputs);
  Variant& add(std::vector<bool> wanted);
  std::unique_ptr<Execution> planned(const std::vector<bool>& wanted) const;
  const StraightLine* straight(Variant& variant, std::int64_t rows) const;

  Program program_;
  CompileOptions options_;
  Schedule schedule_;
  MachineCodeUse machine_code_;
  std::shared_ptr<const Kernels> kernels_;
  std::shared_ptr<Threads> threads_;
  double most_straight_ = 0;  ///< work that is done by straight-line code
  std::vector<Variant> variants_;
  std::size_t last_ = 0;
};

}  // namespace odeum::cpu
