// SPDX-License-Identifier: Apache-2.0
#include "machine/machine_code.hpp"
#include "odeum/config.hpp"
#include "odeum/plugin.hpp"
#include "odeum/schema.hpp"
#include "run/device.hpp"

namespace odeum::cpu {
namespace {

Schedule schedule_named(const std::string& name) {
  if (name == "rows") return Schedule::rows;
  if (name == "tasks") return Schedule::tasks;
  return name == "straight" ? Schedule::straight : Schedule::automatic;
}
int limit_named(const std::string& name) {
  if (name == "generic") return 0;
  return name == "avx2" ? 1 : 2;
}

std::string machine_code_meaning() {
  std::string meaning =
      "write programs of some hundred numbers and fused elementwise operations as machine code, "
      "where the processor is an x86-64 with AVX2 and the system lets memory become executable, "
      "and call kernels elsewhere; false: call kernels everywhere, for a profiler; results are the "
      "same bits";
  if (!can_write_machine_code())
    meaning += "; this build is without machine code (it takes libxbyak-dev, on x86-64)";
  return meaning;
}

class Cpu final : public CpuDevice {
 public:
  static Schema schema() {
    return Schema(
               "The processor: vector kernels, matrix products and threads; results do not depend "
               "on the number of threads")
        .integer("threads", 0, "threads to use; 0: one for each core")
        .at_least(0)
        .text("plan", "automatic",
              "rows: threads take tiles of rows through the whole program; tasks: each operation "
              "is cut over the threads; straight: one list of calls on one thread, where a program "
              "is small enough; automatic chooses by the sizes of the program and its weights")
        .choices({"automatic", "rows", "tasks", "straight"})
        .text("instructions", "automatic",
              "widest vector instructions to use; fewer than the processor has make results "
              "comparable with those of another")
        .choices({"automatic", "generic", "avx2", "avx512"})
        .flag("machine_code", true, machine_code_meaning())
        .path("table",
              "which kernel takes which matrix product: a file that `odeum tune` wrote; left out: "
              "the table that comes with the device. It decides last bits, so a training is "
              "resumed with the same one")
        .optional();
  }
  explicit Cpu(const Config& config)
      : CpuDevice({.threads = static_cast<int>(config.integer("threads")),
                   .schedule = schedule_named(config.text("plan")),
                   .instructions = limit_named(config.text("instructions")),
                   .machine_code = config.flag("machine_code") ? MachineCodeUse::wherever_possible
                                                               : MachineCodeUse::never,
                   .products = config.has("table") ? read_product_table(config.path("table"))
                                                   : shipped_table()}) {}
};

}  // namespace

ODEUM_PLUGIN(device, "cpu", Cpu, "1.0.0", "The processor: vector kernels and threads")

}  // namespace odeum::cpu
