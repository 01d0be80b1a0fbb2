// SPDX-License-Identifier: Apache-2.0
// What a watching person sees of a training, on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace odeum::train {

/// On a terminal one line, rewritten in place; otherwise plain lines, at most one in five seconds
/// and one for each validation.
class ProgressLine {
 public:
  /// `steps`: of the whole training; `first`: done before.
  ProgressLine(std::int64_t steps, std::int64_t first);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  struct Seen {
    std::int64_t step = 0;  ///< done
    double loss = 0.0;
    double evaluations = 0.0;  ///< of the field, forward, in this step's solves
    std::int64_t samples = 0;  ///< rows of this step
  };
  void step(const Seen& seen);
  /// A line that stays.
  void note(const std::string& text);

 private:
  std::string text(const Seen& seen) const;
  void clear();

  using Clock = std::chrono::steady_clock;
  std::int64_t steps_;
  std::int64_t first_;
  bool terminal_;
  bool drawn_ = false;
  std::int64_t samples_ = 0;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_ = begin_;
};

/// "1:05", "2:00:09".
std::string duration_text(double seconds);

}  // namespace odeum::train
