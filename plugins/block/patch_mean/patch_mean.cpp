// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

class PatchMean final : public Block {
 public:
  static Schema schema() {
    return Schema(
               "An image patch minus its own mean, without its last pixel: D elements of any shape "
               "become D - 1 "
               "features, and likelihoods from here on are of these features. The log-determinant "
               "is zero: a map that "
               "loses a dimension has none, so blocks before this one should say log_determinant: "
               "ignore")
        .cite(
            "Zoran, Weiss, ICCV 2011; as prepared in Papamakarios, Pavlakou, Murray, Masked "
            "autoregressive flow, "
            "NeurIPS 2017, arXiv 1705.07057, appendix D");
  }

  Output forward(Scope& /*scope*/, Tensor x) const override {
    const std::int64_t elements = x.shape().elements_per_row();
    Tensor flat = reshape(x, {kRows, elements});
    Tensor centred = flat - reshape(mean_features(flat), {kRows, 1});
    return {slice(centred, 1, 0, elements - 1), {}};
  }

  Shape output_shape(const Shape& input) const override {
    const std::int64_t elements = input.elements_per_row();
    if (elements < 2) {
      throw ConfigError("patch_mean — a sample of shape " + input.text() +
                        " has nothing left without its mean; it needs at least two elements");
    }
    return {elements - 1};
  }

  std::string why_no_inverse() const override {
    return "patch_mean drops each patch's mean, which its features do not determine";
  }
};

ODEUM_PLUGIN(block, "patch_mean", PatchMean, "1.0.0", "Patches without their mean and last pixel")

}  // namespace
}  // namespace odeum::blocks
