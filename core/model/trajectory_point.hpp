// SPDX-License-Identifier: Apache-2.0
// A point of a trajectory while the dynamics are recorded: the Path that regularizers see. The
// field, its products with the Jacobian and the divergence are recorded once and shared.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "odeum/field.hpp"
#include "odeum/regularizer.hpp"

namespace odeum::model {

/// How tr(df/dz) is had.
enum class Divergence : std::uint8_t {
  none,        ///< not asked for
  exact,       ///< all diagonal entries, by one vmapped tangent: costs D evaluations
  hutchinson,  ///< eps^T J eps with the solve's probe (Hutchinson 1990; Grathwohl 2019)
};

class TrajectoryPoint final : public Path {
 public:
  /// `t` has the state's type, [1] or [rows, 1]; `probes` may be empty where nobody asks.
  TrajectoryPoint(const VectorField& field, Scope& scope, Tensor t, Tensor z,
                  std::vector<Tensor> probes, Divergence divergence);

  Tensor time() override { return t_; }
  Tensor state() override { return z_; }
  Tensor velocity() override;
  Tensor probe() override;
  Tensor vjp(Tensor cotangent) override;
  Tensor jvp(Tensor tangent) override;
  Tensor divergence() override;
  Tensor time_derivative() override;
  Tensor derivative(int k) override;

  /// Whether `probe` was asked for, by a regularizer or the estimator.
  bool used_probe() const { return used_probe_; }

 private:
  Tensor exact_divergence();

  const VectorField& field_;
  Scope& scope_;
  Tensor t_;
  Tensor z_;
  std::vector<Tensor> probes_;
  Divergence kind_;
  bool used_probe_ = false;
  Tensor velocity_;
  Tensor divergence_;
  std::map<ValueId, Tensor> vjps_;
  std::map<ValueId, Tensor> jvps_;
  std::vector<Tensor> derivatives_;
};

}  // namespace odeum::model
