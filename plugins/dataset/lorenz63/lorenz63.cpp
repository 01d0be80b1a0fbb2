// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "odeum/dataset.hpp"
#include "odeum/plugin.hpp"
#include "trajectory.hpp"

namespace odeum::datasets {
namespace {

class Lorenz63Pairs final : public Dataset {
 public:
  static Schema schema() {
    Schema s(
        "Pairs of states along one solution of Lorenz' equations: column x {3} and y {3}, the "
        "state "
        "`ahead` points later. The training pairs come first, then those of the test, then those "
        "of validation; no point is in two splits. For other fields: `odeum solve CONFIG -o "
        "FILE.csv`, and the dataset csv with groups `ahead`");
    s.cite("Lorenz, Deterministic nonperiodic flow, J. Atmos. Sci. 20 (1963) 130-141");
    s.cite(
        "Allauzen, Petrilli Maffei Dardis, Plath, Experimental study of neural ODE training with "
        "adaptive solver for dynamical systems modeling, arXiv 2211.06972 (2022): start, spacing "
        "and counts are theirs; the published data have rtol 1e-3, atol 1e-6, points "
        "dense_output, spacing 0.010002");
    s.numbers("start", {0.01, 0.0, 0.0}, "the first state").size(3, 3);
    s.number("spacing", 0.01, "time between two points [s]").above(0).at_most(100);
    s.integer("discard", 0, "points left out at the beginning: the way to the attractor")
        .at_least(0)
        .at_most(10000000);
    s.integer("ahead", 1, "points between the two states of a pair").at_least(1).at_most(100000);
    s.integer("train", 4999, "pairs").at_least(1).at_most(10000000);
    s.integer("test", 4999, "pairs").at_least(0).at_most(10000000);
    s.integer("validation", 0, "pairs").at_least(0).at_most(10000000);
    s.number("rtol", 1e-10, "relative tolerance of a step [1]").at_least(1e-13).below(1);
    s.number("atol", 1e-10, "absolute tolerance of a step").above(0);
    s.text("points", "steps",
           "steps: a step ends at each point; dense_output: steps are as long as the tolerance "
           "allows, points come from the method's polynomial, of order 4")
        .choices({"steps", "dense_output"});
    s.number("sigma", 10.0, "Prandtl number [1]");
    s.number("rho", 28.0, "Rayleigh number over its critical value [1]");
    s.number("beta", 8.0 / 3.0, "geometry of the convection cell [1]");
    return s;
  }

  explicit Lorenz63Pairs(const Config& config)
      : ahead_(static_cast<std::size_t>(config.integer("ahead"))) {
    const auto pairs = [&](const char* key) { return config.integer(key); };
    first_[0] = 0;
    counts_[0] = pairs("train");
    counts_[2] = pairs("test");
    counts_[1] = pairs("validation");
    const std::int64_t ahead = config.integer("ahead");
    first_[2] = counts_[0] + ahead;
    first_[1] = first_[2] + (counts_[2] > 0 ? counts_[2] + ahead : 0);
    const std::int64_t last = first_[1] + (counts_[1] > 0 ? counts_[1] + ahead : 0);
    solve(config, static_cast<std::size_t>(config.integer("discard")),
          static_cast<std::size_t>(last));
  }

  std::vector<Column> columns() const override { return {{"x", {3}}, {"y", {3}}}; }
  std::optional<std::int64_t> count(Split split) const override { return counts_[at(split)]; }

  void read(Split split, std::uint64_t /*key*/, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const override {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto point =
          static_cast<std::size_t>(first_[at(split)] + samples[i] % counts_[at(split)]);
      for (const std::size_t column : {0U, 1U}) {
        if (out[column].empty()) continue;
        const Point& from = points_[point + column * ahead_];
        std::copy(from.begin(), from.end(),
                  out[column].begin() + static_cast<std::ptrdiff_t>(3 * i));
      }
    }
  }

 private:
  static std::size_t at(Split split) { return static_cast<std::size_t>(split); }

  void solve(const Config& config, std::size_t discard, std::size_t count) {
    const std::vector<double>& start = config.numbers("start");
    const Lorenz rate{config.number("sigma"), config.number("rho"), config.number("beta")};
    const Accuracy accuracy{
        config.number("rtol"), config.number("atol"),
        config.text("points") == "steps" ? Between::steps : Between::dense_output};
    const double spacing = config.number("spacing");
    points_ = trajectory(rate, {start[0], start[1], start[2]}, spacing, discard + count, accuracy);
    if (points_.size() < discard + count) {
      config.fail("", "the solution ends behind t = " +
                          std::to_string(static_cast<double>(points_.size() - 1) * spacing) +
                          ": it leaves the numbers, or steps would have to be too short for the "
                          "tolerance; see to start, sigma, rho, beta, rtol and atol");
    }
    points_.erase(points_.begin(), points_.begin() + static_cast<std::ptrdiff_t>(discard));
  }

  std::size_t ahead_;
  std::int64_t counts_[3];  ///< by split
  std::int64_t first_[3];   ///< first point of each split's first pair
  std::vector<Point> points_;
};

ODEUM_PLUGIN(dataset, "lorenz63", Lorenz63Pairs, "1.0.0",
             "Pairs along a solution of Lorenz' equations")

}  // namespace
}  // namespace odeum::datasets
