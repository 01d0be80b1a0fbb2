// SPDX-License-Identifier: Apache-2.0
// What a field does at a point of a solve: measured on the device once the solve has failed.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "odeum/solve.hpp"
#include "solve/cause.hpp"
#include "solve/spectral_radius.hpp"
#include "solve/workspace.hpp"

namespace odeum::solve {

class Inspection {
 public:
  /// Both references must outlive this. Throws what recording a tangent of the rates throws: then
  /// the field cannot be looked at.
  Inspection(const Dynamics& dynamics, const SolveOptions& options, std::shared_ptr<Device> device);

  /// Fills radius, direction, growth, growth_rate, magnitude, largest_number and noise of
  /// `evidence`, whose t and h are set, for this row; -1: the row of the largest spectral radius.
  void measure(Evidence& evidence, std::int64_t row, std::int64_t rows,
               std::span<const View> members, std::span<const View> constants);

 private:
  std::shared_ptr<Device> device_;
  DType type_;
  SpectralRadius spectral_radius_;
  std::unique_ptr<Executable> run_;
  Workspace workspace_;
  std::vector<View> t_, measured_;
};

}  // namespace odeum::solve
