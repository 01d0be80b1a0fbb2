// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "../sample.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Dequantize final : public Block {
 public:
  static Schema schema() {
    Schema s(
        "From whole numbers 0 .. levels - 1 to (0, 1): y = (x + u) / levels, u uniform on (0, 1)");
    s.cite(
        "Theis, van den Oord, Bethge, A note on the evaluation of generative models, ICLR 2016, "
        "arXiv 1511.01844");
    s.integer("levels", 256, "number of values that an element takes").at_least(2);
    s.text("noise", "uniform",
           "uniform: u drawn anew for each step, so that the likelihood of y bounds that of x; "
           "midpoint: u = 0.5, "
           "for evaluations reported as clean, which bound nothing")
        .choices({"uniform", "midpoint"});
    declare_log_determinant(s, "-D ln(levels) for D elements, so that likelihoods are of x + u",
                            "likelihoods are of y");
    return s;
  }

  explicit Dequantize(const Config& config)
      : levels_(static_cast<double>(config.integer("levels"))),
        midpoint_(config.text("noise") == "midpoint"),
        counts_(counts_log_determinant(config)) {}

  Output forward(Scope& scope, Tensor x) const override {
    Tensor y =
        midpoint_ ? (x + 0.5) / levels_
                  : (x + scope.noise("dequantization", x.shape(), Distribution::uniform)) / levels_;
    if (!counts_) return {y, {}};
    const auto elements = static_cast<double>(x.shape().elements_per_row());
    return {y, full(x, {kRows}, -elements * std::log(levels_), DType::f64)};
  }

  /// The level whose interval holds y; the first or the last one beyond (0, 1).
  Tensor inverse(Scope& /*scope*/, Tensor y) const override {
    return min(max(floor(y * levels_), 0.0), levels_ - 1.0);
  }

 private:
  double levels_;
  bool midpoint_;
  bool counts_;
};

ODEUM_PLUGIN(block, "dequantize", Dequantize, "1.0.0", "Uniform noise on whole numbers")

}  // namespace
}  // namespace odeum::blocks
