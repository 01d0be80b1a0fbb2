// SPDX-License-Identifier: Apache-2.0
// The derivative of one accepted step, recorded: what a forward solve keeps of the step, and the
// program that carries cotangents from its end to its beginning.
#pragma once

#include <cstdint>
#include <vector>

#include "odeum/gradient.hpp"
#include "odeum/program.hpp"
#include "odeum/solve.hpp"

namespace backprop {

using namespace odeum;

/// How much is kept of each step, the richest first.
enum class Keep : std::uint8_t { residuals, stages, steps };

/// A value of a step, without its rows bound.
struct Spec {
  Shape shape;
  DType dtype = DType::f32;
  RowClass row_class = RowClass::none;
};
std::size_t bytes_of(const Spec& spec, std::int64_t rows);

/// Where an argument of the reverse program comes from.
struct Source {
  enum class Kind : std::uint8_t {
    time,
    step,
    member,
    carry,
    extra,
    constant,
    member_cotangent,
    carry_cotangent
  };
  Kind kind;
  std::size_t index = 0;
};

struct Reversal {
  /// What the forward solve's steps compute beside their results.
  decltype(IntegratorRequest::extra) extra;
  std::vector<Spec> extras;
  /// arguments -> cotangents of t, h, members, carry, wanted constants.
  Program program;
  std::vector<Source> arguments;
  std::vector<bool> used;        ///< whether the program looks at the argument at all
  std::int64_t evaluations = 0;  ///< of the dynamics, in one step
};
Reversal record_reversal(const SolveSetting& setting, Keep keep, const std::vector<bool>& wanted);

/// The derivative of Solver::start: (t, members, constants, carry cotangents) -> cotangents of t,
/// members, wanted constants.
struct StartReversal {
  Program program;
  std::vector<Spec> carry;
  std::int64_t evaluations = 0;
};
StartReversal record_start_reversal(const SolveSetting& setting, const std::vector<bool>& wanted);

std::vector<Spec> member_specs(const Dynamics& dynamics);

}  // namespace backprop
