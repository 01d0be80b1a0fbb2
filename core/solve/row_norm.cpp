// SPDX-License-Identifier: Apache-2.0
#include "solve/row_norm.hpp"

#include <limits>

#include "odeum/error.hpp"
#include "solve/error_norm.hpp"

namespace odeum::solve {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Weighted RMS of each row of `ratio`; infinite where an entry is not finite.
Tensor root_mean_squares(Tensor ratio, double weight) {
  const auto entries = static_cast<double>(ratio.shape().elements_per_row());
  const Tensor squares = sum_features(square(cast(ratio, DType::f64)));
  const Tensor rms = weight * sqrt(squares / entries);
  const Tensor infinite = full(rms, {kRows}, kInfinity);
  return select(less(rms, infinite), rms, infinite);
}

Tensor larger(Tensor so_far, Tensor norm) { return so_far ? max(so_far, norm) : norm; }

}  // namespace

Tensor row_non_finite(const State& values) {
  Tensor count;
  for (const Tensor& value : values) {
    const Tensor finite = less(abs(value), full(value, Shape(value.shape()), kInfinity));
    const Tensor found = sum_features(cast(1.0 - finite, DType::f64));
    count = count ? count + found : found;
  }
  return count;
}

Tensor row_error_norm(const State& error, const State& y0, const State& y1,
                      std::span<const Member> members, const SolveOptions& options) {
  Tensor norm;
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (!members[m].in_error_norm) continue;
    const Tensor ratio = error_over_tolerance(error[m], y0[m], y1[m], members[m], options);
    norm = larger(norm, root_mean_squares(ratio, members[m].norm_weight));
  }
  if (!norm) bug("no member of the state counts in the error norm");
  return norm;
}

Tensor row_state_norm(const State& state, const State& y, std::span<const Member> members,
                      const SolveOptions& options) {
  Tensor norm;
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (!members[m].in_error_norm) continue;
    const Tensor ratio = state[m] / tolerance(abs(y[m]), members[m], options);
    norm = larger(norm, root_mean_squares(ratio, members[m].norm_weight));
  }
  return norm;
}

}  // namespace odeum::solve
