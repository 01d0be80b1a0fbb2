// Maximum likelihood with a logistic base distribution: heavier tails than the normal one.
#include <numbers>
#include <odeum/objective.hpp>

namespace {

using namespace odeum;

class PluginClass final : public Objective {
 public:
  static Schema schema() {
    return Schema(
        "-(ln p(z) + ln |det dz/dx|), p a product of logistic "
        "densities e^-z / (1 + e^-z)^2; role x, in nats");
  }

  std::vector<std::string> roles() const override { return {"x"}; }
  bool needs_log_determinant() const override { return true; }
  std::string units() const override { return "nats"; }

  Losses losses(Scope&, Model& model, const std::map<std::string, Tensor>& roles) const override {
    const Model::Result result = model.forward(roles.at("x"));
    const Tensor z = cast(result.value, DType::f64);
    const Tensor log_p = sum_features(-z - 2.0 * softplus(-z));
    const Tensor nll = -(log_p + result.log_determinant);
    return {nll, {{"nll", nll}}};
  }

  // For `odeum sample`: the quantile function of a uniform draw.
  Tensor base_sample(Scope& scope, const Shape& shape) const override {
    const Tensor u = scope.noise("base", shape, Distribution::uniform);
    return log(u) - log1p(-u);
  }
};

}  // namespace

ODEUM_PLUGIN(objective, "plugin_name", PluginClass, "0.1.0", "Maximum likelihood, logistic base")
