// SPDX-License-Identifier: Apache-2.0
// The direction of Adam and AdamW: bias-corrected running means of the gradient and of its
// square (Kingma, Ba, ICLR 2015, arXiv 1412.6980, algorithm 1).
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "odeum/optimizer.hpp"

namespace odeum::optimizers {

class AdamMoments {
 public:
  static Schema& declare(Schema& schema) {
    schema.number("beta1", 0.9, "decay of the running mean of the gradient, per update")
        .at_least(0)
        .below(1);
    schema.number("beta2", 0.999, "decay of the running mean of its square, per update")
        .at_least(0)
        .below(1);
    schema.number("epsilon", 1e-8, "added to the root of the mean square, in units of the gradient")
        .above(0);
    return schema;
  }

  explicit AdamMoments(const Config& config)
      : beta1_(config.number("beta1")),
        beta2_(config.number("beta2")),
        epsilon_(config.number("epsilon")) {}

  static std::vector<std::string> slots() { return {"first_moment", "second_moment"}; }

  struct Step {
    Tensor direction;  ///< [parameters], to be subtracted after scaling by the learning rate
    std::vector<Tensor> slots;
  };
  Step operator()(Tensor gradient, const std::vector<Tensor>& slots, Tensor step) const {
    Tensor first = beta1_ * slots[0] + (1.0 - beta1_) * gradient;
    Tensor second = beta2_ * slots[1] + (1.0 - beta2_) * square(gradient);
    Tensor direction =
        (first / correction(beta1_, step)) / (sqrt(second / correction(beta2_, step)) + epsilon_);
    return {direction, {first, second}};
  }

 private:
  /// 1 - beta^step, by expm1: in float32 the difference would lose half of its digits at first.
  static Tensor correction(double beta, Tensor step) {
    if (beta == 0.0) return ones_like(step);
    return -expm1(std::log(beta) * step);
  }

  double beta1_;
  double beta2_;
  double epsilon_;
};

}  // namespace odeum::optimizers
