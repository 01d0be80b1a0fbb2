// A running cost: what it returns is integrated along every path and added to the loss, times its
// weight.
#include <odeum/regularizer.hpp>

namespace {

using namespace odeum;

class PluginClass final : public Regularizer {
 public:
  static Schema schema() {
    return Schema(
        "Squared acceleration |d^2 z/dt^2|^2 / D of a sample with D features, along its path");
  }
  // A path hands out time, state, velocity, probe, vjp, jvp, higher derivatives: each computed
  // once, whoever asks.
  Tensor running_cost(Path& path) const override {
    return mean_features(square(path.derivative(2)));
  }
};

}  // namespace

ODEUM_PLUGIN(regularizer, "plugin_name", PluginClass, "0.1.0", "Acceleration of the path")
