// SPDX-License-Identifier: Apache-2.0
// Steps turned round: recordings of one accepted step and of the start before the first, for
// gradient methods that differentiate the steps taken. odeum/reverse_sweep.hpp runs them.
//
// A discrete method records how cotangents go from a step's end to its beginning:
//
//   StepRecording step(setting, carry);
//   const auto rates = step_rates(setting.dynamics(), setting.options(), step.constants);
//   const StepOutputs out = setting.solver().step(*rates, step.in);
//   const std::vector<Tensor> seeds = step.cotangents();
//   reversal.program = step.recording.program(vjp(results_of(out), step.variables(wanted), seeds));
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "odeum/program.hpp"
#include "odeum/solve.hpp"

namespace odeum::inline v1 {

/// An array without its rows bound.
struct ArraySpec {
  Shape shape;
  DType dtype = DType::f32;
  RowClass row_class = RowClass::none;
};
ArraySpec spec_of(Tensor value);
std::size_t bytes_of(const ArraySpec& spec, std::int64_t rows);
std::vector<ArraySpec> member_specs_of(const Dynamics& dynamics);

/// Inputs of a recording, named `name`0, `name`1, ...
std::vector<Tensor> declare(Recording& recording, const std::string& name,
                            const std::vector<ArraySpec>& specs);
std::vector<Tensor> declare_constants(Recording& recording, const Dynamics& dynamics);
/// By input of the program: whether anything reads it.
std::vector<bool> read_inputs(const Program& program);

/// The rates of `dynamics`, each evaluation counted once, for recording a step of one's own. Both
/// outlive the result; `constants` belong to the recording that the calls go to.
std::unique_ptr<Rates> step_rates(const Dynamics& dynamics, const SolveOptions& options,
                                  std::span<const Tensor> constants);

/// The number of accepted steps of a solve over `times` where steps are given; 0 where the error
/// decides.
std::int64_t given_steps(const SolveOptions& options, std::span<const double> times);

/// Where an argument of a program about a step comes from; `index` within its kind.
struct StepArgument {
  enum class Kind : std::uint8_t {
    time,
    step,
    member,
    carry,
    constant,
    extra,  ///< what the forward solve's step computed beside its results
    member_cotangent,
    carry_cotangent
  };
  Kind kind;
  std::size_t index = 0;
};

/// A recording with the inputs of a step declared: t, h, members, carry, constants.
class StepRecording {
 public:
  StepRecording(const Dynamics& dynamics, const std::vector<ArraySpec>& carry);

  /// Declares the cotangents of the step's results: members, carry.
  std::vector<Tensor> cotangents();
  /// Declares what the forward solve kept of the step.
  Tensor extra(const ArraySpec& spec);
  /// t, h, members, carry, wanted constants: what cotangents are for, in the order of a
  /// StepReversal's results.
  std::vector<Tensor> variables(const std::vector<bool>& wanted) const;

  Recording recording;
  StepInputs in;
  std::vector<Tensor> constants;
  std::vector<StepArgument> arguments;  ///< of all that is declared so far

 private:
  const Dynamics& dynamics_;
  std::vector<ArraySpec> carry_;
  std::size_t extras_ = 0;
};

/// A step's members and carry, in this order.
std::vector<Tensor> results_of(const StepOutputs& out);

/// arguments -> cotangents of t, h, members, carry, wanted constants.
struct StepReversal {
  Program program;  ///< optimised
  std::vector<StepArgument> arguments;
  std::vector<bool> used;        ///< whether the program reads the argument at all
  std::int64_t evaluations = 0;  ///< of the dynamics
};
/// The derivative of Solver::step, from its inputs.
StepReversal record_step_reversal(const SolveSetting& setting, const std::vector<ArraySpec>& carry,
                                  const std::vector<bool>& wanted);

/// The derivative of Solver::start: (t, members, constants, carry cotangents) -> cotangents of t,
/// members, wanted constants.
struct StartReversal {
  Program program;
  std::vector<ArraySpec> carry;
  std::int64_t evaluations = 0;
};
StartReversal record_start_reversal(const SolveSetting& setting, const std::vector<bool>& wanted);

}  // namespace odeum::inline v1
