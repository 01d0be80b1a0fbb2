// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class DiagonalGaussian final : public Block {
 public:
  static Schema schema() {
    return Schema(
               "A draw from the Gaussian whose means stand in the first half of the last axis and "
               "whose logarithms of variances in the second: [..., 2 n] to [..., n], mean + "
               "exp(log variance / 2) N(0, 1), through which derivatives go. Its divergence from "
               "the prior N(0, 1), 0.5 sum(mean^2 + variance - 1 - log variance) nats, is the "
               "block's cost, which an objective such as latent_ode takes into its loss")
        .cite(
            "Kingma, Welling, Auto-encoding variational Bayes, ICLR 2014, arXiv 1312.6114 "
            "(section 2.4 and appendix B)")
        .text("draw", "training",
              "training: drawn in training, anew in every step, the mean itself outside of it; "
              "always: outside of it too, anew in every pass")
        .choices({"training", "always"});
  }

  explicit DiagonalGaussian(const Config& config)
      : config_(config), always_(config.text("draw") == "always") {}

  Shape output_shape(const Shape& input) const override {
    std::vector<std::int64_t> extents = input.extents();
    if (extents.empty() || extents.back() % 2 != 0) {
      config_.fail("",
                   "takes means and as many logarithms of variances, an even number along the last "
                   "axis, not samples of shape " +
                       input.text());
    }
    extents.back() /= 2;
    return Shape(std::move(extents));
  }

  Output forward(Scope& scope, Tensor x) const override {
    const std::int64_t n = x.extent(-1) / 2;
    const Tensor mean = slice(x, -1, 0, n);
    const Tensor log_variance = slice(x, -1, n, 2 * n);
    const Tensor m = cast(mean, DType::f64);
    const Tensor l = cast(log_variance, DType::f64);
    // expm1, as variances near 1 would cancel.
    Output result{mean, {}, 0.5 * sum_features(square(m) + expm1(l) - l)};
    if (always_ || scope.mode() == Mode::training) {
      const Tensor noise = scope.noise("draw", mean.shape(), Distribution::normal);
      result.value = mean + exp(0.5 * log_variance) * noise;
    }
    return result;
  }

  std::string why_no_inverse() const override {
    return "many Gaussians may have given the same draw";
  }
  std::string why_no_log_determinant() const override {
    return "a draw is no change of variables; its Gaussian enters the evidence lower bound of an "
           "objective such as latent_ode";
  }

 private:
  Config config_;
  bool always_;
};

ODEUM_PLUGIN(block, "diagonal_gaussian", DiagonalGaussian, "1.0.0",
             "A draw from a Gaussian, with its divergence from N(0, 1)")

}  // namespace
}  // namespace odeum::blocks
