// SPDX-License-Identifier: Apache-2.0
// What bench_speeds measured, as a page of Markdown.
#pragma once

#include <string>
#include <vector>

#include "speed_cases.hpp"

namespace odeum::bench {

struct Measured {
  Case what;
  Run run;
  double assembly_ms = 0.0;    ///< Pipeline or Integrator made: recorded and, in part, compiled
  double first_run_ms = 0.0;   ///< with what is compiled at the first run
  std::vector<double> ms;      ///< of each repeat
  std::vector<double> cpu_ms;  ///< the same of all threads together, which other load disturbs less
};

double median(std::vector<double> values);

/// The page: command, commit, processor and load on top, then a row per case.
std::string report(const std::vector<Measured>& all, const std::string& command);

}  // namespace odeum::bench
