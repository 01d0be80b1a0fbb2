// SPDX-License-Identifier: Apache-2.0
#include "speed_report.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "page_head.hpp"

namespace odeum::bench {
namespace {

std::string number(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// Three significant digits, as far as they stand before the point or right behind it.
std::string short_number(double value) {
  return number(value, value >= 100.0 ? 0 : value >= 10.0 ? 1 : 2);
}

std::string row(const Measured& m) {
  const double ms = median(m.ms);
  const double best = *std::min_element(m.ms.begin(), m.ms.end());
  const double operations = flop(m.what, m.run);
  const bool compared = m.what.peer_ms > 0.0;
  std::ostringstream out;
  out << "| " << m.what.workload << " | " << m.what.mode << " | " << m.what.threads << " | "
      << short_number(ms) << " | " << short_number(best) << " | " << short_number(median(m.cpu_ms))
      << " | " << m.run.forward << " | " << m.run.backward << " | "
      << (operations > 0.0 ? number(operations / ms * 1e-6, 0)
                           : number(1e6 * ms / static_cast<double>(m.run.forward), 0) + " ns/eval")
      << " | " << number(m.assembly_ms, 0) << " | " << number(m.first_run_ms, 0) << " | "
      << (compared ? short_number(m.what.peer_ms) : "-") << " | "
      << (compared ? number(m.what.peer_ms / ms, 1) : "-") << " |\n";
  return out.str();
}

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

std::string report(const std::vector<Measured>& all, const std::string& command) {
  std::ostringstream out;
  out << "# First speeds\n\n"
      << page_head(command)
      << R"(One forward and backward pass without optimiser; medians of interleaved repeats.

- W1, W2: 2-64-64-64-2, batch 512, weights of the hidden layers twice their initial values. W1: dopri5 at 1e-5. W2: four
  steps of the 3/8 rule, kinetic and Jacobian penalties, Hutchinson.
- W3: 43-860-860-43, concatsquash softplus, batch 1000, Hutchinson.
- W6: Lorenz' equations, dopri5, rtol 1e-7, atol 1e-9, float64, 1000 output points.
- CPU ms: of all threads together, which other load disturbs less than the time on the clock.
- GF/s: of matrix products alone; an evaluation with D Jacobian products costs (1 + D) F, its backward 2 (1 + D) F, F = 2
  rows sum(in out), with odeum's own numbers of evaluations.
- assembly: the pipeline recorded and its outer programs compiled. first: the first step, which compiles the solves.
- torchdiffeq: its best median on torch 1.13 on the same kind of machine. Ratio: its time over odeum's.

| | mode | threads | ms | best | CPU ms | forward | backward | GF/s | assembly ms | first ms | torchdiffeq ms | ratio |
|-|-|-|-|-|-|-|-|-|-|-|-|-|
)";
  for (const Measured& m : all) out << row(m);
  return out.str();
}

}  // namespace odeum::bench
