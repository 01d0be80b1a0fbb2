// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Logit final : public Block {
 public:
  static Schema schema() {
    Schema s(
        "From (0, 1) to the real line: s = alpha + (1 - 2 alpha) x, y = ln s - ln(1 - s); for "
        "alpha <= 0 only x - 0.5");
    s.cite("Dinh, Sohl-Dickstein, Bengio, Real NVP, ICLR 2017, arXiv 1605.08803, section 4.1");
    s.number("alpha", 0.05,
             "distance kept from 0 and 1 [1]: 0.05 bounds y by 2.94; 1e-6, by 13.8, which makes "
             "flows stiff")
        .below(0.5);
    return s;
  }

  explicit Logit(const Config& config) : alpha_(config.number("alpha")) {}

  Output forward(Scope& /*scope*/, Tensor x) const override {
    if (alpha_ <= 0.0) return {x - 0.5, {}};
    Tensor s = alpha_ + (1.0 - 2.0 * alpha_) * x;
    Tensor log_s = log(s);
    Tensor log_rest = log1p(-s);
    Tensor log_slope = std::log(1.0 - 2.0 * alpha_) - cast(log_s + log_rest, DType::f64);
    return {log_s - log_rest, sum_features(log_slope)};
  }

  Tensor inverse(Scope& /*scope*/, Tensor y) const override {
    if (alpha_ <= 0.0) return y + 0.5;
    return (sigmoid(y) - alpha_) / (1.0 - 2.0 * alpha_);
  }

 private:
  double alpha_;
};

ODEUM_PLUGIN(block, "logit", Logit, "1.0.0", "From the unit interval to the real line")

}  // namespace
}  // namespace odeum::blocks
