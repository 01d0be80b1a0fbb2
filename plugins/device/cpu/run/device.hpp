// SPDX-License-Identifier: Apache-2.0
// The CPU device.
#pragma once

#include <memory>

#include "odeum/device.hpp"
#include "odeum/tuning.hpp"
#include "plan/plan.hpp"
#include "run/straight_line.hpp"
#include "run/threads.hpp"
#include "steps/product_table.hpp"

namespace odeum::cpu {

struct Settings {
  int threads = 0;  ///< 0: all cores
  Schedule schedule = Schedule::automatic;
  int instructions = 2;  ///< the widest instruction set (see kernels())
  MachineCodeUse machine_code = MachineCodeUse::wherever_possible;
  ProductTable products = shipped_table();
};

class CpuDevice : public Device, public TunedDevice {
 public:
  explicit CpuDevice(const Settings& settings);

  std::string probe() const override { return {}; }
  bool host_addressable() const override { return true; }
  std::shared_ptr<void> allocate(std::size_t bytes) override;
  void upload(View to, const void* from, std::size_t bytes) override;
  void download(void* to, View from, std::size_t bytes) override;
  void copy(View to, View from, std::size_t bytes) override;
  void fill_zero(View to, std::size_t bytes) override;
  std::unique_ptr<Executable> compile(const Program& program,
                                      const CompileOptions& options) override;
  std::string table() const override;
  std::string tune(const Progress& progress) override;
  void synchronize() override {}  ///< run returns when the outputs are there

 private:
  Settings settings_;
  std::shared_ptr<const Kernels> kernels_;
  std::shared_ptr<Threads> threads_;
};

}  // namespace odeum::cpu
