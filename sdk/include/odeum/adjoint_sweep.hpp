// SPDX-License-Identifier: Apache-2.0
// What adjoint methods share: the states of a forward solve kept at its times, and the walk from
// the last time to the first, one interval after the other, that gathers the results' cotangents
// and the derivatives by the times. How an interval is crossed is the method's own.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "odeum/adjoint.hpp"
#include "odeum/gradient.hpp"

namespace odeum::inline v1 {

/// Device memory that only grows.
class DeviceBuffer {
 public:
  /// At least this many bytes; what was in them is lost where it had to grow.
  View reserve(Device& device, std::size_t bytes);

 private:
  std::shared_ptr<void> memory_;
  std::size_t capacity_ = 0;
};

/// Bytes that a value starts on a multiple of, so that several lie behind one another.
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

std::size_t bytes_of(const Shape& shape, DType dtype, std::int64_t rows);

/// target += value, for values of one shape.
std::unique_ptr<Executable> compile_addition(const SolveSetting& setting, const Shape& shape,
                                             DType dtype);

/// Adds the counts of `part` to `total`, whose outcome becomes that of `part`.
void count(SolveReport& total, const SolveReport& part);

/// The derivative by a time: <rates, cotangents> there, summed over rows. Used from one thread;
/// `setting` and `equation` must outlive it.
class TimeCotangent {
 public:
  TimeCotangent(const SolveSetting& setting, const AdjointEquation& equation);

  /// Makes room for the call's rows and notes its direction in time.
  void open(const SolveCall& call);
  /// 1 or -1 in float64, [1].
  View direction() const { return direction_; }
  /// Zeros shaped as a member.
  View zeros(std::size_t member) const { return zero_views_[member]; }
  /// `states` in the equation's order; a null cotangent is zero. One evaluation of the dynamics.
  double at(double t, const SolveCall& call, std::span<const View> states,
            std::span<const View> cotangents);

 private:
  const SolveSetting& setting_;
  const AdjointEquation& equation_;
  std::unique_ptr<Executable> run_;
  DeviceBuffer scalars_;
  std::vector<DeviceBuffer> zeros_;  ///< by member
  std::vector<View> zero_views_;
  View t_, direction_, result_;
};

/// Used from one thread. `setting` and `equation` must outlive it.
class AdjointSweep {
 public:
  AdjointSweep(const SolveSetting& setting, const AdjointEquation& equation);

  /// Solves with `integrator`, an integrator of the setting's dynamics, and keeps the states at the
  /// call's times.
  SolveReport forward(Integrator& integrator, const SolveCall& call);

  /// Crosses from times[time] to times[time - 1], which differ: takes the states' cotangents and
  /// the parameters' from one end to the other, in place.
  using Interval = std::function<SolveReport(std::size_t time)>;
  /// DifferentiableSolve::backward. Parameters' cotangents are delivered where the equation
  /// integrates them; otherwise `interval` sees to them.
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets, const Interval& interval);

  /// State number `state` of the equation at times[time], time > 0, as the forward solve found it.
  View state(std::size_t time, std::size_t state) const;
  /// By forward member, while `backward` runs.
  std::span<const View> cotangents() const { return cotangent_views_; }
  View direction() const { return time_.direction(); }

  /// The equation's members at times[time], to start an interval from.
  std::vector<View> members(std::size_t time) const;
  /// Where an interval's end goes: nowhere for the states, in place for the rest.
  std::vector<View> results() const;
  /// The equation's constants, without a record.
  std::vector<View> constants(const SolveCall& call) const;

  std::size_t kept_bytes() const { return kept_bytes_; }
  /// Of a solve of so many rows and results.
  std::size_t kept_bytes(std::int64_t rows, std::int64_t results) const;

 private:
  void clear(std::int64_t rows);
  void add_result_cotangents(const SolveCall& call, std::size_t time, std::span<const View> all);
  std::vector<View> states_at(const SolveCall& call, std::size_t time) const;
  void deliver(const SolveCall& call, const CotangentTargets& targets);
  std::size_t bytes(std::size_t member, std::int64_t rows) const;

  const SolveSetting& setting_;
  const AdjointEquation& equation_;
  std::vector<std::unique_ptr<Executable>> add_members_, add_parameters_;
  TimeCotangent time_;

  DeviceBuffer states_;                   ///< [time 1 .. n-1][state]
  std::vector<View> kept_;                ///< into states_
  std::vector<DeviceBuffer> cotangents_;  ///< by member
  std::vector<DeviceBuffer> parameters_;  ///< by wanted constant
  std::vector<View> cotangent_views_, parameter_views_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace odeum::inline v1
