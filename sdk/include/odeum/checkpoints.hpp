// SPDX-License-Identifier: Apache-2.0
// Checkpoints of a solve: as many states at the beginnings of steps as memory holds; those between
// are computed again, as few as can be (A. Griewank, A. Walther, Algorithm 799: revolve, ACM
// Trans. Math. Softw. 26 (2000); Evaluating Derivatives (2008), chapter 12).
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "odeum/reverse_sweep.hpp"

namespace odeum::inline v1 {

/// Of `steps` steps to be reversed, the first's beginning at hand and `free` more records: after
/// how many the next checkpoint lies, so that as few steps as possible are taken again. At least 1,
/// less than `steps`, for steps > 1 and free > 0.
std::int64_t steps_to_checkpoint(std::int64_t steps, std::int64_t free);

struct CheckpointPolicy {
  std::size_t memory = std::numeric_limits<std::size_t>::max();  ///< bytes; two records at least
  std::int64_t every = 1;  ///< every n-th step's beginning is kept, or fewer where memory is short
};

/// How many steps there are is not known before a solve has ended: its checkpoints are equally
/// spaced, and whenever memory is full every second one is given up. The backward pass then places
/// what has become free binomially.
class StepCheckpoints {
 public:
  /// Keeps what `reversal` reads of members and carry, and what it takes to compute them again.
  /// Both outlive this.
  StepCheckpoints(const SolveSetting& setting, const ReverseSweep& sweep,
                  const StepReversal& reversal);
  ~StepCheckpoints();

  void open(std::int64_t rows, const CheckpointPolicy& policy);  ///< before a forward solve
  void observe(const AcceptedStep& step);
  /// Members and carry at the beginning of step `index`; null where neither is read. From call to
  /// call the index falls by one, from the last step's.
  std::span<const View> at(std::size_t index, std::span<const View> constants);

  std::int64_t evaluations() const { return evaluations_; }  ///< made again since `open`
  std::size_t kept_bytes() const;                            ///< of all records, at their most
  std::size_t bytes_per_record(std::int64_t rows) const { return memory_.bytes_per_record(rows); }

 private:
  struct Held {
    std::size_t step;
    std::size_t record;
  };
  void compile();
  void thin_out();
  std::optional<std::size_t> take_record();
  std::span<const View> expanded(std::span<const View> packed);
  void advance(std::size_t from, std::size_t steps, std::span<const View> begin,
               std::span<const View> end, std::span<const View> constants);

  const SolveSetting& setting_;
  const ReverseSweep& sweep_;
  std::vector<bool> needed_;  ///< by member, then carry
  std::vector<ArraySpec> specs_;
  RecordMemory memory_;
  CheckpointPolicy policy_;
  std::size_t records_ = 0;  ///< that memory holds
  std::size_t most_ = 0;     ///< held at once
  std::size_t stride_ = 1;
  std::vector<Held> held_;  ///< ascending in steps
  std::vector<std::size_t> free_;

  std::unique_ptr<Executable> run_step_;
  std::int64_t evaluations_of_step_ = 0, evaluations_ = 0;
  Arrays scalars_, work_[2], spare_;
  std::vector<View> expanded_;
  std::int64_t rows_ = 0;
};

}  // namespace odeum::inline v1
