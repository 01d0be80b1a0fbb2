// SPDX-License-Identifier: Apache-2.0
// Means of named quantities over steps.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace odeum::train {

struct RunningMeans {
  std::int64_t count = 0;
  std::map<std::string, double> sums;

  /// One step's value; `count` is advanced by the caller, once a step.
  void add(const std::string& name, double value) { sums[name] += value; }
  double mean(const std::string& name) const {
    const auto found = sums.find(name);
    return found == sums.end() || count == 0 ? 0.0 : found->second / static_cast<double>(count);
  }
};

}  // namespace odeum::train
