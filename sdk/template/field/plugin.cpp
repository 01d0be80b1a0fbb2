// The forced Duffing oscillator.
#include <odeum/field.hpp>

namespace {

using namespace odeum;

class PluginClass final : public VectorField {
 public:
  static Schema schema() {
    return Schema(
               "Duffing oscillator, state (position, velocity): x'' = x - x^3 - damping x' + force "
               "cos(t)")
        .number("damping", 0.3, "friction coefficient [1/s]")
        .at_least(0)
        .number("force", 0.5, "amplitude of the force");
  }
  explicit PluginClass(const Config& config)
      : damping_(config.number("damping")), force_(config.number("force")) {}

  // Tensor code: recorded once, then differentiated and compiled by odeum. State is [rows, 2].
  Tensor operator()(Scope&, Tensor t, Tensor state) const override {
    const auto [x, v] = split<1, 1>(state);
    return concat({v, x - x * x * x - damping_ * v + force_ * cos(t)});
  }

  std::int64_t features() const override { return 2; }
  std::vector<std::string> components() const override { return {"position", "velocity"}; }

 private:
  double damping_, force_;
};

}  // namespace

ODEUM_PLUGIN(field, "plugin_name", PluginClass, "0.1.0", "Duffing oscillator")
