// SPDX-License-Identifier: Apache-2.0
// One sample of a solve with a step size per sample: where it is, what it tries next, and what an
// attempt's outcome means for it. Nothing here touches a device.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "odeum/solve.hpp"
#include "solve/pace.hpp"
#include "solve/stops.hpp"

namespace odeum::solve {

class Sample {
 public:
  /// Over times[0] .. times.back(); `times` and `options` must outlive it. `state` is the type that
  /// tells the sides of a jump apart.
  Sample(std::span<const double> times, const SolveOptions& options, SaveTimes save, DType state,
         std::vector<double> controller_memory);

  const SampleReport& report() const { return report_; }
  bool active() const { return report_.ok() && interval_ + 1 < times_.size(); }
  double t() const { return report_.t; }
  double left() const { return times_.back() - report_.t; }  ///< of its span, signed
  std::size_t interval() const { return interval_; }  ///< results up to its begin are written
  const std::vector<double>& memory() const { return memory_; }

  void count(std::int64_t evaluations) { report_.evaluations += evaluations; }
  /// Whether the method has to start, at the beginning of the solve or behind a jump, before
  /// `plan`.
  bool waits() const { return active() && waits_; }
  /// It has: with the first step to try, signed or not, and whether the rates there are finite.
  void begin(double first_step, bool finite);
  /// Settles the next attempt; false: the sample has failed.
  bool plan();
  const Pace::Step& step() const { return step_; }
  /// Whether it is taken whatever its error, being the shortest allowed.
  bool clipped() const { return pace_.clips(step_.h); }
  /// Whether no step has been accepted since the method started.
  bool anew() const { return anew_; }

  /// What the device says of an attempt, as SampleAttemptProgram::Decision.
  struct Decision {
    bool accept = false;
    double next_h = 0.0;
    double error_ratio = 0.0;
    double non_finite = 0.0;
    double convergence = 0.0;
    std::span<const double> memory;
  };
  /// Whether the step counts; a sample that can go no further has failed after it.
  bool judge(const Decision& decision);

  /// The next time to save inside the step just accepted, as x in t + x h, its end excluded.
  std::optional<double> within() const;
  /// Goes to the end of the step just accepted, and across a jump that it ends at.
  void advance();
  /// Whether the next time to save has been reached.
  bool at_time() const;
  /// The result that is due has been written.
  void delivered();

  /// What a failed sample failed for, once it has been looked at.
  void blame(const SolveReport& found);
  bool blamed() const { return blamed_; }

 private:
  double target() const;
  bool ahead(double time) const {
    return times_.back() >= times_.front() ? time > report_.t : time < report_.t;
  }
  void pass_stops();
  void fail(Status status) { report_.status = status; }
  void shorten(const Decision& decision);

  std::span<const double> times_;
  const SolveOptions& options_;
  SaveTimes save_;
  std::vector<double> first_memory_, memory_;
  SampleReport report_;
  Pace pace_;
  Pace::Step step_;
  std::size_t interval_ = 0;
  std::vector<Stop> stops_;
  std::size_t stop_ = 0;  ///< the next of them
  bool waits_ = true;
  bool anew_ = true;
  bool aimed_ = false;
  Status trouble_ = Status::step_too_small;  ///< what the present shortening is for
  int shrunk_ = 0;     ///< attempts that were not finite and whose end is not yet passed
  double wall_ = 0.0;  ///< the nearest end of those
  bool blamed_ = false;
};

}  // namespace odeum::solve
