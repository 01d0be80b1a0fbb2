// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Flatten final : public Block {
 public:
  static Schema schema() {
    return Schema(
        "Samples of any shape as one list of features, last axis fastest; the same numbers, so "
        "the log-determinant is zero");
  }

  Output forward(Scope& /*scope*/, Tensor x) const override {
    return {reshape(x, {kRows, x.shape().elements_per_row()}), {}};
  }
  Shape output_shape(const Shape& input) const override { return {input.elements(1)}; }

  std::string why_no_inverse() const override {
    return "a list of features does not say which shape its samples had";
  }
};

ODEUM_PLUGIN(block, "flatten", Flatten, "1.0.0", "Samples as one list of features")

}  // namespace
}  // namespace odeum::blocks
