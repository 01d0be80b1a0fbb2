// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <map>
#include <string>

#include "../normal_base.hpp"
#include "odeum/objective.hpp"
#include "odeum/plugin.hpp"

namespace odeum::objectives {
namespace {

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
    return units_ == "nats" ? 1.0 : nats_per_bit_per_dim(elements);
  }

  Losses losses(Scope& /*scope*/, Model& model,
                const std::map<std::string, Tensor>& roles) const override {
    Tensor x = roles.at("x");
    Tensor nll = negative_log_likelihood(model.forward(x));
    if (units_ == "nats") return {nll, {{"nll", nll}}};
    Tensor bits = nll / unit_scale(x.shape().elements_per_row());
    return {bits, {{"nll", nll}, {"bits_per_dim", bits}}};
  }

  Tensor base_sample(Scope& scope, const Shape& shape) const override {
    return normal_base(scope, shape);
  }

 private:
  std::string units_;
};

ODEUM_PLUGIN(objective, "likelihood", Likelihood, "1.0.0",
             "Maximum likelihood of a normalising flow")

}  // namespace
}  // namespace odeum::objectives
