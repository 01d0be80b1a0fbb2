// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "odeum/nested.hpp"
#include "odeum/plugin.hpp"
#include "odeum/transforms.hpp"

namespace odeum::fields {
namespace {

/// Drift and diffusion at one point, shaped as the state.
struct Rates {
  Tensor drift;
  Tensor diffusion;
};

/// Of a part that is recorded for one path and computed for all of them.
class PathScope final : public PartScope {
 public:
  using PartScope::PartScope;
  void observe(const std::string& buffer, Tensor /*weight*/, Tensor /*value*/) override {
    throw std::invalid_argument("'" + buffer +
                                "' holds statistics of the batch, which `paths: true` would take "
                                "over one path of each sample: choose a field without such");
  }
};

/// The first path, to be replaced by all.
Tensor one_path(Tensor paths) {
  std::vector<std::int64_t> extents = paths.shape().extents();
  extents.erase(extents.begin() + 1);
  return placeholder(reshape(slice(paths, 1, 0, 1), Shape(std::move(extents))));
}

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
    s.component("drift", "field", "mlp", "f");
    s.component("diffusion", "field", "mlp", "g, a factor for each component of the noise");
    s.integer("terms", 25,
              "K: the shortest wave that is left has a length of 4 T / (2 K - 1), which steps have "
              "to follow; of the variance of W the share of about 1/(pi^2 K) is left out at the "
              "end of the span")
        .at_least(1)
        .at_most(10000);
    s.flag("paths", false,
           "whether samples are [paths, ...], with drift and diffusion for each path alone and a "
           "noise of its own: several solutions from one initial state (block copies)");
    return s;
  }

  explicit WongZakai(const Config& config)
      : drift_(make_field(config.component("drift"))),
        diffusion_(make_field(config.component("diffusion"))),
        terms_(config.integer("terms")),
        paths_(config.flag("paths")) {
    const std::int64_t f = drift_->features();
    const std::int64_t g = diffusion_->features();
    if (f >= 0 && g >= 0 && f != g) {
      config.fail("diffusion", "has " + std::to_string(g) + " components, the drift has " +
                                   std::to_string(f) + ": each needs its factor");
    }
  }

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    const Rates rates = paths_ ? rates_of_paths(scope, t, z) : rates_at<PartScope>(scope, t, z);
    return rates.drift + rates.diffusion * noise_rate(scope, t, z);
  }

  std::int64_t features() const override {
    return std::max(drift_->features(), diffusion_->features());
  }
  std::vector<std::string> components() const override { return drift_->components(); }
  std::vector<double> kinks() const override {
    std::vector<double> all = drift_->kinks();
    for (const double kink : diffusion_->kinks()) all.push_back(kink);
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

 private:
  template <class Part>
  Rates rates_at(Scope& scope, Tensor t, Tensor z) const {
    Part drift(scope, "drift");
    Part diffusion(scope, "diffusion");
    const Tensor f = (*drift_)(drift, t, z);
    return {f, (*diffusion_)(diffusion, t, z)};
  }

  Rates rates_of_paths(Scope& scope, Tensor t, Tensor z) const {
    if (z.rank() < 3) {
      throw std::invalid_argument(
          "with `paths: true` samples are [paths, ...], these are a row of features: put the block "
          "copies in front of the solve");
    }
    const std::array one{one_path(z)};
    const Rates single = rates_at<PathScope>(scope, t, one.front());
    const std::array outputs{single.drift, single.diffusion};
    const std::array mapped{z};
    const std::vector<Tensor> all = vmap(outputs, one, mapped);
    return {all[0], all[1]};
  }

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

  std::shared_ptr<const VectorField> drift_;
  std::shared_ptr<const VectorField> diffusion_;
  std::int64_t terms_;
  bool paths_;
};

ODEUM_PLUGIN(field, "wong_zakai", WongZakai, "1.0.0",
             "A stochastic differential equation, its noise expanded in waves")

}  // namespace
}  // namespace odeum::fields
