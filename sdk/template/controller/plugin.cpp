// A proportional-integral step-size controller: calmer than the elementary one where steps are
// limited by stability.
#include <odeum/controller.hpp>

namespace {

using namespace odeum;

class PluginClass final : public Controller {
 public:
  static Schema schema() {
    return Schema("next = h * safety * ratio^(-0.7/k) * last_ratio^(0.4/k), between h/5 and 10 h")
        .number("safety", 0.9, "margin on the step that would just meet the tolerance")
        .above(0)
        .at_most(1)
        .cite("E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.2");
  }
  explicit PluginClass(const Config& config) : safety_(config.number("safety")) {}

  // One number is carried from step to step: the last accepted step's error ratio.
  std::vector<double> initial_memory() const override { return {1.0}; }

  // Tensor code on [1] (one step for the batch) or [rows] (one a sample).
  ControlOutputs decide(const ControlInputs& in) const override {
    const Tensor hopeless = full(in.h, in.h.shape(), 1e30);
    const Tensor known = less(in.error_ratio, hopeless);
    const Tensor ratio = max(select(known, in.error_ratio, hopeless), 1e-10);
    const Tensor accept = 1.0 - less(ones_like(ratio), ratio);
    const Tensor last = in.memory[0];
    const Tensor factor = safety_ * pow(ratio, -0.7 / in.order) * pow(last, 0.4 / in.order);
    const Tensor next = in.h * min(max(factor, 0.2), 10.0);
    return {.accept = accept, .next_h = next, .memory = {select(accept, ratio, last)}};
  }

 private:
  double safety_;
};

}  // namespace

ODEUM_PLUGIN(controller, "plugin_name", PluginClass, "0.1.0",
             "Proportional-integral step-size control")
