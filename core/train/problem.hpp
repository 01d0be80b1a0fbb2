// SPDX-License-Identifier: Apache-2.0
// Problem: what a file for `odeum solve` describes, assembled: one initial value problem with its
// solver on a device.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/ode_dynamics.hpp"
#include "model/pipeline.hpp"
#include "odeum/config.hpp"
#include "odeum/controller.hpp"
#include "odeum/field.hpp"
#include "odeum/solve.hpp"

namespace odeum::plugin {
class Registry;
}

namespace odeum::train {

struct Solution {
  SolveReport report;
  /// The times that were reached, the first one included; with `save: steps` the ends of steps. An
  /// event or a steady state that ended the solve is the last one.
  std::vector<double> t;
  std::vector<std::vector<double>> y;  ///< the states there
};

class Problem {
 public:
  /// `root`: of solve_schema() or gradcheck_schema(). A ConfigError where field, state, times and
  /// solver do not fit together.
  Problem(const Config& root, const plugin::Registry& registry);

  /// Solves; a failure is in the report. With `on_failure: partial` the solution ends where the
  /// solve did, otherwise a failed one is empty.
  Solution solve();

  // What gradients are taken of: the problem's parts.
  const std::vector<double>& times() const { return times_; }
  const std::vector<double>& initial() const { return initial_; }
  const model::Layout& parameters() const { return parameters_; }
  const std::vector<double>& parameter_values() const { return parameter_values_; }
  const std::vector<std::string>& components() const { return components_; }
  DType precision() const { return precision_; }
  const SolveOptions& options() const { return options_; }
  const EventFunctions& events() const { return events_; }
  /// Whether the solve ends at an event, if it meets one.
  bool has_terminal_event() const;
  std::shared_ptr<Device> device() const { return device_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// The setting of this solve, for a gradient method or an integration; with other options where
  /// they are given.
  std::unique_ptr<SolveSetting> setting(const SolveOptions& options) const;
  /// Values of the dynamics' constants on the device, in their order, for these parameters.
  struct Constants {
    std::vector<std::shared_ptr<void>> memory;
    std::vector<View> views;
    std::vector<int> entry;  ///< index into parameters(); -1: no parameter
  };
  Constants constants(const std::vector<double>& parameter_values) const;
  std::shared_ptr<void> upload(const std::vector<double>& values) const;
  std::vector<double> download(View from, std::size_t elements) const;

 private:
  void read_ending(const Config& problem);
  void check_loop(const Config& problem, const std::string& key) const;

  DType precision_;
  std::shared_ptr<Device> device_;
  std::shared_ptr<const VectorField> field_;
  std::shared_ptr<const Solver> solver_;
  std::shared_ptr<const Controller> controller_;
  SolveOptions options_;
  std::int64_t steps_at_once_ = 0;
  SaveTimes save_ = SaveTimes::interpolated;
  std::int64_t every_step_ = 0;  ///< each so manieth step is saved instead of times; 0: times
  EventFunctions events_;
  Until until_ = Until::end;
  double steady_within_ = 1.0;
  std::vector<double> times_;
  std::vector<double> initial_;
  std::vector<std::string> components_;
  std::vector<std::string> warnings_;
  model::OdeDynamics dynamics_;
  model::Layout parameters_;
  std::uint64_t seed_ = 0;
  std::vector<double> parameter_values_;
};

}  // namespace odeum::train
