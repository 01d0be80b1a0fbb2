// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "odeum/objective.hpp"
#include "odeum/plugin.hpp"

namespace odeum::objectives {
namespace {

// Keeps the deviation of paths that are still together from being zero, as the published code.
constexpr double kSmallest = 1e-9;

/// [rows, times, paths, features], float64, of [rows, paths], [rows, paths, features] or that.
Tensor by_times(Tensor paths) {
  const Shape& shape = paths.shape();
  const int rank = paths.rank();
  const Shape four{kRows, rank < 4 ? 1 : shape[1], rank < 3 ? shape[1] : paths.extent(-2),
                   rank < 3 ? 1 : paths.extent(-1)};
  return reshape(cast(paths, DType::f64), four);
}

/// Over paths: [rows, times, 1, features].
struct Gaussian {
  Tensor mean;
  Tensor deviation;
};

Gaussian gaussian_of(Tensor paths) {
  const Shape one{kRows, paths.extent(1), 1, paths.extent(3)};
  const auto count = static_cast<double>(paths.extent(2));
  const Tensor mean = reshape(odeum::mean(paths, {2}), one);
  const Tensor variance = reshape(sum(square(paths - mean), {2}), one) / (count - 1.0);
  return {mean, sqrt(variance) + kSmallest};
}

/// KL(p || q), summed over features, mean over times: [rows].
Tensor divergence(const Gaussian& p, const Gaussian& q) {
  const Tensor distance = square(p.deviation) + square(p.mean - q.mean);
  const Tensor each =
      log(q.deviation) - log(p.deviation) + distance / (2.0 * square(q.deviation)) - 0.5;
  return sum_features(each) / static_cast<double>(p.mean.extent(1));
}

/// -ln N(y; mean, deviation^2), summed over features, mean over times and paths of y: [rows].
Tensor surprise(const Gaussian& p, Tensor y) {
  const double log_constant = 0.5 * std::log(2.0 * std::numbers::pi);
  const Tensor each = 0.5 * square((y - p.mean) / p.deviation) + log(p.deviation) + log_constant;
  return sum_features(each) / static_cast<double>(y.extent(1) * y.extent(2));
}

class SdeMoments final : public Objective {
 public:
  static Schema schema() {
    Schema s(
        "A stochastic model's paths against measured ones, by mean and unbiased deviation over "
        "the paths at each time. Roles x, where the paths start, and y, measured paths; the "
        "model's value and y are [times, paths, features] (block copies, field wong_zakai with "
        "`paths: true`, an ode block with `times`), [paths, features] where there is one time, or "
        "[paths] of one feature; their numbers of paths may differ. Metrics kl: KL(N_model || "
        "N_measured) of the two Gaussians, and nll: -ln N_model(y), both summed over features and "
        "averaged over times [nats]");
    s.cite(
        "Norcliffe, Deisenroth, Faster training of neural ODEs using Gauss-Legendre quadrature, "
        "TMLR 2023, arXiv 2308.10644 (experiment with an Ornstein-Uhlenbeck process)");
    s.text("loss", "kl",
           "which of the two is the loss, and what validation minimises; both take the law of the "
           "paths at each time for a Gaussian")
        .choices({"kl", "nll"});
    return s;
  }

  explicit SdeMoments(const Config& config) : loss_(config.text("loss")) {}

  std::vector<std::string> roles() const override { return {"x", "y"}; }
  std::string units() const override { return "nats"; }

  Losses losses(Scope& /*scope*/, Model& model,
                const std::map<std::string, Tensor>& roles) const override {
    const Tensor value = model.forward(roles.at("x")).value;
    const Tensor measured = roles.at("y");
    require_paths(value, measured);
    const Tensor y = by_times(measured);
    const Gaussian modelled = gaussian_of(by_times(value));
    const Tensor kl = divergence(modelled, gaussian_of(y));
    const Tensor nll = surprise(modelled, y);
    if (loss_ == "kl") return {kl, {{"kl", kl}, {"nll", nll}}};
    return {nll, {{"nll", nll}, {"kl", kl}}};
  }

  std::string why_no_sampling() const override {
    return "paths are samples given their start, not of the data";
  }

 private:
  static void require_paths(Tensor value, Tensor measured) {
    const int rank = value.rank();
    const bool fits = rank == measured.rank() && rank >= 2 && rank <= 4 &&
                      (rank < 3 || value.extent(-1) == measured.extent(-1)) &&
                      (rank < 4 || value.extent(1) == measured.extent(1));
    if (!fits) {
      throw std::invalid_argument(
          "the model gives samples of shape " + value.shape().text() +
          " and the measured paths y have " + measured.shape().text() +
          ": both are [times, paths, features], alike but for the number of paths");
    }
    const int axis = rank < 3 ? 1 : rank - 2;
    if (value.extent(axis) < 2 || measured.extent(axis) < 2) {
      throw std::invalid_argument(
          "one path has no deviation: put the block copies in front of the solve, with two at "
          "least, and give as many measured ones");
    }
  }

  std::string loss_;
};

ODEUM_PLUGIN(objective, "sde_moments", SdeMoments, "1.0.0",
             "Mean and deviation of a stochastic model's paths")

}  // namespace
}  // namespace odeum::objectives
