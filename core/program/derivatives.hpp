// SPDX-License-Identifier: Apache-2.0
// The two halves of every derivative, inside a graph: tangents pushed forward from inputs, and
// cotangents pulled back through the linear nodes that pushing has emitted. An empty Tensor stands
// for a derivative that is zero by structure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "program/graph.hpp"
#include "program/primitive.hpp"

namespace odeum::program {

/// What is going to happen to tangents. Host functions have no tangents that could be computed, but
/// they can be transposed.
enum class Tangents : std::uint8_t { computed, transposed };

/// Tangents of `outputs` when `inputs` move along `tangents`, which fit them.
std::vector<Tensor> push_forward(Graph& graph, std::span<const Tensor> outputs,
                                 std::span<const Tensor> inputs, std::span<const Tensor> tangents,
                                 Tangents purpose);

/// Which nodes, from the first placeholder on, depend on placeholders: element 0 is node `first`.
struct LinearPart {
  ValueId first = 0;
  std::vector<char> depends;

  bool operator()(ValueId id) const {
    return id >= first && id - first < static_cast<ValueId>(depends.size()) &&
           depends[static_cast<std::size_t>(id - first)] != 0;
  }
};
LinearPart linear_part(const Graph& graph, std::span<const Tensor> placeholders);

/// Cotangents of `placeholders`, given those of `outputs`, which are linear in them. Throws
/// std::invalid_argument naming the operation that is not linear.
std::vector<Tensor> pull_back(Graph& graph, std::span<const Tensor> placeholders,
                              std::span<const Tensor> outputs, std::span<const Tensor> cotangents);

/// The batched form of a node with at least one mapped operand (not of calls), and of a call.
Tensor batch_node(Graph& graph, const Node& node, std::span<const Batched> operands,
                  std::int64_t n);
std::vector<Tensor> batch_call(Graph& graph, const Node& node, std::span<const Batched> operands,
                               std::int64_t n);

/// A value broadcast along a batching axis.
Tensor spread_over_map(Tensor x, std::int64_t n);

/// Refuses values of different recordings, empty ones, and constants or integers as inputs.
void check_derivative(const char* operation, std::span<const Tensor> outputs,
                      std::span<const Tensor> inputs);
/// Refuses a tangent or cotangent that does not fit its value.
void check_fits(const char* operation, const char* what, Tensor given, Tensor value);

}  // namespace odeum::program
