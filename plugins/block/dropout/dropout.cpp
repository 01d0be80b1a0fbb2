// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "../../layers/no_density.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class Dropout final : public Block {
 public:
  static Schema schema() {
    return Schema(
               "In training each element is left out (0) at random, anew in every step, and the "
               "others are scaled by 1 / (1 - rate); outside training nothing changes")
        .cite("Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15 (2014)")
        .number("rate", 0.5, "probability that an element is left out")
        .at_least(0)
        .below(1);
  }

  explicit Dropout(const Config& config) : rate_(config.number("rate")) {}

  Output forward(Scope& scope, Tensor x) const override {
    if (scope.mode() == Mode::evaluation || rate_ == 0.0) return {x, {}};
    const Tensor draw = scope.noise("mask", x.shape(), Distribution::uniform);
    return {x * less(full(draw, {1}, rate_), draw) / (1.0 - rate_), {}};
  }

  std::string why_no_inverse() const override { return layers::no_way_back("dropout"); }
  std::string why_no_log_determinant() const override { return layers::no_density("dropout"); }

 private:
  double rate_;
};

ODEUM_PLUGIN(block, "dropout", Dropout, "1.0.0", "Elements left out at random in training")

}  // namespace
}  // namespace odeum::blocks
