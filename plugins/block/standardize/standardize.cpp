// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>
#include <vector>

#include "../sample.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Standardize final : public Block {
 public:
  static Schema schema() {
    Schema s(
        "Each feature minus its mean over its standard deviation, both over the training rows and "
        "kept with the "
        "model");
    declare_log_determinant(
        s, "-sum ln(deviation), so that likelihoods are of the data in their own units",
        "likelihoods are of the standardised data");
    return s;
  }

  explicit Standardize(const Config& config)
      : config_(config), counts_(counts_log_determinant(config)) {}

  Output forward(Scope& scope, Tensor x) const override {
    Tensor deviation = scope.buffer("deviation", sample_shape(x), 1.0);
    Tensor y = (x - scope.buffer("mean", sample_shape(x), 0.0)) / deviation;
    if (!counts_) return {y, {}};
    return {y, -sum_features(cast(broadcast(log(deviation), x.shape()), DType::f64))};
  }

  Tensor inverse(Scope& scope, Tensor y) const override {
    return y * scope.buffer("deviation", sample_shape(y), 1.0) +
           scope.buffer("mean", sample_shape(y), 0.0);
  }

  bool needs_moments() const override { return true; }

  std::map<std::string, std::vector<double>> fit(const Moments& moments) const override {
    for (std::size_t i = 0; i < moments.deviation.size(); ++i) {
      if (!(moments.deviation[i] > 0.0)) {
        config_.fail("", "feature " + std::to_string(i) +
                             " is constant over the training rows (deviation " +
                             std::to_string(moments.deviation[i]) +
                             ") and cannot be standardized; leave it out of the data's columns");
      }
    }
    return {{"mean", moments.mean}, {"deviation", moments.deviation}};
  }

 private:
  Config config_;
  bool counts_;
};

ODEUM_PLUGIN(block, "standardize", Standardize, "1.0.0", "Mean 0 and deviation 1 for each feature")

}  // namespace
}  // namespace odeum::blocks
