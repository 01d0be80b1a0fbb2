// A block with inverse and log-determinant: y = exp(s) x + b, s and b learned.
#include <odeum/block.hpp>

namespace {

using namespace odeum;

class PluginClass final : public Block {
 public:
  static Schema schema() {
    return Schema("Scale and shift of each feature, both learned: y = exp(s) x + b");
  }

  Output forward(Scope& scope, Tensor x) const override {
    const Tensor s = log_scale(scope, x);
    const Tensor per_sample = sum(cast(s, DType::f64), {0});
    return {exp(s) * x + shift(scope, x),
            zeros_like(sum_features(cast(x, DType::f64))) + per_sample};
  }

  Tensor inverse(Scope& scope, Tensor y) const override {
    return (y - shift(scope, y)) * exp(-log_scale(scope, y));
  }

  Shape output_shape(const Shape& input) const override {
    if (input.rank() != 1)
      throw ConfigError("takes samples of one axis, these have shape " + input.text());
    return input;
  }

 private:
  // The same name gives the same parameter, here and in the inverse.
  static Tensor log_scale(Scope& scope, Tensor x) {
    return scope.parameter("log_scale", Shape{x.extent(-1)}, Initializer::constant(0));
  }
  static Tensor shift(Scope& scope, Tensor x) {
    return scope.parameter("shift", Shape{x.extent(-1)}, Initializer::constant(0));
  }
};

}  // namespace

ODEUM_PLUGIN(block, "plugin_name", PluginClass, "0.1.0", "Learned scale and shift")
