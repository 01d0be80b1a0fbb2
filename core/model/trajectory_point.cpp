// SPDX-License-Identifier: Apache-2.0
#include "model/trajectory_point.hpp"

#include <array>
#include <utility>

#include "odeum/tensor.hpp"
#include "odeum/transforms.hpp"

namespace odeum::model {

TrajectoryPoint::TrajectoryPoint(const VectorField& field, Scope& scope, Tensor t, Tensor z,
                                 std::vector<Tensor> probes, Divergence divergence)
    : field_(field), scope_(scope), t_(t), z_(z), probes_(std::move(probes)), kind_(divergence) {}

Tensor TrajectoryPoint::velocity() {
  if (!velocity_) {
    velocity_ = field_(scope_, t_, z_);
    if (!(velocity_.shape() == z_.shape())) {
      throw ConfigError("the field returns a rate of shape " + velocity_.shape().text() +
                        " for a state of shape " + z_.shape().text());
    }
  }
  return velocity_;
}

Tensor TrajectoryPoint::probe() {
  used_probe_ = true;
  if (probes_.empty()) bug("a probe was asked for in a solve that has none");
  return probes_.front();
}

Tensor TrajectoryPoint::vjp(Tensor cotangent) {
  Tensor& known = vjps_[cotangent.id()];
  if (!known) {
    const std::array outputs{velocity()};
    const std::array inputs{z_};
    const std::array cotangents{cotangent};
    known = odeum::vjp(outputs, inputs, cotangents).front();
  }
  return known;
}

Tensor TrajectoryPoint::jvp(Tensor tangent) {
  Tensor& known = jvps_[tangent.id()];
  if (!known) {
    const std::array outputs{velocity()};
    const std::array inputs{z_};
    const std::array tangents{tangent};
    known = odeum::jvp(outputs, inputs, tangents).front();
  }
  return known;
}

Tensor TrajectoryPoint::divergence() {
  if (divergence_) return divergence_;
  switch (kind_) {
    case Divergence::none:
      bug("the divergence was asked for in a solve that has none");
    case Divergence::exact:
      divergence_ = exact_divergence();
      break;
    case Divergence::hutchinson: {
      const Tensor eps = probe();
      divergence_ = sum_features(vjp(eps) * eps);
      break;
    }
  }
  return divergence_;
}

Tensor TrajectoryPoint::exact_divergence() {
  const std::int64_t features = z_.shape().elements_per_row();
  // A tangent that the whole basis is put in place of.
  const std::array tangent{placeholder(z_)};
  const std::array derivative{jvp(tangent.front())};

  const Tensor row = iota(z_, Shape{features, features}, 0, z_.dtype());
  const Tensor column = iota(z_, Shape{features, features}, 1, z_.dtype());
  const Tensor identity = equal(row, column);
  std::vector<std::int64_t> extents = z_.shape().extents();
  extents.insert(extents.begin() + 1, features);
  std::vector<std::int64_t> unit_extents = extents;
  unit_extents[0] = 1;
  const Tensor basis = broadcast(reshape(identity, Shape(unit_extents)), Shape(extents));
  const std::array mapped{basis};
  return sum_features(vmap(derivative, tangent, mapped).front() * basis);
}

Tensor TrajectoryPoint::time_derivative() {
  const std::array outputs{velocity()};
  // z is given too: in a later stage of a step it was computed from t, which is not meant here.
  const std::array inputs{t_, z_};
  const std::array tangents{ones_like(t_), zeros_like(z_)};
  return odeum::jvp(outputs, inputs, tangents).front();
}

Tensor TrajectoryPoint::derivative(int k) {
  if (k < 1) bug("the order of a trajectory's derivative must be at least 1");
  if (derivatives_.empty()) derivatives_.push_back(velocity());
  while (static_cast<int>(derivatives_.size()) < k) {
    // d/dt g(t, z(t)) = dg/dt + dg/dz f.
    const std::array outputs{derivatives_.back()};
    const std::array inputs{t_, z_};
    const std::array tangents{ones_like(t_), velocity()};
    derivatives_.push_back(odeum::jvp(outputs, inputs, tangents).front());
  }
  return derivatives_[static_cast<std::size_t>(k) - 1];
}

}  // namespace odeum::model
