// SPDX-License-Identifier: Apache-2.0
// Calls: nodes with several results, each taken by an `output` node.
#pragma once

#include <vector>

#include "program/graph.hpp"

namespace odeum::program {

/// The results of a call or host_call node.
std::vector<HostFunction::Value> outputs_of(const Node& call);

/// Emits a call or host_call and its outputs, all of them.
std::vector<Tensor> emit_call(Graph& graph, Node call);

inline bool is_call(Op op) { return op == Op::call || op == Op::host_call; }

}  // namespace odeum::program
