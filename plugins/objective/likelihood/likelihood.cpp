// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>
#include <string>

#include "odeum/objective.hpp"
#include "odeum/plugin.hpp"

namespace odeum::objectives {
namespace {

/// ln N(z; 0, I) of each row, [rows] float64.
Tensor log_normal(Tensor z) {
  const auto elements = static_cast<double>(z.shape().elements_per_row());
  const double log_constant = 0.5 * elements * std::log(2.0 * std::numbers::pi);
  return -0.5 * sum_features(square(cast(z, DType::f64))) - log_constant;
}

class Likelihood final : public Objective {
 public:
  static Schema schema() {
    Schema s(
        "Maximum likelihood of a normalising flow: -(ln N(z; 0, I) + ln |det dz/dx|) of the "
        "model's z for data x; "
        "role x");
    s.cite("Chen, Rubanova, Bettencourt, Duvenaud, NeurIPS 2018, arXiv 1806.07366, section 4");
    s.text("units", "nats",
           "unit of the training loss, which weights of regularizers are relative to: nats a "
           "sample, or those over "
           "the D ln 2 of a sample with D elements")
        .choices({"nats", "bits_per_dim"});
    return s;
  }

  explicit Likelihood(const Config& config) : units_(config.text("units")) {}

  std::vector<std::string> roles() const override { return {"x"}; }
  bool needs_log_determinant() const override { return true; }
  std::string units() const override { return units_; }
  double unit_scale(std::int64_t elements) const override {
    return units_ == "nats" ? 1.0 : static_cast<double>(elements) * std::numbers::ln2;
  }

  Losses losses(Scope& /*scope*/, Model& model,
                const std::map<std::string, Tensor>& roles) const override {
    Tensor x = roles.at("x");
    const Model::Result result = model.forward(x);
    Tensor nll = -(log_normal(result.value) + result.log_determinant);
    if (units_ == "nats") return {nll, {{"nll", nll}}};
    Tensor bits = nll / unit_scale(x.shape().elements_per_row());
    return {bits, {{"nll", nll}, {"bits_per_dim", bits}}};
  }

  Tensor base_sample(Scope& scope, const Shape& shape) const override {
    return scope.noise("base", shape, Distribution::normal);
  }

 private:
  std::string units_;
};

ODEUM_PLUGIN(objective, "likelihood", Likelihood, "1.0.0",
             "Maximum likelihood of a normalising flow")

}  // namespace
}  // namespace odeum::objectives
