// SPDX-License-Identifier: Apache-2.0
// Derivatives and batching of recorded tensor functions. They nest: a derivative is made of the
// same operations, so it can be differentiated again.
//
// Two forms. Inside a recording, `jvp`, `vjp` and `vmap` work on values already there and share
// the primal work. On whole programs, `linearize` and `transpose` make what vjp and jvp are
// composed of: linearize(P) is x -> (y, residuals) and (residuals, dx) -> dy; transpose turns a
// linear program round.
#pragma once

#include <span>
#include <vector>

#include "odeum/program.hpp"

namespace odeum::inline v1 {

/// Directional derivatives of `outputs` when `inputs` (any values of the recording) move along
/// `tangents`. What else the outputs depend on stays fixed. A zero derivative comes as zeros.
///
/// Equal expressions of a recording are one value, and so are equal constants; to differentiate
/// with respect to a constant is refused. Only floating-point values have derivatives.
std::vector<Tensor> jvp(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                        std::span<const Tensor> tangents);

/// sum_i cotangents[i]^T d outputs[i] / d inputs[j], for each j; shapes as the inputs. An empty
/// Tensor as cotangent counts as zero. Values that do not depend get zeros.
std::vector<Tensor> vjp(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                        std::span<const Tensor> cotangents);

/// `outputs` computed anew with each `inputs[i]` replaced by `mapped[i]`, which has one axis of
/// extent n more: behind the rows axis for [rows, ...], else in front. Results have that axis at
/// the same place. Only what depends on the inputs is computed anew.
std::vector<Tensor> vmap(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> mapped);

/// A value like `x` that nothing computes, to be replaced by vmap: differentiate along it, then map
/// basis vectors in, and the whole Jacobian is one primal and one vmapped tangent. A program
/// whose outputs still need it is refused.
Tensor placeholder(Tensor x);

/// Which inputs of a program: positions in Program::inputs.
using InputPositions = std::vector<int>;

struct Linearization {
  Program primal;  ///< (inputs) -> (outputs, residuals)
  Program linear;  ///< (residuals, tangents of the chosen inputs) -> tangents of the outputs
  int residuals = 0;
};
/// How much the primal keeps for the linear part.
enum class Residuals : std::uint8_t {
  all,       ///< every value that the linear part uses
  products,  ///< only what is dear to compute (contractions, convolutions, solves); the rest anew
};
Linearization linearize(const Program& program, const InputPositions& inputs,
                        Residuals residuals = Residuals::all);

/// A program linear in its inputs from position `first` on (those before are constants), turned
/// round: (constants, output cotangents) -> cotangents of those inputs.
Program transpose(const Program& linear, int first);

/// (inputs, tangents of the chosen) -> (outputs, output tangents).
Program jvp(const Program& program, const InputPositions& inputs);
/// (inputs, output cotangents) -> (outputs, cotangents of the chosen inputs).
Program vjp(const Program& program, const InputPositions& inputs);
/// The chosen inputs get one more axis of extent n (behind rows, else in front); so do all outputs.
Program vmap(const Program& program, const InputPositions& inputs, std::int64_t n);

}  // namespace odeum::inline v1
