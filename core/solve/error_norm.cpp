// SPDX-License-Identifier: Apache-2.0
#include "solve/error_norm.hpp"

#include <algorithm>
#include <limits>

#include "odeum/error.hpp"

namespace odeum::solve {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor all_entries(Tensor x) {
  std::vector<int> axes;
  for (int axis = 0; axis < x.rank(); ++axis) axes.push_back(axis);
  return reshape(sum(x, axes), {1});
}

Tensor entries(Tensor like, const Shape& shape) {
  const auto per_row = static_cast<double>(shape.elements_per_row());
  if (!shape.has_rows()) return full(like, {1}, per_row, DType::f64);
  return per_row * row_count(like, DType::f64);
}

Tensor largest(const std::vector<Tensor>& norms) {
  Tensor result = norms.front();
  for (std::size_t i = 1; i < norms.size(); ++i) result = max(result, norms[i]);
  return result;
}

}  // namespace

Tensor tolerance(Tensor magnitude, const Member& member, const SolveOptions& options) {
  // Where atol is 0, an entry that is and stays 0 has no error: 0 over something.
  const double least = member.dtype == DType::f32 ? std::numeric_limits<float>::min()
                                                  : std::numeric_limits<double>::min();
  const auto entries_of_atol = static_cast<std::int64_t>(options.atol.size());
  const Tensor relative = options.rtol * magnitude;
  if (entries_of_atol > 1 && member.shape.rank() > 1 &&
      member.shape[member.shape.rank() - 1] == entries_of_atol) {
    std::vector<double> atol = options.atol;
    for (double& one : atol) one = std::max(one, least);
    return relative + constant(magnitude, {entries_of_atol}, std::move(atol));
  }
  return relative + std::max(least, *std::min_element(options.atol.begin(), options.atol.end()));
}

Tensor error_over_tolerance(Tensor error, Tensor y0, Tensor y1, const Member& member,
                            const SolveOptions& options) {
  return error / tolerance(max(abs(y0), abs(y1)), member, options);
}

Tensor root_mean_square(Tensor ratio, double weight) {
  const Tensor squares = all_entries(square(cast(ratio, DType::f64)));
  const Tensor rms = weight * sqrt(squares / entries(squares, ratio.shape()));
  return select(less(rms, full(rms, {1}, kInfinity)), rms, full(rms, {1}, kInfinity));
}

Tensor count_non_finite(Tensor x) {
  const Tensor finite = less(abs(x), full(x, Shape(x.shape()), kInfinity));
  return all_entries(cast(1.0 - finite, DType::f64));
}

Tensor error_norm(const State& error, const State& y0, const State& y1,
                  std::span<const Member> members, const SolveOptions& options) {
  std::vector<Tensor> norms;
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (!members[m].in_error_norm) continue;
    const Tensor ratio = error_over_tolerance(error[m], y0[m], y1[m], members[m], options);
    norms.push_back(root_mean_square(ratio, members[m].norm_weight));
  }
  if (norms.empty()) bug("no member of the state counts in the error norm");
  return largest(norms);
}

Tensor state_norm(const State& state, const State& y, std::span<const Member> members,
                  const SolveOptions& options) {
  std::vector<Tensor> norms;
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (!members[m].in_error_norm) continue;
    const Tensor ratio = state[m] / tolerance(abs(y[m]), members[m], options);
    norms.push_back(root_mean_square(ratio, members[m].norm_weight));
  }
  return largest(norms);
}

}  // namespace odeum::solve
