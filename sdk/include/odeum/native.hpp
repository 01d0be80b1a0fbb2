// SPDX-License-Identifier: Apache-2.0
// Native fields: a right-hand side that is ordinary C++ (a physics code), called on the host once
// per sample. It cannot be recorded, so it brings its derivative, does without, or has it taken by
// differences because it says so.
//
//   Tensor Spring::operator()(Scope& scope, Tensor t, Tensor z) const {
//     const Tensor stiffness = scope.parameter("stiffness", {1}, Initializer::constant(1.0));
//     return native_rate(code_, t, z, stiffness);
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "odeum/tensor.hpp"

namespace odeum::inline v1 {

/// A right-hand side of one sample, in float64. Calls may come from any one thread at a time.
class NativeRate {
 public:
  virtual ~NativeRate();
  virtual std::string name() const = 0;
  /// Writes dz/dt at (t, z) into `rate`, as long as z.
  virtual void rate(double t, std::span<const double> z, std::span<const double> parameters,
                    std::span<double> rate) const = 0;

  enum class Derivative : std::uint8_t {
    none,         ///< gradients that need it are refused, naming this code
    own,          ///< by `vjp`
    differences,  ///< central differences of `rate`: slow, and good to some eight digits
  };
  virtual Derivative derivative() const { return Derivative::none; }
  /// cotangent^T d rate / d (t, z, parameters): overwrites of_t (one number), of_z, of_parameters.
  virtual void vjp(double t, std::span<const double> z, std::span<const double> parameters,
                   std::span<const double> cotangent, double& of_t, std::span<double> of_z,
                   std::span<double> of_parameters) const;
};

/// The rate as a tensor shaped as z [rows, features], of z's type. `t` is [1] or [rows, 1];
/// `parameters` [n], or none. A host call: programs with it run in pieces, wherever the device is.
/// Forward derivatives (forward sensitivities, exact traces, implicit solvers) and derivatives of
/// the derivative are not to be had.
Tensor native_rate(std::shared_ptr<const NativeRate> code, Tensor t, Tensor z,
                   Tensor parameters = {});

}  // namespace odeum::inline v1
