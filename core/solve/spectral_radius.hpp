// SPDX-License-Identifier: Apache-2.0
// The spectral radius of df/dz at a point of a solve, for each sample, by power iteration with
// tangents of the rates.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "odeum/solve.hpp"
#include "solve/workspace.hpp"

namespace odeum::solve {

class SpectralRadius {
 public:
  /// `dynamics` must outlive this. Throws what recording a tangent of the rates throws.
  SpectralRadius(const Dynamics& dynamics, std::shared_ptr<Device> device);

  struct Estimate {
    double radius = 0.0;
    /// v^T J v / radius for the unit vector v that the iteration found, in [-1, 1]: about -1 where
    /// the largest eigenvalue is real and decays as time grows, 1 where it grows, 0 for a rotation.
    double direction = 0.0;
  };
  /// By row; of one row where the state has none. Not a number where the rates are not finite.
  std::vector<Estimate> at(std::int64_t rows, double t, std::span<const View> members,
                           std::span<const View> constants);

 private:
  std::shared_ptr<Device> device_;
  std::vector<ValueSpec> tangents_;  ///< of the members that rates depend on
  std::unique_ptr<Executable> run_;
  Workspace workspace_;
  std::vector<View> t_, from_, to_, measured_;
};

/// The members of a state that its own rates depend on and that have rows: what a Jacobian is of.
std::vector<std::size_t> coupled_members(const Dynamics& dynamics);

}  // namespace odeum::solve
