// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../../layers/no_density.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Dense final : public Block {
 public:
  static Schema schema() {
    return Schema(
               "W x + b of the flattened sample, or of its last axis. Weights and biases start "
               "uniform within 1 / "
               "sqrt(fan in)")
        .integer("features", 10, "of the result")
        .at_least(1)
        .flag("bias", true, "whether there is a b")
        .text("of", "sample",
              "sample: of all its elements together; last_axis: of each of the vectors along the "
              "last axis, with the same W and b, as of the states that an ode block gives at its "
              "times")
        .choices({"sample", "last_axis"});
  }

  explicit Dense(const Config& config)
      : features_(config.integer("features")),
        bias_(config.flag("bias")),
        each_(config.text("of") == "last_axis") {}

  Output forward(Scope& scope, Tensor x) const override {
    const std::int64_t in =
        each_ && x.rank() > 1 ? x.extent(x.rank() - 1) : x.shape().elements_per_row();
    const Initializer start = Initializer::uniform(1.0 / std::sqrt(static_cast<double>(in)));
    const Tensor flat = each_ && x.rank() > 1 ? x : reshape(x, {kRows, in});
    const Tensor weight = scope.parameter("weight", {features_, in}, start);
    if (!bias_) return {linear(flat, weight), {}};
    return {linear(flat, weight, scope.parameter("bias", {features_}, start)), {}};
  }

  Shape output_shape(const Shape& input) const override {
    std::vector<std::int64_t> extents = input.extents();
    if (!each_ || extents.empty()) return {features_};
    extents.back() = features_;
    return Shape(std::move(extents));
  }

  std::string why_no_inverse() const override { return layers::no_way_back("dense"); }
  std::string why_no_log_determinant() const override { return layers::no_density("dense"); }

 private:
  std::int64_t features_;
  bool bias_;
  bool each_;
};

ODEUM_PLUGIN(block, "dense", Dense, "1.0.0", "An affine map of the flattened sample")

}  // namespace
}  // namespace odeum::blocks
