// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include "../../layers/no_density.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

constexpr double kEpsilon = 1e-5;  // PyTorch's

class BatchNorm final : public Block {
 public:
  static Schema schema() {
    return Schema(
               "Each channel (the first axis of a sample) with mean 0 and variance 1 over the "
               "batch "
               "in training, and by running statistics outside it; then scaled and shifted. "
               "Running "
               "variances are those of the population, sums over n - 1")
        .cite("Ioffe, Szegedy, Batch normalization, ICML 2015, arXiv 1502.03167")
        .number("momentum", 0.1, "by which running statistics move to those of a batch")
        .above(0)
        .at_most(1);
  }

  explicit BatchNorm(const Config& config) : momentum_(config.number("momentum")) {}

  Output forward(Scope& scope, Tensor x) const override {
    const std::int64_t channels = x.extent(1);
    // One axis behind the channels, of the samples' other elements.
    const std::int64_t others = x.shape().elements_per_row() / channels;
    const Tensor flat = reshape(x, {kRows, channels, others});
    const Tensor running_mean = scope.buffer("mean", {channels}, 0.0);
    const Tensor running_variance = scope.buffer("variance", {channels}, 1.0);
    Tensor mean = running_mean;
    Tensor variance = running_variance;
    if (scope.mode() == Mode::training) {
      mean = batch_mean(flat);
      variance = batch_mean(square(flat - reshape(mean, {channels, 1})));
      const Tensor count = static_cast<double>(others) * row_count(x, x.dtype());
      const Tensor momentum = full(mean, {1}, momentum_);
      scope.observe("mean", momentum, mean);
      // A batch of one number a channel has no other estimate than the biased one.
      scope.observe("variance", momentum, variance * (count / max(count - 1.0, 1.0)));
    }
    const Tensor scale = scope.parameter("weight", {channels}, Initializer::constant(1.0)) /
                         sqrt(variance + kEpsilon);
    const Tensor shift = scope.parameter("bias", {channels}, Initializer::constant(0.0));
    const Tensor y = (flat - reshape(mean, {channels, 1})) * reshape(scale, {channels, 1}) +
                     reshape(shift, {channels, 1});
    return {reshape(y, x.shape()), {}};
  }

  std::string why_no_inverse() const override { return layers::no_way_back("batch_norm"); }
  std::string why_no_log_determinant() const override { return layers::no_density("batch_norm"); }

 private:
  static Tensor batch_mean(Tensor x) { return mean_rows(odeum::mean(x, {2})); }

  double momentum_;
};

ODEUM_PLUGIN(block, "batch_norm", BatchNorm, "1.0.0", "Batch normalisation by channel")

}  // namespace
}  // namespace odeum::blocks
