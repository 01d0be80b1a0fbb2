// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <optional>
#include <span>
#include <vector>

#include "odeum/dataset.hpp"
#include "odeum/plugin.hpp"
#include "odeum/random.hpp"

namespace odeum::datasets {
namespace {

// Of the published script: angles from 0 to three turns, radii growing by 0.3 a radian.
constexpr double kStop = 6.0 * std::numbers::pi;
constexpr double kGrowth = 0.3;
constexpr double kApart = 5.0;  ///< of the two centres from 0

struct Point {
  double x = 0.0;
  double y = 0.0;
};

Point counter_clockwise(double angle) {
  const double radius = kGrowth * angle;
  return {radius * std::cos(angle) + kApart, radius * std::sin(angle)};
}

Point clockwise(double angle) {
  const double back = kStop + 1.0 - angle;
  const double radius = 50.0 * kGrowth / back;
  return {radius * std::cos(back) - kApart, radius * std::sin(back)};
}

class Spirals final : public Dataset {
 public:
  static Schema schema() {
    Schema s(
        "Pieces of two spirals in the plane, one clockwise and one counter-clockwise, each sample "
        "of either with probability 1/2, measured with noise at some of the times of a common "
        "grid. A spiral has `points` points at angles equally spaced from 0 to 6 pi, and the time "
        "is the angle: neighbouring times are 6 pi / (points - 1) apart. A piece begins at a "
        "random point, from the `times`-th on. Columns x [times, 3], what was measured and a 1, or "
        "zeros where it was not; known [times + ahead, 2], the same with the times beyond, all "
        "measured; observed, of its shape, 1 or 0; truth, of its shape, the spiral itself");
    s.cite(
        "Chen, Rubanova, Bettencourt, Duvenaud, Neural Ordinary Differential Equations, NeurIPS "
        "2018, arXiv 1806.07366, section 5.1; the curves and the deviation of the noise are those "
        "of the script released with the paper (examples/latent_ode.py)");
    s.integer("times", 100, "of a piece that an encoder may see").at_least(1).at_most(100000);
    s.integer("observed",
              "how many of these are measured, drawn without replacement for each sample; left "
              "out: all")
        .optional()
        .at_least(1);
    s.integer("ahead", 100, "further times, to extrapolate to").at_least(0).at_most(100000);
    s.text("beyond", "seen",
           "what the times ahead of validation and test show. seen: their pieces begin so early "
           "that these are parts of the spirals that pieces of the training show at the times "
           "before; new: all pieces begin alike, and the last `ahead` points of a spiral are shown "
           "by no times before")
        .choices({"seen", "new"});
    s.integer("points", 500, "of a whole spiral").at_least(4).at_most(1000000);
    s.number("noise", 0.3, "its standard deviation in each coordinate").at_least(0);
    s.integer("train", 1000, "samples").at_least(1);
    s.integer("validation", 200, "samples").at_least(0);
    s.integer("test", 1000, "samples").at_least(0);
    return s;
  }

  explicit Spirals(const Config& config)
      : times_(config.integer("times")),
        observed_(config.has("observed") ? config.integer("observed") : times_),
        ahead_(config.integer("ahead")),
        seen_(config.text("beyond") == "seen"),
        points_(config.integer("points")),
        noise_(config.number("noise")),
        counts_{config.integer("train"), config.integer("validation"), config.integer("test")} {
    if (observed_ > times_) {
      config.fail("observed", "is more than the " + std::to_string(times_) + " times there are");
    }
    if (starts(Split::test) < 1) {
      config.fail("points", "are too few for " + std::to_string(times_) + " times and " +
                                std::to_string(ahead_) + " ahead: at least " +
                                std::to_string(points_ + 1 - starts(Split::test)));
    }
    const double space = kStop / static_cast<double>(points_ - 1);
    for (std::int64_t i = 0; i < points_; ++i) {
      clockwise_.push_back(clockwise(static_cast<double>(i) * space));
      counter_clockwise_.push_back(counter_clockwise(static_cast<double>(i) * space));
    }
  }

  std::vector<Column> columns() const override {
    const std::int64_t all = times_ + ahead_;
    return {{"x", {times_, 3}}, {"known", {all, 2}}, {"observed", {all, 2}}, {"truth", {all, 2}}};
  }
  std::optional<std::int64_t> count(Split split) const override {
    return counts_[static_cast<std::size_t>(split)];
  }

  void read(Split split, std::uint64_t key, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const override {
    const std::int64_t count = counts_[static_cast<std::size_t>(split)];
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const Piece piece = draw(split, key, static_cast<std::uint64_t>(samples[i] % count));
      for (std::int64_t k = 0; k < times_ + ahead_; ++k) write(piece, k, i, out);
    }
  }

 private:
  struct Piece {
    std::vector<Point> truth;
    std::vector<Point> measured;
    std::vector<bool> observed;
  };

  /// Points that a piece may begin at, the first of them the `times_`-th.
  std::int64_t starts(Split split) const {
    const std::int64_t later = seen_ && split != Split::train ? ahead_ : 0;
    return points_ - 2 * times_ - ahead_ - later;
  }

  Piece draw(Split split, std::uint64_t key, std::uint64_t sample) const {
    RandomStream random(key, sample);
    const bool reversed = random.uniform() < 0.5;
    const auto places = static_cast<std::uint64_t>(starts(split));
    const std::int64_t start = times_ + static_cast<std::int64_t>(random.below(places));
    Piece piece;
    const std::vector<Point>& spiral = reversed ? clockwise_ : counter_clockwise_;
    std::int64_t wanted = observed_;
    for (std::int64_t k = 0; k < times_ + ahead_; ++k) {
      const Point p = spiral[static_cast<std::size_t>(start + k)];
      piece.truth.push_back(p);
      // Selection sampling: each subset of the wanted size is equally likely (Knuth, 3.4.2, S).
      const bool chosen = k >= times_ || static_cast<double>(times_ - k) * random.uniform() <
                                             static_cast<double>(wanted);
      if (chosen) --wanted;
      piece.observed.push_back(chosen);
      const double x = noise_ * random.normal();
      const double y = noise_ * random.normal();
      piece.measured.push_back(chosen ? Point{p.x + x, p.y + y} : Point{});
    }
    return piece;
  }

  void write(const Piece& piece, std::int64_t time, std::size_t row,
             std::span<const std::span<double>> out) const {
    const auto k = static_cast<std::size_t>(time);
    const double seen = piece.observed[k] ? 1.0 : 0.0;
    const auto times = static_cast<std::size_t>(times_);
    if (time < times_ && !out[0].empty()) {
      double* at = &out[0][3 * (row * times + k)];
      at[0] = piece.measured[k].x;
      at[1] = piece.measured[k].y;
      at[2] = seen;
    }
    const Point columns[] = {piece.measured[k], {seen, seen}, piece.truth[k]};
    for (std::size_t c = 0; c < 3; ++c) {
      if (out[c + 1].empty()) continue;
      double* at = &out[c + 1][2 * (row * piece.truth.size() + k)];
      at[0] = columns[c].x;
      at[1] = columns[c].y;
    }
  }

  std::int64_t times_;
  std::int64_t observed_;
  std::int64_t ahead_;
  bool seen_;
  std::int64_t points_;
  double noise_;
  std::vector<std::int64_t> counts_;
  std::vector<Point> clockwise_;
  std::vector<Point> counter_clockwise_;
};

ODEUM_PLUGIN(dataset, "spirals", Spirals, "1.0.0", "Noisy pieces of two spirals, in part observed")

}  // namespace
}  // namespace odeum::datasets
