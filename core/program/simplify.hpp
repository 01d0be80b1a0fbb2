// SPDX-License-Identifier: Apache-2.0
// Simplification while emitting: an equal value that is already there or cheaper to compute.
//
// `simplify_locally` hands back operands or constants only. `simplify_thoroughly` also looks at how
// the operands are computed:
//
// - signs: -(-x), -(a - b), a + -b, -a * b, x * -1; |-x|
// - constants: (x * c) * d with c or d a power of two (so rounding stays as it was), x / 2^k
// - casts: widening and back; reshape of reshape, permute of permute, broadcast of broadcast;
//   permutations that move only extents of 1 are reshapes
// - slices of slices, pads, concats and broadcasts; concats of concats and of adjacent slices;
//   pad + pad that do not overlap become a concat
// - sums of sums, of broadcasts and over extents of 1; elementwise work on broadcast values is done
//   before the broadcast
// - contractions: without contracted labels of extents above 1, a product; with an operand that is
// broadcast along
//   labels, the contraction without them; with an identity matrix, a permutation
#pragma once

#include "program/graph.hpp"

namespace odeum::program {

/// An empty Tensor: nothing to simplify. Operands of commutative operations may change places in
/// `node`, so that equal sums and products merge.
Tensor simplify_locally(Graph& graph, Node& node);
Tensor simplify_thoroughly(Graph& graph, const Node& node);

/// The constant that a node with constant operands is, or an empty Tensor.
Tensor fold(Graph& graph, const Node& node);

// The families of simplify_thoroughly.
Tensor simplify_elementwise(Graph& graph, const Node& node);
Tensor simplify_shape(Graph& graph, const Node& node);
Tensor simplify_dot(Graph& graph, const Node& node);

}  // namespace odeum::program
