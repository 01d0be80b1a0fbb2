// SPDX-License-Identifier: Apache-2.0
// How values depend on the rows of a batch (odeum/shape.hpp), inferred as nodes are emitted.
//
// - A value with a rows axis is per_row if no operand is a row_sum or coupled; `iota` along the
//   rows is coupled, since it numbers the rows of this very batch.
// - A sum over the rows, a contraction of the rows of two per_row values and a convolution's weight
//   gradient are row_sum; a maximum over the rows is coupled.
// - Linear operations keep row_sum: sums and differences of row_sums (or of exact zeros), a row_sum
//   times or over values of class none. Adding anything else of class none to a row_sum is coupled,
//   because each shard of a batch would add it again.
// - `row_count` is none: by convention it counts the rows of the whole batch, on every shard. So
//   the mean over rows, a row_sum over row_count, is a row_sum and may be a loss.
// - What mixes a row_sum with a per_row value, or uses it nonlinearly, is coupled.
#pragma once

#include <span>

#include "odeum/program.hpp"

namespace odeum::program {

/// The class of a node whose operands are the given nodes, of the given classes. For `input`,
/// `call` and `host_call` it is the node's own; for `output` see output_class.
RowClass infer_row_class(const Node& node, std::span<const Node* const> operands,
                         std::span<const RowClass> classes);

/// The classes of all values of a program whose inputs are of other classes than recorded.
std::vector<RowClass> infer_row_classes(const Program& program, std::span<const RowClass> inputs);

}  // namespace odeum::program
