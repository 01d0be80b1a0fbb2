// SPDX-License-Identifier: Apache-2.0
// A plan: a program as steps over slots, by phases, with the memory that they need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "machine/machine_code.hpp"
#include "odeum/device.hpp"
#include "plan/slots.hpp"
#include "steps/step.hpp"

namespace odeum::cpu {

/// How a phase over rows is run.
///
/// - rows:  threads take fixed tiles of rows through all steps; for small parameters
/// - tasks: steps one after another, each cut into fixed pieces; for wide nets
/// - straight: no phases, one list of kernel calls on one thread (plan/straight.hpp); for programs
///   of some hundred numbers. A program that has no such form is planned as by `automatic`.
enum class Schedule : std::uint8_t { automatic, rows, tasks, straight };

/// The sum (or maximum) of shards' accumulators, in order, into the result.
struct Combination {
  int accumulator = -1, result = -1;  ///< slots
  bool maximum = false;
};

struct Phase {
  bool rows = false;
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<Combination> combinations;
};

struct Plan {
  Schedule schedule = Schedule::rows;  ///< chosen from shapes alone
  std::int64_t tile_rows = 64;         ///< rows plan; a multiple of 16 but for images
  bool images = false;                 ///< convolutions: rows are large, and taken few at a time
  std::unique_ptr<MachineCode> code;   ///< of the groups; outlives the steps
  std::vector<Phase> phases;           ///< without rows, over rows, without, ...
  std::vector<Slot> slots;
  std::vector<std::byte> constants;  ///< to be copied to aligned memory
  std::size_t fixed_bytes = 0, accumulator_bytes = 0, product_bytes = 0;
  std::size_t stored_row_bytes = 0, tile_row_bytes = 0;
};

/// Plans the part of an optimised program that the wanted outputs need.
Plan make_plan(const Program& program, const CompileOptions& options,
               const std::vector<bool>& wanted, Schedule schedule, const Kernels& kernels,
               MachineCodeUse machine_code);

}  // namespace odeum::cpu
