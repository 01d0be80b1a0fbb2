// SPDX-License-Identifier: Apache-2.0
// A solve as a node of an outer program: the host functions that run it forward and backward.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/observer.hpp"
#include "model/pipeline.hpp"
#include "odeum/device.hpp"
#include "odeum/gradient.hpp"
#include "odeum/program.hpp"

namespace odeum::model {

struct OdeSolveSession;

/// What the solves of a pipeline did since it was last cleared, and those that are differentiated.
struct SolveLog {
  struct Record {
    std::string block;
    bool backward = false;
    SolveReport report;
  };
  std::vector<Record> records;
  struct Trained {
    std::weak_ptr<const OdeSolveSession> session;
    SolveOptions options;
  };
  std::vector<Trained> trained;
};

/// What the forward and the backward node of one solve share.
struct OdeSolveSession {
  std::string block;
  std::shared_ptr<Device> device;
  Dynamics dynamics;
  /// Start, times at which the state is handed on, end; at least the first and the last.
  std::vector<double> grid{0.0, 1.0};
  bool span_is_input = false;  ///< then start and end come as a float64 [2] behind the state
  /// One of the two: with derivatives, or without.
  std::unique_ptr<DifferentiableSolve> differentiable;
  std::unique_ptr<Integrator> integrator;
  std::shared_ptr<Observer> observer;  ///< of buffers that the field observes; or none
  std::vector<InputSpec> observed;     ///< those buffers
  std::shared_ptr<SolveLog> log;
  OnFailure on_failure = OnFailure::fail;

  // The last forward solve's arguments, for its backward one.
  std::vector<double> times;
  std::shared_ptr<void> zeros;  ///< where quadratures start
  std::size_t zeros_bytes = 0;
};

/// Inputs: z [rows, ...]; start and end, if they are an input; the dynamics' constants. Outputs: z
/// at each time of the grid between start and end; all members at the end; the observed buffers
/// behind the solve. Throws SolveFailure.
std::shared_ptr<HostFunction> make_ode_solve(std::shared_ptr<OdeSolveSession> session);

}  // namespace odeum::model
