// SPDX-License-Identifier: Apache-2.0
// Looks for sign changes of event functions along the dense output of accepted steps.
//
// Each step is sampled at equally spaced points, values and slopes, in one run of a program. A
// change of sign between two points is a crossing; where the sign is the same but the slopes tell
// of a turn towards zero between them, the turning point is looked at too, so that a pair of
// crossings is seen although neither point tells. Crossings are located to the resolution of time.
#pragma once

#include <memory>
#include <vector>

#include "odeum/solve.hpp"
#include "solve/crossings.hpp"
#include "solve/step_programs.hpp"
#include "solve/workspace.hpp"

namespace odeum::solve {

class EventWatch {
 public:
  /// `method` and `functions` must outlive this; `carry` and `dense`: the solver's values.
  EventWatch(const Method& method, const EventFunctions& functions,
             const std::vector<ValueSpec>& carry, const std::vector<ValueSpec>& dense,
             Device& device);

  /// A new solve: no sign is known yet.
  void begin(std::int64_t rows);

  struct Sighting {
    double x = 0.0;  ///< within the step, in [0, 1]: on or just behind the surface
    std::size_t event = 0;
    std::int64_t sample = 0;
  };
  /// The crossings inside the step from t of length h, in order. `arguments`: members, carry, new
  /// members, new carry, dense, constants.
  std::vector<Sighting> look(double t, double h, std::span<const View> arguments);

 private:
  Point evaluate(double x, std::size_t event, std::int64_t sample);

  const EventFunctions& functions_;
  Device& device_;
  double rounding_;  ///< of the state's type
  std::unique_ptr<Executable> run_all_, run_one_;
  Workspace workspace_;
  std::vector<View> control_, points_, point_, values_, value_;
  std::vector<View> arguments_;  ///< of the step under look: control, a point, and what was given
  std::vector<double> sampled_;
  std::int64_t rows_ = 0;
  std::vector<Side> sides_;  ///< [rows, events]
};

}  // namespace odeum::solve
