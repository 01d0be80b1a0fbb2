// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "odeum/dataset.hpp"
#include "odeum/plugin.hpp"
#include "odeum/quadrature.hpp"
#include "odeum/random.hpp"

namespace odeum::datasets {
namespace {

/// X at the end of an interval, given X at its start: decay X + shift + deviation N(0, 1).
struct Transition {
  double decay = 0.0;
  double shift = 0.0;
  double deviation = 0.0;
};

struct Process {
  double mu, theta, sigma, phi;

  Transition transition(double from, double to) const {
    // Exact to degree 15: to rounding for intervals of some tenths of 1/theta.
    static const QuadratureRule rule = gauss_legendre(8);
    const double half = 0.5 * (to - from);
    Transition result{std::exp(-theta * (to - from)), 0.0, 0.0};
    double variance = 0.0;
    for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
      const double s = from + half * (1.0 + rule.nodes[i]);
      const double left = std::exp(-theta * (to - s));
      const double g = (sigma + phi * s) * left;
      result.shift += half * rule.weights[i] * mu * s * left;
      variance += half * rule.weights[i] * g * g;
    }
    result.deviation = std::sqrt(variance);
    return result;
  }
};

class OrnsteinUhlenbeck final : public Dataset {
 public:
  static Schema schema() {
    Schema s(
        "Paths of dX = (mu t - theta X) dt + (sigma + phi t) dW from uniform starts, with the "
        "exact "
        "Gaussian transition from time to time; columns start {1} and paths {count, paths, 1}, at "
        "`count` equally spaced times, the last one at `end` and the first one space behind 0");
    s.cite(
        "Norcliffe, Deisenroth, Faster training of neural ODEs using Gauss-Legendre quadrature, "
        "TMLR 2023, arXiv 2308.10644 (experiment of that name; defaults)");
    s.number("mu", 0.2, "growth of the drift with time [1/time^2]");
    s.number("theta", 0.1, "rate of decay [1/time]").at_least(0);
    s.number("sigma", 0.6, "diffusion at time 0 [1/sqrt(time)]").at_least(0);
    s.number("phi", 0.15, "its growth with time [1/time^(3/2)]").at_least(0);
    s.number("end", 10.0, "last time").above(0);
    s.integer("count", 100, "times").at_least(1).at_most(100000);
    s.integer("paths", 45, "from each start").at_least(1).at_most(100000);
    s.number("start", 3.0, "half the width of the interval around 0 that starts lie in")
        .at_least(0);
    s.integer("train", 200, "starts of the training split").at_least(1);
    s.integer("validation", 20, "starts of the validation split").at_least(1);
    s.integer("test", 20, "starts of the test split").at_least(1);
    return s;
  }

  explicit OrnsteinUhlenbeck(const Config& config)
      : paths_(config.integer("paths")),
        start_(config.number("start")),
        counts_{config.integer("train"), config.integer("validation"), config.integer("test")} {
    const Process process{config.number("mu"), config.number("theta"), config.number("sigma"),
                          config.number("phi")};
    const auto count = static_cast<double>(config.integer("count"));
    const double space = config.number("end") / count;
    for (double i = 0.0; i < count; i += 1.0) {
      transitions_.push_back(process.transition(i * space, (i + 1.0) * space));
    }
  }

  std::vector<Column> columns() const override {
    return {{"start", {1}}, {"paths", {static_cast<std::int64_t>(transitions_.size()), paths_, 1}}};
  }
  std::optional<std::int64_t> count(Split split) const override {
    return counts_[static_cast<std::size_t>(split)];
  }

  void read(Split split, std::uint64_t key, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const override {
    const std::int64_t count = counts_[static_cast<std::size_t>(split)];
    const std::size_t size = transitions_.size() * static_cast<std::size_t>(paths_);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      RandomStream random(key, static_cast<std::uint64_t>(samples[i] % count));
      const double start = start_ * (2.0 * random.uniform() - 1.0);
      if (!out[0].empty()) out[0][i] = start;
      if (!out[1].empty()) draw_paths(start, random, out[1].subspan(i * size, size));
    }
  }

 private:
  void draw_paths(double start, RandomStream& random, std::span<double> out) const {
    std::vector<double> x(static_cast<std::size_t>(paths_), start);
    std::size_t next = 0;
    for (const Transition& transition : transitions_) {
      for (double& value : x) {
        value =
            transition.decay * value + transition.shift + transition.deviation * random.normal();
        out[next++] = value;
      }
    }
  }

  std::int64_t paths_;
  double start_;
  std::vector<std::int64_t> counts_;
  std::vector<Transition> transitions_;
};

ODEUM_PLUGIN(dataset, "ornstein_uhlenbeck", OrnsteinUhlenbeck, "1.0.0",
             "Paths of an Ornstein-Uhlenbeck process")

}  // namespace
}  // namespace odeum::datasets
