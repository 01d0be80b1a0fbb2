// SPDX-License-Identifier: Apache-2.0
// Batch normalisation inside a field, as temporal adaptive batch normalisation (TA-BN: Zheng, Gao,
// Sun, Boning, Yu, Wong, NeurIPS 2024, section 4 and Algorithm 1) and what the paper compares it
// with. x [rows, channels, ...]; statistics are over rows and the axes behind the channels.
//
//   out = (x - mean) / sqrt(variance + 1e-5) * gamma + alpha
//
// In training mean and variance are the mini-batch's, and the population's move towards them by
// `momentum`; outside training they are the population's.
//   temporal          population, gamma and alpha on a grid of times, interpolated linearly; what
//   is
//                     seen at t moves the two points beside it by momentum times their weights
//   population        one mean and variance for each evaluation of a solve (Pop BN): that of the
//   nearest point of the grid, gamma and alpha for all times. Exact where the solver's steps are
//   given and its evaluations fall on the grid; solves that choose their steps evaluate at other
//   times in evaluation than in training, which is why the paper leaves this variant out
//   time_independent  one of each for all times (Pop-TI BN)
//   mini_batch        the batch's own mean and variance outside training too; no population
//   none              out = x
//
// Variances are those that normalise (sums over n, not n - 1). A point that nothing was seen at
// keeps mean 0 and variance 1, as published; with `start: first_visit` what is seen first counts in
// full, and points never visited are interpolated from those that were.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "odeum/field.hpp"
#include "time_grid.hpp"

namespace odeum::layers {

class TimeNorm {
 public:
  static Schema schema();
  explicit TimeNorm(const Config& config);

  /// t [1] or [rows, 1]. Parameters name.gamma (from 1), name.alpha (from 0); buffers name.mean,
  /// name.variance, and with first_visit name.visits.
  Tensor operator()(Scope& scope, const std::string& name, Tensor t, Tensor x) const;

  /// As VectorField::kinks.
  std::vector<double> kinks() const;

 private:
  enum class Kind : std::uint8_t { none, mini_batch, time_independent, population, temporal };
  enum class Start : std::uint8_t { zero_one, first_visit };
  struct Statistics {
    Tensor mean;
    Tensor variance;
  };
  void observe(Scope& scope, const std::string& name, Tensor t, const Statistics& seen) const;
  Statistics population(Scope& scope, const std::string& name, Tensor t,
                        std::int64_t channels) const;
  bool statistics_on_grid() const { return kind_ == Kind::temporal || kind_ == Kind::population; }
  /// How much each point of the grid counts at t.
  Tensor weights(Tensor t) const;
  Tensor weights_of_visited(Tensor t, Tensor visits) const;
  Shape shape_of_statistics(std::int64_t channels) const;
  Shape shape_of_parameters(std::int64_t channels) const;

  Kind kind_;
  Start start_;
  double momentum_;
  double end_;
  TimeGrid grid_;
};

}  // namespace odeum::layers
