// SPDX-License-Identifier: Apache-2.0
#include "drift_diffusion.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "odeum/increments.hpp"
#include "odeum/nested.hpp"
#include "odeum/transforms.hpp"

namespace odeum::fields {
namespace {

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

std::shared_ptr<const VectorField> make_part(const Config& config, const std::string& key) {
  auto part = make_field(config.component(key));
  if (dynamic_cast<const WienerIncrements*>(part.get()) != nullptr) {
    config.fail(key, "is driven by increments of noise itself: the noise belongs to the whole");
  }
  return part;
}

}  // namespace

Schema& DriftDiffusion::declare_fields(Schema& schema) {
  schema.component("drift", "field", "mlp", "f");
  return schema.component("diffusion", "field", "mlp",
                          "g, a factor for each component of the noise");
}

Schema& DriftDiffusion::declare_paths(Schema& schema) {
  return schema.flag(
      "paths", false,
      "whether samples are [paths, ...], with drift and diffusion for each path alone and a "
      "noise of its own: several solutions from one initial state (block copies)");
}

DriftDiffusion::DriftDiffusion(const Config& config)
    : drift_(make_part(config, "drift")),
      diffusion_(make_part(config, "diffusion")),
      paths_(config.flag("paths")) {
  const std::int64_t f = drift_->features();
  const std::int64_t g = diffusion_->features();
  if (f >= 0 && g >= 0 && f != g) {
    config.fail("diffusion", "has " + std::to_string(g) + " components, the drift has " +
                                 std::to_string(f) + ": each needs its factor");
  }
}

DriftDiffusion::Rates DriftDiffusion::operator()(Scope& scope, Tensor t, Tensor z) const {
  return paths_ ? rates_of_paths(scope, t, z) : rates_at<PartScope>(scope, t, z);
}

std::int64_t DriftDiffusion::features() const {
  return std::max(drift_->features(), diffusion_->features());
}

std::vector<double> DriftDiffusion::kinks() const {
  std::vector<double> all = drift_->kinks();
  for (const double kink : diffusion_->kinks()) all.push_back(kink);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

template <class Part>
DriftDiffusion::Rates DriftDiffusion::rates_at(Scope& scope, Tensor t, Tensor z) const {
  Part drift(scope, "drift");
  Part diffusion(scope, "diffusion");
  const Tensor f = (*drift_)(drift, t, z);
  return {f, (*diffusion_)(diffusion, t, z)};
}

DriftDiffusion::Rates DriftDiffusion::rates_of_paths(Scope& scope, Tensor t, Tensor z) const {
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

}  // namespace odeum::fields
