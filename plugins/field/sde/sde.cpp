// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <vector>

#include "../drift_diffusion.hpp"
#include "odeum/increments.hpp"

namespace odeum::fields {
namespace {

class StochasticEquation final : public VectorField, public WienerIncrements {
 public:
  static Schema schema() {
    Schema s(
        "A stochastic differential equation dx = f dt + g dW with one Wiener process for each "
        "component and an increment of it a step: sqrt(h) N(0, 1), h = T / N for N steps over the "
        "solve's span of length T, drawn once a solve and the same in its gradient. With the "
        "solver euler it is the method of Euler and Maruyama (Ito; strong order 1/2, 1 where g "
        "does not depend on x); with heun, midpoint, ralston and other explicit Runge-Kutta "
        "methods of order 2 and more their stochastic namesakes (Stratonovich; strong order 1 "
        "where each factor in g depends on its own component of x alone, so that the noise "
        "commutes, else 1/2). The solver's step is T / N. Gradients are those of the steps, by "
        "backprop. The field wong_zakai is the same equation for adaptive solvers, of a smoothed "
        "noise");
    s.cite(
        "Kloeden, Platen, Numerical Solution of Stochastic Differential Equations, Springer 1992, "
        "10.2");
    s.cite(
        "Ruemelin, Numerical treatment of stochastic differential equations, SIAM J. Numer. Anal. "
        "19, 1982");
    DriftDiffusion::declare_fields(s);
    s.text(
         "calculus",
         "what g dW means: ito takes g at the beginning of each increment, stratonovich "
         "is the limit of smooth noise; they are one where g does not depend on x. Ito's equation "
         "is Stratonovich's with the drift f - g dg/dx / 2")
        .choices({"ito", "stratonovich"});
    s.integer("increments", "N: steps over the span").at_least(1).at_most(100000);
    return DriftDiffusion::declare_paths(s);
  }

  explicit StochasticEquation(const Config& config)
      : equation_(config),
        calculus_(config.text("calculus") == "ito" ? Calculus::ito : Calculus::stratonovich),
        increments_(config.integer("increments")) {}

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    const Piece piece = piece_at(scope, t);
    const DriftDiffusion::Rates rates = equation_(scope, piece.time, z);
    return rates.drift + rates.diffusion * noise_rate(scope, piece, z);
  }

  std::int64_t features() const override { return equation_.features(); }
  std::vector<std::string> components() const override { return equation_.components(); }
  std::vector<double> kinks() const override { return equation_.kinks(); }

  std::int64_t increments() const override { return increments_; }
  Calculus calculus() const override { return calculus_; }

 private:
  struct Piece {
    Tensor index;   ///< int64, shaped as t
    Tensor time;    ///< t, or the joint that it stands for
    Tensor length;  ///< of the piece, [1]
  };
  /// As WienerIncrements says.
  Piece piece_at(Scope& scope, Tensor t) const {
    const Tensor span = scope.input("span", {2});
    const Tensor first = slice(span, 0, 0, 1);
    const Tensor last = slice(span, 0, 1, 2);
    const Tensor start = min(first, last);
    const Tensor length = abs(last - first) / static_cast<double>(increments_);
    const Tensor place = (t - start) / length;
    const Tensor at =
        min(max(floor(place + 0.5 * kBeforeJoint), 0.0), static_cast<double>(increments_ - 1));
    const Tensor in_piece = place - at;
    const Tensor before_joint = less(full(t, {1}, 1.0 - 1.5 * kBeforeJoint), in_piece);
    return {cast(at, DType::i64), select(before_joint, start + (at + 1.0) * length, t), length};
  }

  /// dW/dt = xi_n / sqrt(h) on piece n, shaped as the state.
  Tensor noise_rate(Scope& scope, const Piece& piece, Tensor z) const {
    // The recording's nodes move as it grows, and z's shape with them.
    const Shape shape = z.shape();  // NOLINT(performance-unnecessary-copy-initialization)
    const std::int64_t elements = shape.elements_per_row();
    const Tensor xi =
        scope.noise("increments", {kRows, elements, increments_}, Distribution::normal);
    const bool by_row = piece.index.shape().has_rows();
    const Tensor index = reshape(piece.index, by_row ? Shape{kRows, 1, 1} : Shape{1, 1, 1});
    const Tensor drawn = gather(xi, broadcast(index, {kRows, elements, 1}));
    return reshape(drawn, shape) / sqrt(piece.length);
  }

  DriftDiffusion equation_;
  Calculus calculus_;
  std::int64_t increments_;
};

ODEUM_PLUGIN(field, "sde", StochasticEquation, "1.0.0",
             "A stochastic differential equation, an increment of its noise a step")

}  // namespace
}  // namespace odeum::fields
