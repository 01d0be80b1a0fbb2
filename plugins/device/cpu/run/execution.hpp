// SPDX-License-Identifier: Apache-2.0
// Execution: a plan with its memory, ready to run.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "odeum/device.hpp"
#include "plan/plan.hpp"
#include "run/memory.hpp"
#include "run/threads.hpp"

namespace odeum::cpu {

class Execution {
 public:
  Execution(Plan plan, std::size_t inputs, const Kernels& kernels, Threads& threads);

  void run(std::int64_t rows, std::span<const View> inputs, std::span<const View> outputs);
  std::size_t scratch_bytes(std::int64_t rows) const;

 private:
  /// What a thread has of its own.
  struct Worker {
    std::vector<std::byte*> slots;
    Memory scratch, tile;
    std::uint64_t seen = 0;  ///< the state of the table that `slots` was copied from
  };
  /// Sizes that follow from the number of rows.
  struct Extents {
    std::int64_t block = 0;  ///< rows taken through a phase at once
    std::int64_t shards = 1;
    std::size_t scratch = 0;
  };

  Extents extents(std::int64_t rows) const;
  void reserve(std::int64_t rows);
  void bind(std::span<const View> inputs, std::span<const View> outputs);
  void point_at_block(std::byte** slots, std::int64_t first_row) const;
  void point_at_shard(std::byte** slots, std::int64_t shard) const;
  Worker& worker(int number);
  Context context(Worker& worker, std::int64_t first_row, std::int64_t rows) const;
  Context main_context(std::int64_t first_row, std::int64_t rows);

  void run_steps(const Phase& phase);
  void run_tiles(const Phase& phase);
  void run_tasks(const Phase& phase);
  void run_piecewise(const Step& step, std::int64_t first_row, std::int64_t rows);
  void clear(const Phase& phase, std::int64_t shards);
  void combine(const Phase& phase);

  Plan plan_;
  std::size_t inputs_;
  const Kernels& kernels_;
  Threads& threads_;
  Memory constants_, fixed_, stored_, accumulators_, products_;
  std::vector<std::byte*> table_;  ///< of the calling thread; workers copy it
  std::uint64_t state_ = 0;        ///< counts changes of `table_`
  std::vector<Worker> workers_;
  std::vector<std::size_t> io_, moving_;  ///< slots of the caller; slots that follow the block
  std::vector<std::byte*> base_;          ///< of slots that follow the block, at row 0
  std::int64_t rows_ = 0, capacity_ = -1;
  Extents now_, reserved_;
  std::vector<double> work_a_row_, work_;  ///< of phases: work(rows) = work_ + rows * work_a_row_
};

}  // namespace odeum::cpu
