// SPDX-License-Identifier: Apache-2.0
#include "solve/diagnosis.hpp"

#include <algorithm>
#include <cmath>

namespace odeum::solve {
namespace {

std::vector<double> read(Device& device, std::int64_t rows, const Member& member, View view) {
  const auto count = static_cast<std::size_t>(member.shape.elements(rows));
  std::vector<double> values(count);
  if (member.dtype == DType::f64) {
    device.download(values.data(), view, count * sizeof(double));
  } else {
    std::vector<float> single(count);
    device.download(single.data(), view, count * sizeof(float));
    std::copy(single.begin(), single.end(), values.begin());
  }
  return values;
}

void blame(const Member& member, std::size_t entry, SolveReport& report) {
  const auto per_row = static_cast<std::size_t>(member.shape.elements_per_row());
  report.member = member.name;
  report.component = static_cast<std::int64_t>(entry % per_row);
  report.sample = member.shape.has_rows() ? static_cast<std::int64_t>(entry / per_row) : -1;
}

}  // namespace

bool blame_non_finite(Device& device, std::int64_t rows, std::span<const Member> members,
                      std::span<const View> values, SolveReport& report) {
  bool found = false;
  for (std::size_t m = 0; m < members.size(); ++m) {
    const std::vector<double> entries = read(device, rows, members[m], values[m]);
    const auto per_row = static_cast<std::size_t>(members[m].shape.elements_per_row());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (std::isfinite(entries[i])) continue;
      if (!found) blame(members[m], i, report);
      found = true;
      if (members[m].shape.has_rows()) {
        report.samples.push_back(static_cast<std::int64_t>(i / per_row));
      }
    }
  }
  std::sort(report.samples.begin(), report.samples.end());
  report.samples.erase(std::unique(report.samples.begin(), report.samples.end()),
                       report.samples.end());
  return found;
}

void blame_largest(Device& device, std::int64_t rows, std::span<const Member> members,
                   std::span<const View> ratios, SolveReport& report) {
  double largest = -1.0;
  for (std::size_t m = 0, next = 0; m < members.size(); ++m) {
    if (!members[m].in_error_norm) continue;
    const std::vector<double> entries = read(device, rows, members[m], ratios[next++]);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (std::abs(entries[i]) <= largest) continue;
      largest = std::abs(entries[i]);
      blame(members[m], i, report);
    }
  }
  if (report.sample >= 0) report.samples = {report.sample};
}

void blame_unsolved(Device& device, std::int64_t rows, const Member& member,
                    const ValueSpec& convergence, View view, SolveReport& report) {
  report.member = member.name;
  const Member by_row{.name = "convergence", .shape = convergence.shape, .dtype = DType::f64};
  const std::vector<double> values = read(device, rows, by_row, view);
  if (!convergence.shape.has_rows()) return;
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (values[row] <= 1.0) continue;
    report.samples.push_back(static_cast<std::int64_t>(row));
  }
  if (!report.samples.empty()) report.sample = report.samples.front();
}

}  // namespace odeum::solve
