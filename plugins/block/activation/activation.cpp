// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "../../layers/no_density.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Activation final : public Block {
 public:
  static Schema schema() {
    return Schema("A function of each element, for samples of any shape")
        .text("function", "relu", "which one")
        .choices({"relu", "tanh", "softplus", "sigmoid", "elu", "swish", "gelu", "sin"});
  }

  explicit Activation(const Config& config) : function_(config.text("function")) {}

  Output forward(Scope& /*scope*/, Tensor x) const override {
    return {odeum::activation(function_, x), {}};
  }

  std::string why_no_inverse() const override { return layers::no_way_back("activation"); }
  std::string why_no_log_determinant() const override { return layers::no_density("activation"); }

 private:
  std::string function_;
};

ODEUM_PLUGIN(block, "activation", Activation, "1.0.0", "A function of each element")

}  // namespace
}  // namespace odeum::blocks
