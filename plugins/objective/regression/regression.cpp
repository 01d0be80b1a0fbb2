// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "odeum/objective.hpp"
#include "odeum/plugin.hpp"

namespace odeum::objectives {
namespace {

double mean(const std::vector<double>& values) {
  double total = 0.0;
  for (const double value : values) total += value;
  return total / static_cast<double>(values.size());
}

class Regression final : public Objective {
 public:
  static Schema schema() {
    return Schema(
        "Mean squared error between the model's value for x and the target y, over the elements of "
        "a sample. With an ode block alone and y the state that followed x after the block's span, "
        "its field is the learned dynamics. Roles x and y, of the same number of elements as the "
        "model's value. Metrics squared_error [y's unit squared] and absolute_error [y's unit]; "
        "the figure root_mean_squared_error [y's unit] over all rows");
  }

  explicit Regression(const Config& /*config*/) {}

  std::vector<std::string> roles() const override { return {"x", "y"}; }
  std::string units() const override { return "squared error"; }

  Losses losses(Scope& /*scope*/, Model& model,
                const std::map<std::string, Tensor>& roles) const override {
    const Tensor value = model.forward(roles.at("x")).value;
    const Tensor target = roles.at("y");
    const std::int64_t elements = target.shape().elements_per_row();
    if (value.shape().elements_per_row() != elements) {
      throw std::invalid_argument("the model gives samples of shape " + value.shape().text() +
                                  " and the target y has " + target.shape().text() +
                                  ": end the model with the block dense, of as many features as y");
    }
    const auto flat = [elements](Tensor t) {
      return reshape(cast(t, DType::f64), {kRows, elements});
    };
    const Tensor error = flat(value) - flat(target);
    const Tensor squared = mean_features(square(error));
    return {squared, {{"squared_error", squared}, {"absolute_error", mean_features(abs(error))}}};
  }

  std::map<std::string, double> figures(
      const std::map<std::string, std::vector<double>>& metrics) const override {
    return {{"root_mean_squared_error", std::sqrt(mean(metrics.at("squared_error")))}};
  }

  std::string why_no_sampling() const override {
    return "a regression is a model of y given x, not of the data";
  }
};

ODEUM_PLUGIN(objective, "regression", Regression, "1.0.0", "Mean squared error of a target")

}  // namespace
}  // namespace odeum::objectives
