// SPDX-License-Identifier: Apache-2.0
// What is integrated and how it went: the vocabulary between the core's solve loop, gradient
// methods and whoever starts a solve.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "odeum/device.hpp"
#include "odeum/solver.hpp"

namespace odeum::inline v1 {

class Controller;

/// One member of the integrated state.
struct Member {
  std::string name;
  Shape shape;  ///< [rows, ...], or static for sums over rows (parameter gradients)
  DType dtype = DType::f32;
  bool in_error_norm = true;
  bool along_absolute_time = false;  ///< a running cost
  double norm_weight = 1.0;          ///< multiplies this member's RMS in the error norm
  /// Its increments are not integrals of a rate but given by the step (a cost of the solver's
  /// steps); its rate is zero.
  bool of_steps = false;
};

/// A differential equation as tensor code: the rates of all members. `constants` (parameters,
/// inputs, probes) keep their values during a solve.
struct Dynamics {
  std::vector<Member> members;
  std::vector<InputSpec> constants;
  std::function<State(Tensor t, const State& y, std::span<const Tensor> constants)> rates;
  /// The same in two parts, for implicit-explicit methods; may be empty. Stiff parts of
  /// quadratures are empty Tensors.
  std::function<Rates::Parts(Tensor t, const State& y, std::span<const Tensor> constants)> parts =
      {};
  /// VectorField::kinks: where the rates are continuous in time and their derivative is not.
  std::vector<double> kinks = {};
};

/// For each member, whether no rate depends on it. The first member, the state, counts as one that
/// rates depend on.
std::vector<bool> quadratures(const Dynamics& dynamics);

/// The names of operations that mix samples in the rates; empty: every sample has its own equation.
std::vector<std::string> couplings(const Dynamics& dynamics);

/// By tangents (jvp) or by cotangents (vjp).
enum class Differentiation : std::uint8_t { forward, reverse };
/// What in the rates has no such derivative by the members and floating-point constants (native
/// code may be without); empty: nothing.
std::string derivative_refusal(const Dynamics& dynamics, Differentiation differentiation);

enum class OnFailure : std::uint8_t { fail, partial, skip_sample };

/// A step that would have to be shorter than min_step ends the solve, or is taken at min_step
/// whatever its error.
enum class AtMinStep : std::uint8_t { fail, clip };

/// One step size for the batch, or one a sample.
enum class StepSize : std::uint8_t { shared, per_sample };

struct SolveOptions {
  double rtol = 1e-5;
  std::vector<double> atol = {1e-5};  ///< one number, or one per entry of z's last axis
  double step = 0.0;                  ///< given step, instead of control; the last one is shortened
  std::int64_t steps = 0;   ///< or a number of equal steps between two times; 0: not given
  double first_step = 0.0;  ///< 0: chosen by the method of Hairer, Norsett, Wanner II.4
  double min_step = 0.0;
  AtMinStep at_min_step = AtMinStep::fail;
  std::vector<double> step_times = {};  ///< steps end there too
  /// The right-hand side jumps there. A step ends at the limit from this side, the nearest time
  /// before the jump that the state's type tells apart, and a new initial value problem begins at
  /// the limit from the other side: the solver starts anew, and so does step control. Results at
  /// such a time are the state there, which is continuous.
  std::vector<double> jump_times = {};
  StepSize step_size = StepSize::shared;  ///< max_steps is each sample's where it is per_sample
  double max_step = std::numeric_limits<double>::infinity();
  std::int64_t max_steps = 100000;  ///< attempted ones, over the whole solve
  OnFailure on_failure = OnFailure::fail;
};

enum class Status : std::uint8_t {
  success,
  max_steps,
  step_too_small,
  non_finite,
  newton_diverged,
  event,         ///< a terminal event ended the solve before its last time
  steady_state,  ///< Until::steady_state was reached before the last time
  drifted        ///< steps undone one by one do not lead back to the start
};
const char* name(Status status);

/// Which way an event function must pass through zero to count, in the direction of integration.
enum class Crossing : std::uint8_t { any, rising, falling };

struct Event {
  std::string name;
  Crossing crossing = Crossing::any;
  bool terminal = false;  ///< ends the solve where the first sample meets it
};

/// Functions of time and state whose zeros are events.
///
/// A hit is a change of sign along the dense output, located to rounding; arriving at exactly zero
/// is one too. A solve that starts on the surface (zero up to rounding of the values seen in its
/// first step) has not crossed it: it counts as being on the side that it moves to.
struct EventFunctions {
  std::vector<Event> events;
  /// t is float64 [1]; gives [rows, number of events].
  std::function<Tensor(Tensor t, const State& y, std::span<const Tensor> constants)> values;
};

/// An event that a solve met.
struct EventHit {
  std::size_t event = 0;  ///< index into EventFunctions::events
  std::int64_t sample = 0;
  double t = 0.0;             ///< at or just behind the surface
  std::vector<double> state;  ///< of that sample, first member
};

/// How one sample of a solve with a step size per sample went.
struct SampleReport {
  Status status = Status::success;
  double t = 0.0;  ///< where it ended
  double h = 0.0;  ///< the last step tried, signed
  double error_ratio = 0.0;
  std::int64_t evaluations = 0;  ///< those made while it was under way
  std::int64_t accepted = 0;
  std::int64_t rejected = 0;
  std::int64_t reached = 0;     ///< entries of its times whose results are written
  std::int64_t component = -1;  ///< of `member`, where it stopped for it
  std::string member = {};

  bool ok() const { return status == Status::success || status == Status::event; }
};

/// What made a solve fail, or slow, as far as looking at it afterwards can tell.
enum class Cause : std::uint8_t {
  unknown,
  accuracy,       ///< the tolerance sets the steps; the error falls with them as it should
  stiffness,      ///< the method's stability sets the steps, not the tolerance
  discontinuity,  ///< the field jumps: the error falls no faster than the step
  rounding,       ///< the error estimate is rounding noise: too tight for the state's type
  blow_up,        ///< the solution leaves the numbers
  domain          ///< the field has no finite value there
};
const char* name(Cause cause);

/// How a solve went. A failure is a value, with the place where it happened.
///
/// Under a step size per sample, status, t, h, error ratio and steps are those of the first sample
/// that failed, or else of the one that took most steps; `evaluations` counts calls of the dynamics
/// on whatever rows were under way, and `reached` is the least of all samples.
struct SolveReport {
  Status status = Status::success;
  double t = 0.0;                     ///< where it ended
  double h = 0.0;                     ///< the last step tried, signed
  std::int64_t sample = -1;           ///< the row that stopped it; -1: not one alone
  std::int64_t component = -1;        ///< of that row's state, flat index; -1: unknown
  std::string member;                 ///< its member, e.g. "z"
  std::vector<std::int64_t> samples;  ///< all rows that stopped it (those non-finite), ascending
  /// Of the last attempt; where steps were undone, how far off the start is, over what is allowed.
  double error_ratio = 0.0;
  std::int64_t evaluations = 0;
  std::int64_t accepted = 0;
  std::int64_t rejected = 0;
  std::int64_t reached =
      0;  ///< entries of SolveCall::times whose results are written, times[0] included
  /// Evaluations times the rows that each was made for, finished ones still in the batch included.
  std::int64_t row_evaluations = 0;
  std::vector<SampleReport> by_sample = {};  ///< empty under a shared step
  std::vector<EventHit> hits;                ///< in the order in which they were met
  Cause cause = Cause::unknown;
  /// |h| times the spectral radius of df/dz, for the blamed sample where a solve failed, typically
  /// where a slow one succeeded; negative: not measured.
  double stiffness = -1.0;
  /// What the method bears of it along the negative real axis; 0: all, or unknown.
  double stability = 0.0;
  /// Where a solution that blows up is extrapolated to leave every bound; not a number: it is not.
  double blow_up_time = std::numeric_limits<double>::quiet_NaN();

  bool ok() const {
    return status == Status::success || status == Status::event || status == Status::steady_state;
  }
  /// One or two sentences: what happened, where, and what to try. Empty on success.
  std::string message() const;
  /// What made a successful solve slow, with what to try, as far as `cause` is known; else empty.
  std::string note() const;
};

/// One row's part of a round of steps, each row with its own.
struct RowStep {
  std::int64_t sample = 0;   ///< whose row it is
  bool accepted = false;     ///< false: rejected, or the sample had ended: its state stays
  bool anew = false;         ///< accepted, with the carry of Solver::start at (t, y)
  std::size_t interval = 0;  ///< as AcceptedStep::interval, of the sample's times
  double t = 0.0;
  double h = 0.0;
};

/// An accepted step as an observer sees it. Views are valid during the call only. Under a step size
/// per sample it is a round in which at least one row's step was accepted: `rows` has an entry for
/// each row of the views, ascending in samples; interval, t and h are not used.
struct AcceptedStep {
  std::int64_t index = 0;  ///< 0 for the first of the solve
  /// The step lies in [times[interval], times[interval + 1]]; with interpolated save times it
  /// begins there.
  std::size_t interval = 0;
  double t = 0.0;
  double h = 0.0;
  std::span<const View> y;             ///< members before the step
  std::span<const View> carry;         ///< carry before the step
  std::span<const View> extra;         ///< what IntegratorRequest::extra asked the step for
  std::span<const RowStep> rows = {};  ///< empty under a shared step
};

/// A solve over times[0] .. times.back(), strictly monotone or with repeated times. The solver
/// lands on each of them exactly or interpolates, as the integrator was made.
struct SolveCall {
  std::int64_t rows = 0;
  std::span<const double> times;
  std::span<const View> initial;    ///< members at times[0]
  std::span<const View> constants;  ///< in the dynamics' order
  /// [time 1 .. n-1][member], flattened: where results go. A null view: not wanted.
  std::span<const View> results;
  /// May be empty. On a device that does not wait for given steps, and unless on_failure is
  /// partial, steps are shown before it is known how they went: of a solve that fails, those behind
  /// the failed one too.
  std::function<void(const AcceptedStep&)> observer;
  /// By member: where the state goes with which the solve ended, at SolveReport::t (an event, a
  /// steady state, the last accepted step of a failed solve). Empty: not wanted.
  std::span<const View> end = {};
  /// [rows][times.size()]: times of each sample's own, in the place of `times`, whose number alone
  /// counts then. Directions may differ. Wants StepSize::per_sample. Empty: all have `times`.
  std::span<const double> row_times = {};
};

/// A compiled dynamics with a solver and a controller: the core's one loop. It records and
/// compiles at its first solve, and allocates nothing when the same or a smaller number of rows
/// has been solved before.
class Integrator {
 public:
  virtual ~Integrator();
  /// Numerical trouble is a status in the report; a bug (times that turn back, a missing view)
  /// throws.
  virtual SolveReport integrate(const SolveCall& call) = 0;
};

enum class SaveTimes : std::uint8_t { exact, interpolated };

/// What ends a solve before its last time, beside terminal events: a steady state is reached at the
/// end of a step where, for every sample and member of the error norm, the RMS of rate over
/// tolerance (atol + rtol |y|, per unit of time) is at most IntegratorRequest::steady_within. Costs
/// an evaluation a step. Explicit methods keep moving by about the tolerance times the fastest
/// rate of decay.
enum class Until : std::uint8_t { end, steady_state };

struct IntegratorRequest {
  SaveTimes save = SaveTimes::exact;
  /// Records more outputs of the step, computed beside it and shown to observers, e.g. the
  /// residuals of its linearization. Gets the step's inputs and outputs and the constants.
  std::function<std::vector<Tensor>(const StepInputs&, const StepOutputs&,
                                    std::span<const Tensor> constants)>
      extra;
  /// Whether `extra` looks at the step's dense output.
  DenseOutput extra_dense = DenseOutput::wanted;
  /// Where the extra outputs of accepted step `index` of a solve go; asked before the step is
  /// tried, so what a rejected attempt wrote is written over. Empty: memory of the integrator.
  std::function<std::span<const View>(std::int64_t index)> extra_at;
  /// Looked for in every accepted step; hits are in the report. A terminal one ends the solve with
  /// Status::event inside the step that observers have just seen whole; results at times from there
  /// on are not written.
  EventFunctions events = {};
  Until until = Until::end;
  double steady_within = 1.0;
};

/// What a gradient method gets from the core for one solve of a pipeline: the equation, the
/// configured solver and controller, the device, and a way to integrate further equations.
class SolveSetting {
 public:
  virtual ~SolveSetting();
  virtual const Dynamics& dynamics() const = 0;
  virtual const Solver& solver() const = 0;
  virtual const SolveOptions& options() const = 0;
  virtual Device& device() const = 0;
  /// An integrator for the given equation (the solve's own, or an adjoint one) with the configured
  /// solver and controller, with these options.
  virtual std::unique_ptr<Integrator> integrator(const Dynamics& dynamics,
                                                 const SolveOptions& options,
                                                 const IntegratorRequest& request) const = 0;
  /// Compiles for the setting's device after optimisation.
  virtual std::unique_ptr<Executable> compile(const Program& program,
                                              const CompileOptions& options) const = 0;
  /// Wraps dynamics for recording a step of one's own: evaluations are counted.
  virtual std::unique_ptr<Rates> rates(const Dynamics& dynamics,
                                       std::span<const Tensor> constants) const = 0;
};

}  // namespace odeum::inline v1
