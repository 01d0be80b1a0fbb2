// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <vector>

#include "odeum/plugin.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::regularizers {
namespace {

class AffineDrift final : public Regularizer {
 public:
  static Schema schema() {
    return Schema(
               "How far the scales (.gamma) and shifts (.alpha) of a field's normalisations are "
               "from 1 and 0: |gamma - 1|^2 + |alpha|^2 over all layers and points of time")
        .cite("Zheng, Gao, Sun, Boning, Yu, Wong, NeurIPS 2024, section 4")
        .text("over_channels", "sum",
              "sum, as published; or mean, as in the released code, whose weight is 0.1")
        .choices({"sum", "mean"});
  }

  explicit AffineDrift(const Config& config) : mean_(config.text("over_channels") == "mean") {}

  Tensor named_parameter_cost(const std::string& name, Tensor parameter) const override {
    const bool scale = name.ends_with(".gamma");
    if (!scale && !name.ends_with(".alpha")) return {};
    const Tensor wide = cast(parameter, DType::f64);
    const Tensor drift = square(scale ? wide - 1.0 : wide);
    std::vector<int> axes;
    axes.reserve(static_cast<std::size_t>(drift.rank()));
    for (int axis = 0; axis < drift.rank(); ++axis) axes.push_back(axis);
    const Tensor total = reshape(sum(drift, axes), {1});
    return mean_ ? total / static_cast<double>(drift.extent(-1)) : total;
  }

 private:
  bool mean_;
};

ODEUM_PLUGIN(regularizer, "affine_drift", AffineDrift, "1.0.0",
             "Scales from 1 and shifts from 0, squared")

}  // namespace
}  // namespace odeum::regularizers
