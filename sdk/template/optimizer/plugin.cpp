// One update of the flat parameter buffer, as tensor code.
#include <odeum/optimizer.hpp>

namespace {

using namespace odeum;

class PluginClass final : public Optimizer {
 public:
  static Schema schema() {
    return Schema("Lion: a step of length lr along the sign of an average of gradients")
        .number("beta1", 0.9, "share of the average in the direction of the step")
        .at_least(0)
        .below(1)
        .number("beta2", 0.99, "share of the average kept from step to step")
        .at_least(0)
        .below(1)
        .cite(
            "X. Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, arXiv "
            "2302.06675");
  }
  explicit PluginClass(const Config& config)
      : beta1_(config.number("beta1")), beta2_(config.number("beta2")) {}

  // Buffers like the parameters, kept between updates and saved in checkpoints.
  std::vector<std::string> slots() const override { return {"average"}; }

  UpdateOutputs update(const UpdateInputs& in) const override {
    const Tensor average = in.slots[0];
    const Tensor direction = sign(beta1_ * average + (1.0 - beta1_) * in.gradient);
    return {in.parameters - in.learning_rate * direction,
            {beta2_ * average + (1.0 - beta2_) * in.gradient}};
  }

 private:
  double beta1_, beta2_;
};

}  // namespace

ODEUM_PLUGIN(optimizer, "plugin_name", PluginClass, "0.1.0", "Sign of averaged gradients")
