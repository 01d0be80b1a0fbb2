// SPDX-License-Identifier: Apache-2.0
#include "time_grid.hpp"

namespace odeum::layers {
namespace {

Tensor not_above(Tensor a, Tensor b) { return 1.0 - less(b, a); }

}  // namespace

/// t in units of the spacing, on the grid.
Tensor TimeGrid::position(Tensor t) const {
  return min(max(t / spacing, 0.0), static_cast<double>(points - 1));
}

Tensor TimeGrid::weights(Tensor t) const {
  const Tensor index = iota(t, {points}, 0, t.dtype());
  return max(1.0 - abs(position(t) - index), 0.0);
}

Tensor TimeGrid::weights_of_visited(Tensor t, Tensor visits) const {
  const auto beyond = static_cast<double>(points);
  const Tensor index = iota(t, {points}, 0, t.dtype());
  const Tensor visited = less(zeros_like(visits), visits);
  const Tensor s = position(t);
  const Shape extents = (s - index).shape();
  const Shape line = t.rank() == 2 ? Shape{kRows, 1} : Shape{1};
  const auto largest = [&](Tensor where, Tensor value, double otherwise) {
    const Tensor chosen =
        select(broadcast(where, extents), broadcast(value, extents), full(t, extents, otherwise));
    return reshape(reduce_max(chosen, {-1}), line);
  };
  const Tensor left = largest(visited * not_above(index, s), index, -1.0);
  const Tensor right = -largest(visited * not_above(s, index), -index, -beyond);
  const Tensor has_left = not_above(zeros_like(left), left);
  const Tensor has_right = less(right, full(right, {1}, beyond));
  const Tensor gap = max(right - left, 1e-6);
  const Tensor between = min((s - left) / gap, 1.0);
  const Tensor from_right = has_right * select(has_left, between, ones_like(between));
  const Tensor from_left = has_left * select(has_right, 1.0 - between, ones_like(between));
  // Exactly on a visited point, left and right are that point.
  const Tensor apart = less(left, right);
  return equal(broadcast(index, extents), broadcast(left, extents)) *
             select(apart, from_left, has_left) +
         equal(broadcast(index, extents), broadcast(right, extents)) * from_right * apart;
}

Tensor TimeGrid::nearest(Tensor t, Tensor visited) const {
  const Tensor index = iota(t, {points}, 0, t.dtype());
  // Farther than any visited point is.
  const Tensor distance = abs(position(t) - index) + static_cast<double>(points) * (1.0 - visited);
  const Shape line = t.rank() == 2 ? Shape{kRows, 1} : Shape{1};
  const Tensor least = -reshape(reduce_max(-distance, {-1}), line);
  const Tensor chosen = equal(distance, broadcast(least, distance.shape()));
  return chosen / reshape(sum(chosen, {-1}), line);
}

Tensor TimeGrid::at(Tensor weights, Tensor values) {
  return weights.rank() == 2 ? dot("rp,pc->rc", weights, values) : dot("p,pc->c", weights, values);
}

std::vector<double> TimeGrid::kinks(double end) const {
  std::vector<double> times;
  for (std::int64_t i = 1; i < points; ++i) {
    const double time = static_cast<double>(i) * spacing;
    if (time < end * (1.0 - 1e-12)) times.push_back(time);
  }
  return times;
}

std::vector<double> TimeGrid::borders() const {
  std::vector<double> times;
  for (std::int64_t i = 1; i < points; ++i)
    times.push_back((static_cast<double>(i) - 0.5) * spacing);
  return times;
}

}  // namespace odeum::layers
