// SPDX-License-Identifier: Apache-2.0
// The learning rate over the steps: `lr` times a schedule.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "odeum/config.hpp"
#include "odeum/schema.hpp"

namespace odeum::train {

inline constexpr double kUsualRate = 1e-3;
inline constexpr double kUsualSearchRate = 1.0;  ///< of a LineSearchOptimizer

/// Schemas of the schedules: constant, warmup, step, cosine.
std::vector<std::pair<std::string, Schema>> schedule_schemas();

class LearningRate {
 public:
  /// `optimizer`: its component, with `schedule` and perhaps `lr`, else the rate is `usual`.
  /// `total_steps` is where a cosine ends. A warm-up that is longer than the training ends with it,
  /// below the full rate.
  LearningRate(const Config& optimizer, std::int64_t total_steps, double usual = kUsualRate);

  /// For step 0, 1, ...; beyond the last step as for the last one.
  double at(std::int64_t step) const;

 private:
  double factor(std::int64_t step) const;

  double rate_;
  std::string shape_;
  std::int64_t warmup_ = 0;
  std::int64_t every_ = 1;
  std::vector<std::int64_t> at_;  ///< steps of changes; empty: every so many
  double multiply_ = 1.0;
  double final_ = 0.0;
  std::int64_t total_;
};

}  // namespace odeum::train
