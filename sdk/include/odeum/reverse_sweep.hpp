// SPDX-License-Identifier: Apache-2.0
// ReverseSweep: cotangents carried over the accepted steps of a solve, from the last to the first;
// and the device memory that discrete gradient methods keep steps in. A method says how one step
// is reversed; result cotangents, the derivative of Solver::start and of the times are done here.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "odeum/gradient.hpp"
#include "odeum/reversal.hpp"

namespace odeum::inline v1 {

/// A few arrays behind one another in device memory, for a number of rows that may grow.
class Arrays {
 public:
  Arrays(Device& device, std::vector<ArraySpec> specs);
  void place(std::int64_t rows);
  const std::vector<View>& views() const { return views_; }
  const std::vector<ArraySpec>& specs() const { return specs_; }
  std::size_t bytes(std::size_t i) const { return bytes_of(specs_[i], rows_); }
  void clear();  ///< all to zero

 private:
  Device& device_;
  std::vector<ArraySpec> specs_;
  std::vector<View> views_;
  std::shared_ptr<void> memory_;
  std::int64_t placed_ = -1;
  std::int64_t rows_ = 0;
};

/// More steps than the memory limit holds.
struct MemoryExceeded : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Device memory for records of one size, in blocks that are reused from solve to solve and only
/// ever grow in number.
class RecordMemory {
 public:
  RecordMemory(Device& device, std::vector<ArraySpec> specs);

  /// Before a solve: for this many rows, at most `limit` bytes in all.
  void open(std::int64_t rows, std::size_t limit);
  /// The views of a record. Throws MemoryExceeded where the limit is passed.
  std::span<const View> at(std::size_t record);

  std::size_t bytes_per_record() const { return stride_; }
  std::size_t bytes_per_record(std::int64_t rows) const;

 private:
  Device& device_;
  std::vector<ArraySpec> specs_;
  std::vector<std::shared_ptr<void>> blocks_;
  std::size_t block_stride_ = 0;  ///< what a record of the present blocks has room for
  std::size_t stride_ = 0;
  std::size_t limit_ = 0;
  std::vector<std::vector<View>> views_;
  std::int64_t rows_ = -1;
};

/// An accepted step.
struct TakenStep {
  double t = 0.0;
  double h = 0.0;
  std::size_t interval = 0;  ///< as AcceptedStep::interval
};

/// Whether cotangents go through what steps hand on beside the state. A method that reverses steps
/// as functions of the state alone leaves it out, and Solver::start with it.
enum class Carry : std::uint8_t { differentiated, left_out };

class ReverseSweep {
 public:
  /// `setting` outlives this. Its right-hand side has no jumps: across them a solve is cut, and
  /// each piece has a sweep of its own.
  ReverseSweep(const SolveSetting& setting, std::vector<bool> wanted,
               Carry carry = Carry::differentiated);
  ~ReverseSweep();

  const std::vector<ArraySpec>& carry() const { return start_.carry; }
  const std::vector<TakenStep>& steps() const { return steps_; }

  void open();                             ///< before a forward solve
  void observe(const AcceptedStep& step);  ///< at each of its accepted steps

  /// One step to reverse.
  struct Reversed {
    std::size_t index = 0;
    std::int64_t rows = 0;
    View t, h;                        ///< on the device
    std::span<const View> after;      ///< cotangents at its end: members, carry
    std::span<const View> results;    ///< as a StepReversal's results; null: not wanted
    std::span<const View> constants;  ///< the call's
  };
  /// Reverses one step; cotangents of constants are added to what is there. Returns evaluations.
  using Reverse = std::function<std::int64_t(const Reversed&)>;
  /// DifferentiableSolve::backward, step by step.
  SolveReport run(const SolveCall& call, std::span<const View> result_cotangents,
                  const CotangentTargets& targets, const Reverse& reverse);

  /// Compiles a program with a StepReversal's results for `Reversed::results`: constants'
  /// cotangents are accumulated.
  std::unique_ptr<Executable> compile(const Program& program) const;
  /// Arguments for a StepReversal: members and carry before the step, and extras, from where the
  /// method keeps them; null views stand for what the program does not read.
  std::vector<View> arguments(const StepReversal& reversal, const Reversed& step,
                              std::span<const View> state, std::span<const View> extras) const;

 private:
  void add_result_cotangents(std::int64_t rows, std::size_t interval, std::span<const View> all);
  void add_time_cotangents(const SolveCall& call, const TakenStep& step,
                           std::span<double> times) const;
  std::int64_t reverse_start(const SolveCall& call, const CotangentTargets& targets);
  std::vector<View> constant_targets(const CotangentTargets& targets) const;

  const SolveSetting& setting_;
  std::vector<bool> wanted_;
  StartReversal start_;
  std::unique_ptr<Executable> run_start_;
  std::vector<std::unique_ptr<Executable>> add_;  ///< by member: target += cotangent
  Arrays times_;                                  ///< t, h, and their cotangents
  Arrays cotangents_[2];                          ///< members, carry: before and after a step
  Arrays spare_;                                  ///< for arguments that nothing reads
  int current_ = 0;
  std::vector<TakenStep> steps_;
};

}  // namespace odeum::inline v1
