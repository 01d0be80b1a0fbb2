// SPDX-License-Identifier: Apache-2.0
// VectorField: the right-hand side f(t, z; inputs, parameters) of a differential equation, and
// the Scope that hands out what tensor code may use beside its arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "odeum/plugin.hpp"
#include "odeum/tensor.hpp"

namespace odeum::inline v1 {

/// How a parameter starts.
struct Initializer {
  enum class Rule : std::uint8_t { constant, uniform, normal };
  Rule rule = Rule::constant;
  double value = 0.0;  ///< the constant; half the width of the uniform interval; the deviation

  static Initializer constant(double value) { return {Rule::constant, value}; }
  static Initializer uniform(double bound) { return {Rule::uniform, bound}; }
  static Initializer normal(double deviation) { return {Rule::normal, deviation}; }
};

/// What tensor code is recorded for: a training step, or anything else (evaluation, sampling, a
/// solve on its own).
enum class Mode : std::uint8_t { training, evaluation };

/// What tensor code may ask for, by name. The same name gives the same thing on every call, so
/// code that runs once a recording needs no state. Names are local to the component.
class Scope {
 public:
  virtual ~Scope();
  /// Learned; a view of the flat parameter buffer. Row class none.
  virtual Tensor parameter(const std::string& name, Shape shape, Initializer initializer) = 0;
  /// A per-row constant of the solve (context, forcing, encoder output); differentiable.
  virtual Tensor input(const std::string& name, Shape shape) = 0;
  /// State that is not learned (running statistics, moments of the data); constant in a solve.
  virtual Tensor buffer(const std::string& name, Shape shape, double initial) = 0;
  /// Random numbers of `like`'s type, redrawn for every training step and, in blocks, for every
  /// evaluation batch; constant in a solve. Shape leads with kRows.
  virtual Tensor noise(const std::string& name, Shape shape, Distribution distribution) = 0;
  /// A value that the recording belongs to, for making constants: zeros of shape [1].
  virtual Tensor anchor() = 0;

  virtual Mode mode() const = 0;
  /// Lets a buffer move towards what this evaluation saw:
  ///
  ///     buffer <- buffer + weight (value - buffer),   without derivative
  ///
  /// `buffer` names one that `buffer()` has given; `weight` and `value` broadcast against it, have
  /// no rows, and may depend on everything but the buffer. Outside training nothing is observed.
  ///
  /// What a training step observes takes effect behind it: all of the step, its backward pass and
  /// what that computes anew see the buffer as it was. A block observes once a call. A field
  /// observes at each evaluation that an accepted step of the forward solve has made, in their
  /// order; those of rejected steps and backward solves do not count, nor does a step whose loss
  /// was thrown away. Only odeum's own loop with one step size for the batch can tell them apart;
  /// other solves are refused.
  virtual void observe(const std::string& buffer, Tensor weight, Tensor value) = 0;
};

class VectorField {
 public:
  virtual ~VectorField();

  /// The rate dz/dt, shaped as z. `t` has the state's type and a shape that broadcasts against
  /// z of rank 2: [1], or [rows, 1] where every sample has its own time. z is [rows, ...].
  /// Called several times per recording; must be a pure function.
  virtual Tensor operator()(Scope& scope, Tensor t, Tensor z) const = 0;

  /// Implicit-explicit solvers treat the stiff part implicitly and the rest explicitly; the rate
  /// is their sum. `rest` may be overridden where it is cheaper alone than as the difference.
  virtual bool has_stiff_part() const { return false; }
  virtual Tensor stiff_part(Scope& scope, Tensor t, Tensor z) const;
  virtual Tensor rest(Scope& scope, Tensor t, Tensor z) const;

  /// Functions of the state whose zeros are events that `events:` may name (a ball that meets the
  /// ground); their values, [rows, number of names].
  virtual std::vector<std::string> events() const { return {}; }
  virtual Tensor event_functions(Scope& scope, Tensor t, Tensor z) const;

  /// Extent of z's last axis, where the field fixes it (3 for Lorenz'63); -1: any.
  virtual std::int64_t features() const { return -1; }
  /// Times, ascending, at which the rate is continuous and its derivative by t is not (the nodes of
  /// a piecewise linear interpolation): methods for smooth rates lose their order there.
  virtual std::vector<double> kinks() const { return {}; }
  /// Names of z's components for reports; may be empty.
  virtual std::vector<std::string> components() const { return {}; }
};

}  // namespace odeum::inline v1
