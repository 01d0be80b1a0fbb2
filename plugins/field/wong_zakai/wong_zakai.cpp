// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "../drift_diffusion.hpp"

namespace odeum::fields {
namespace {

class WongZakai final : public VectorField {
 public:
  static Schema schema() {
    Schema s(
        "A stochastic differential equation dx = f dt + g o dW (Stratonovich, one Wiener process "
        "for each component) as the ordinary one dx/dt = f(t, x) + g(t, x) dW_K/dt: W_K(s) = sum_k "
        "xi_k sqrt(2 T) sin((k - 1/2) pi s / T) / ((k - 1/2) pi) is the Karhunen-Loeve expansion "
        "of W over the solve's span of length T, xi_k are N(0, 1), drawn once a solve and the same "
        "in its gradient. As K grows x tends to the Stratonovich solution (Wong, Zakai); for the "
        "Ito equation take f - g dg/dx / 2 as the drift");
    s.cite(
        "Norcliffe, Deisenroth, Faster training of neural ODEs using Gauss-Legendre quadrature, "
        "TMLR 2023, arXiv 2308.10644");
    s.cite(
        "Wong, Zakai, On the convergence of ordinary integrals to stochastic integrals, Annals of "
        "Mathematical Statistics 36, 1965");
    DriftDiffusion::declare_fields(s);
    s.integer("terms", 25,
              "K: the shortest wave that is left has a length of 4 T / (2 K - 1), which steps have "
              "to follow; of the variance of W the share of about 1/(pi^2 K) is left out at the "
              "end of the span")
        .at_least(1)
        .at_most(10000);
    return DriftDiffusion::declare_paths(s);
  }

  explicit WongZakai(const Config& config) : equation_(config), terms_(config.integer("terms")) {}

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    const DriftDiffusion::Rates rates = equation_(scope, t, z);
    return rates.drift + rates.diffusion * noise_rate(scope, t, z);
  }

  std::int64_t features() const override { return equation_.features(); }
  std::vector<std::string> components() const override { return equation_.components(); }
  std::vector<double> kinks() const override { return equation_.kinks(); }

 private:
  /// dW_K/dt = sqrt(2/T) sum_k xi_k cos((k - 1/2) pi s), s = (t - t0)/T, shaped as the state.
  Tensor noise_rate(Scope& scope, Tensor t, Tensor z) const {
    // The recording's nodes move as it grows, and z's shape with them.
    const Shape shape = z.shape();  // NOLINT(performance-unnecessary-copy-initialization)
    const Tensor span = scope.input("span", {2});
    const Tensor start = slice(span, 0, 0, 1);
    const Tensor end = slice(span, 0, 1, 2);
    const Tensor length = abs(end - start);
    const Tensor s = (t - min(start, end)) / length;

    std::vector<double> frequencies;
    for (std::int64_t k = 1; k <= terms_; ++k) {
      frequencies.push_back((static_cast<double>(k) - 0.5) * std::numbers::pi);
    }
    const Tensor waves = cos(s * constant(z, {terms_}, std::move(frequencies)));
    const Tensor xi =
        scope.noise("xi", {kRows, shape.elements_per_row(), terms_}, Distribution::normal);
    const Tensor sum =
        waves.shape().has_rows() ? dot("rek,rk->re", xi, waves) : dot("rek,k->re", xi, waves);
    return reshape(sqrt(2.0 / length) * sum, shape);
  }

  DriftDiffusion equation_;
  std::int64_t terms_;
};

ODEUM_PLUGIN(field, "wong_zakai", WongZakai, "1.0.0",
             "A stochastic differential equation, its noise expanded in waves")

}  // namespace
}  // namespace odeum::fields
