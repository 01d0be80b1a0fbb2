// SPDX-License-Identifier: Apache-2.0
#include "time_norm.hpp"

namespace odeum::layers {
namespace {

constexpr double kEpsilon = 1e-5;

/// [channels] or [rows, channels] as it stands against x.
Tensor over_channels(Tensor value, Tensor x) {
  std::vector<std::int64_t> extents = value.shape().extents();
  for (int axis = 2; axis < x.rank(); ++axis) extents.push_back(1);
  return reshape(value, Shape(std::move(extents)));
}

/// Over rows and the axes behind the channels: [channels].
Tensor batch_mean(Tensor x) {
  std::vector<int> axes;
  for (int axis = 2; axis < x.rank(); ++axis) axes.push_back(axis);
  return mean_rows(axes.empty() ? x : mean(x, axes));
}

}  // namespace

Schema TimeNorm::schema() {
  return Schema("Batch normalisation behind each layer of the field")
      .cite(
          "Zheng, Gao, Sun, Boning, Yu, Wong, Improving neural ODE training with temporal adaptive "
          "batch normalization, NeurIPS 2024, section 4 and Algorithm 1")
      .text("statistics", "temporal",
            "temporal (TA-BN): population statistics, scales and shifts on a grid of times; "
            "population (Pop BN): statistics of their own for each evaluation of a solve, those of "
            "the grid's nearest time, which needs a solver with given steps whose evaluations fall "
            "on the grid (rk4, steps: N with intervals: 2N) to be exact; time_independent (Pop-TI "
            "BN): one of each for all times; mini_batch: the batch's own, in evaluation too, where "
            "a result then depends on the batch; none: no normalisation")
      .choices({"temporal", "population", "time_independent", "mini_batch", "none"})
      .integer("intervals", 100, "M, of the grid of times; about the evaluations of a solve")
      .at_least(1)
      .number("end", 1.0, "T, the grid's last time; times outside [0, T] count as its ends")
      .above(0)
      .text("grid", "algorithm_1",
            "algorithm_1: the M + 1 points m T / M, m = 0 .. M; released_code: those before M "
            "alone, without one at T")
      .choices({"algorithm_1", "released_code"})
      .number("momentum", 0.1, "eta, by which population statistics move to those of a batch")
      .above(0)
      .at_most(1)
      .text("start", "zero_one",
            "zero_one: population means start at 0 and variances at 1, as published; first_visit: "
            "a point's first statistics count in full, and those of points never visited are "
            "interpolated from points that were")
      .choices({"zero_one", "first_visit"});
}

TimeNorm::TimeNorm(const Config& config)
    : kind_(config.text("statistics") == "temporal"           ? Kind::temporal
            : config.text("statistics") == "population"       ? Kind::population
            : config.text("statistics") == "time_independent" ? Kind::time_independent
            : config.text("statistics") == "mini_batch"       ? Kind::mini_batch
                                                              : Kind::none),
      start_(config.text("start") == "first_visit" ? Start::first_visit : Start::zero_one),
      momentum_(config.number("momentum")),
      end_(config.number("end")) {
  const std::int64_t intervals = config.integer("intervals");
  const bool whole = config.text("grid") == "algorithm_1";
  grid_ = {whole ? intervals + 1 : intervals, end_ / static_cast<double>(intervals)};
}

std::vector<double> TimeNorm::kinks() const {
  if (kind_ == Kind::population) return grid_.borders();
  return kind_ == Kind::temporal ? grid_.kinks(end_) : std::vector<double>{};
}

Shape TimeNorm::shape_of_statistics(std::int64_t channels) const {
  return statistics_on_grid() ? Shape{grid_.points, channels} : Shape{channels};
}

Shape TimeNorm::shape_of_parameters(std::int64_t channels) const {
  return kind_ == Kind::temporal ? Shape{grid_.points, channels} : Shape{channels};
}

Tensor TimeNorm::weights(Tensor t) const {
  return kind_ == Kind::temporal ? grid_.weights(t)
                                 : grid_.nearest(t, full(t, {grid_.points}, 1.0));
}

Tensor TimeNorm::weights_of_visited(Tensor t, Tensor visits) const {
  if (kind_ == Kind::temporal) return grid_.weights_of_visited(t, visits);
  return grid_.nearest(t, less(zeros_like(visits), visits));
}

void TimeNorm::observe(Scope& scope, const std::string& name, Tensor t,
                       const Statistics& seen) const {
  const std::int64_t channels = seen.mean.extent(0);
  const double variance = start_ == Start::zero_one ? 1.0 : 0.0;
  scope.buffer(name + ".mean", shape_of_statistics(channels), 0.0);
  scope.buffer(name + ".variance", shape_of_statistics(channels), variance);
  const bool on_grid = statistics_on_grid();
  const std::int64_t points = on_grid ? grid_.points : 1;
  const Tensor weight = on_grid ? momentum_ * weights(t) : full(seen.mean, {1}, momentum_);
  const Tensor by_channel = on_grid ? reshape(weight, {points, 1}) : weight;
  scope.observe(name + ".mean", by_channel, seen.mean);
  scope.observe(name + ".variance", by_channel, seen.variance);
  if (start_ == Start::zero_one) return;
  // How much of the sums is of what was seen: what they have to be divided by.
  scope.buffer(name + ".visits", {points}, 0.0);
  scope.observe(name + ".visits", weight, full(seen.mean, {1}, 1.0));
}

TimeNorm::Statistics TimeNorm::population(Scope& scope, const std::string& name, Tensor t,
                                          std::int64_t channels) const {
  const double start = start_ == Start::zero_one ? 1.0 : 0.0;
  const Tensor means = scope.buffer(name + ".mean", shape_of_statistics(channels), 0.0);
  const Tensor variances = scope.buffer(name + ".variance", shape_of_statistics(channels), start);
  const bool on_grid = statistics_on_grid();
  if (start_ == Start::zero_one) {
    if (!on_grid) return {means, variances};
    const Tensor at = weights(t);
    return {TimeGrid::at(at, means), TimeGrid::at(at, variances)};
  }
  const Tensor visits = scope.buffer(name + ".visits", {on_grid ? grid_.points : 1}, 0.0);
  const Tensor visited = less(zeros_like(visits), visits);
  const Tensor share = select(visited, visits, ones_like(visits));
  if (!on_grid) return {means / share, variances / share + (1.0 - visited)};
  const Tensor at = weights_of_visited(t, visits) / share;
  const Tensor none = 1.0 - reduce_max(visited, {0});
  return {TimeGrid::at(at, means), TimeGrid::at(at, variances) + reshape(none, {1})};
}

Tensor TimeNorm::operator()(Scope& scope, const std::string& name, Tensor t, Tensor x) const {
  if (kind_ == Kind::none) return x;
  const std::int64_t channels = x.extent(1);
  Statistics used;
  if (scope.mode() == Mode::training || kind_ == Kind::mini_batch) {
    used.mean = batch_mean(x);
    used.variance = batch_mean(square(x - over_channels(used.mean, x)));
    if (kind_ != Kind::mini_batch) observe(scope, name, t, used);
  } else {
    used = population(scope, name, t, channels);
  }
  Tensor gamma =
      scope.parameter(name + ".gamma", shape_of_parameters(channels), Initializer::constant(1.0));
  Tensor alpha =
      scope.parameter(name + ".alpha", shape_of_parameters(channels), Initializer::constant(0.0));
  if (kind_ == Kind::temporal) {
    const Tensor at = grid_.weights(t);
    gamma = TimeGrid::at(at, gamma);
    alpha = TimeGrid::at(at, alpha);
  }
  const Tensor scale = gamma / sqrt(used.variance + kEpsilon);
  return (x - over_channels(used.mean, x)) * over_channels(scale, x) + over_channels(alpha, x);
}

}  // namespace odeum::layers
