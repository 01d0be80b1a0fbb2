// SPDX-License-Identifier: Apache-2.0
// A physics code as a field: a chain of springs between two walls, computed with Eigen.
#include <Eigen/Dense>
#include <odeum/eigen.hpp>
#include <odeum/field.hpp>
#include <odeum/native.hpp>

namespace {

using namespace odeum;

/// Positions x and velocities v of n unit masses: x' = v, v' = -k A x - k x^3, A = tridiag(-1, 2,
/// -1); the one parameter is k.
class Springs final : public NativeRate {
 public:
  explicit Springs(Derivative derivative) : derivative_(derivative) {}

  std::string name() const override { return "springs"; }
  Derivative derivative() const override { return derivative_; }

  void rate(double, std::span<const double> z, std::span<const double> parameters,
            std::span<double> rate) const override {
    const auto n = static_cast<Eigen::Index>(z.size() / 2);
    const auto x = vector(z).head(n);
    vector(rate).head(n) = vector(z).tail(n);
    vector(rate).tail(n) = -parameters[0] * (stiffness(n) * x + x.cwiseProduct(x).cwiseProduct(x));
  }

  void vjp(double, std::span<const double> z, std::span<const double> parameters,
           std::span<const double> cotangent, double& of_t, std::span<double> of_z,
           std::span<double> of_parameters) const override {
    const auto n = static_cast<Eigen::Index>(z.size() / 2);
    const auto x = vector(z).head(n);
    const auto of_force = vector(cotangent).tail(n);
    const Eigen::VectorXd slope = 3.0 * x.cwiseProduct(x);
    vector(of_z).head(n) =
        -parameters[0] * (stiffness(n) * of_force + slope.cwiseProduct(of_force));
    vector(of_z).tail(n) = vector(cotangent).head(n);
    of_parameters[0] = -of_force.dot(stiffness(n) * x + x.cwiseProduct(x).cwiseProduct(x));
    of_t = 0.0;
  }

 private:
  static Eigen::MatrixXd stiffness(Eigen::Index n) {
    Eigen::MatrixXd a = 2.0 * Eigen::MatrixXd::Identity(n, n);
    a.diagonal(1).setConstant(-1.0);
    a.diagonal(-1).setConstant(-1.0);
    return a;
  }

  Derivative derivative_;
};

NativeRate::Derivative derivative_named(const std::string& name) {
  if (name == "own") return NativeRate::Derivative::own;
  return name == "differences" ? NativeRate::Derivative::differences : NativeRate::Derivative::none;
}

class SpringField final : public VectorField {
 public:
  static Schema schema() {
    return Schema("Chain of springs between two walls, state (positions, velocities)")
        .text("derivative", "own",
              "own: of the code; differences: central ones; none: gradients are refused")
        .choices({"own", "differences", "none"})
        .number("stiffness", 1.0, "initial stiffness, learned")
        .above(0);
  }
  explicit SpringField(const Config& config)
      : code_(std::make_shared<Springs>(derivative_named(config.text("derivative")))),
        stiffness_(config.number("stiffness")) {}

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    const Tensor k = scope.parameter("stiffness", {1}, Initializer::constant(stiffness_));
    return native_rate(code_, t, z, k);
  }

 private:
  std::shared_ptr<const NativeRate> code_;
  double stiffness_;
};

}  // namespace

ODEUM_PLUGIN(field, "springs", SpringField, "1.0.0", "Chain of springs, native code with Eigen")
