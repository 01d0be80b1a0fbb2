// SPDX-License-Identifier: Apache-2.0
// The block `ode`: solves the field's equation between its input and its output, with the
// log-density and the regularizers' costs along the way.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/ode_dynamics.hpp"
#include "model/ode_solve.hpp"
#include "model/recorder.hpp"
#include "odeum/config.hpp"
#include "odeum/gradient.hpp"
#include "odeum/increments.hpp"

namespace odeum::model {

/// What a recording is for: a training step (differentiable, training settings), an evaluation,
/// or drawing samples (both with the `evaluate:` settings).
using Use = Mode;

class OdeBlock {
 public:
  /// `state`: one sample's shape, with the leading kRows.
  OdeBlock(const Config& config, std::string name, const Shape& state, DType precision,
           const plugin::Registry& registry, std::shared_ptr<Device> device,
           std::shared_ptr<SolveLog> log, std::vector<std::string>& warnings);

  struct Cost {
    std::string name;  ///< "flow.kinetic"
    Schedule weight;
    Tensor value;  ///< [rows] float64, or [1] for a cost of parameters
  };
  struct Output {
    Tensor value;
    Tensor log_determinant;  ///< [rows] float64; empty where not asked for
    std::vector<Cost> costs;
  };
  /// Records the solve from the span's start to its end. The value is the state there, or those at
  /// the block's times, [rows, times, ...].
  Output forward(Recorder& recorder, Tensor z, Use use) const;
  /// Records the solve from the span's end to its start, without density and costs.
  Tensor inverse(Recorder& recorder, Tensor z) const;
  /// Records the field's rate at (t [rows], z), shaped as z: no solve. In training the costs are
  /// those of parameters.
  Output velocity(Recorder& recorder, Tensor t, Tensor z, Use use) const;
  /// A ConfigError where the field cannot be matched to a given velocity, or where something was
  /// asked for that only a solve in training would use.
  void require_matching() const;

  /// Of the value.
  Shape output_shape() const;
  bool has_times() const { return !training_.times.empty(); }

  const std::string& name() const { return name_; }
  bool has_log_determinant(Use use) const { return setting(use).divergence != Divergence::none; }
  Place place() const { return config_.place(); }
  /// Of training and evaluation, unless it is learned or evaluation has another one.
  const std::array<double, 2>& span() const { return training_.span; }

 private:
  /// One of the two settings: training's and evaluation's may name other solvers, ...
  struct Setting {
    std::shared_ptr<const VectorField> field;
    std::array<double, 2> span{};
    std::vector<double> times;  ///< of the span, where the solution is handed on; mostly none
    std::shared_ptr<const Solver> solver;
    std::shared_ptr<const Controller> controller;
    SolveOptions options;
    std::int64_t steps_at_once = 0;
    Divergence divergence = Divergence::hutchinson;
    Distribution probe = Distribution::normal;
  };
  Setting make_setting(Use use, const plugin::Registry& registry,
                       std::vector<std::string>& warnings) const;
  /// Of a field that is driven by an increment a step: checks that the steps are, and has the
  /// solver keep to them.
  void take_increments(const Config& solver, const Config& divergence, const WienerIncrements& path,
                       Setting& setting) const;
  /// A line where the tolerance is tight for a field whose derivative by time jumps.
  static void warn_of_kinks(const Config& solver, const Setting& setting,
                            std::vector<std::string>& warnings);
  const Setting& setting(Use use) const { return use == Use::training ? training_ : evaluation_; }
  /// Refuses a log-density of rates that mix samples.
  void check_density(const Dynamics& dynamics, Use use) const;
  /// Refuses an evaluation with parameters that training does not learn.
  void check_parameters(const OdeDynamics& trained, const OdeDynamics& evaluated) const;
  /// Refuses times that differ in number between training and evaluation, or that move.
  void check_times() const;
  /// Refuses solvers that cannot do with the field in training or in evaluation.
  void check_solvers() const;
  /// The regularizers with the forms of their costs, and the span's jitter.
  void read_regularizers(const plugin::Registry& registry);
  void read_span_jitter(const Config& component, const Regularizer& regularizer,
                        const CostForms& forms);
  OdeTerms terms(Use use) const;
  /// make_dynamics, with the field's place in its errors.
  OdeDynamics dynamics(const OdeTerms& terms) const;
  /// `times` empty: the setting's span.
  std::shared_ptr<OdeSolveSession> make_session(const OdeDynamics& dynamics, const OdeTerms& terms,
                                                const Setting& setting, Tensor times,
                                                const std::vector<bool>* wanted) const;
  /// The node's arguments behind the state: times where given, probe, the field's items.
  std::vector<Tensor> arguments(Recorder& recorder, const OdeDynamics& dynamics,
                                const Setting& setting, Tensor times) const;
  struct WeightedCost {
    NamedCost cost;
    Schedule weight;
    CostForms forms;
    Place place;
    bool about_names = false;  ///< its costs are those of parameters by their names, if any
  };
  void add_further_costs(Recorder& recorder, Tensor end, Tensor times,
                         std::vector<Cost>& costs) const;
  void add_parameter_cost(Recorder& recorder, const WeightedCost& cost,
                          std::vector<Cost>& costs) const;
  /// The recorder's scope for the field, with the input "span": start and end of the solve in the
  /// state's type, [2].
  NamedScope field_scope(Recorder& recorder, Use use, Tensor times) const;
  /// Start and end of the solve, float64 [2], where they are no constants: a learned end, or one
  /// drawn for the training step. Else empty.
  Tensor times(Recorder& recorder, Use use) const;
  Tensor learned_end(Recorder& recorder, Tensor start) const;

  Config config_;
  std::string name_;
  Shape state_;
  DType precision_;
  std::shared_ptr<Device> device_;
  std::shared_ptr<SolveLog> log_;
  bool learn_span_ = false;
  std::shared_ptr<const GradientMethod> gradient_;
  std::vector<WeightedCost> regularizers_;
  double span_jitter_ = 0.0;  ///< Regularizer::span_jitter
  Setting training_;
  Setting evaluation_;
};

}  // namespace odeum::model
