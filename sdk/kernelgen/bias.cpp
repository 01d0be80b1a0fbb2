// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernelgen/library_product.hpp"

namespace odeum::kernelgen {
namespace {

/// Is x a vector along the last axis, the same for all others?
bool is_vector(const Layout& x) {
  for (std::size_t axis = 0; axis < x.extents.size(); ++axis) {
    const bool last = axis + 1 == x.extents.size();
    if (x.extents[axis] != 1 && x.strides[axis] != (last ? 1 : 0)) return false;
  }
  return !x.extents.empty() && x.extents.back() != kRows;
}

/// The dot that operand k of the sum is, if the sum alone reads it.
ValueId product_of(const Graph& graph, ValueId sum, int k) {
  const ValueId dot = graph.root(graph.operand(sum, k));
  const auto i = static_cast<std::size_t>(dot);
  const bool its_own = graph.plain(sum, k) && graph[dot].op == Op::dot &&
                       graph[dot].operands.size() == 2 && graph.role(dot) == Role::work &&
                       graph.output_of[i] < 0 && graph[dot].shape == graph[sum].shape;
  const auto& readers = graph.readers[i];
  const bool alone =
      std::all_of(readers.begin(), readers.end(), [sum](ValueId reader) { return reader == sum; });
  return its_own && alone ? dot : -1;
}

bool can_take(const Graph& graph, ValueId dot, ValueId bias, std::int64_t multiplications) {
  const Layout& x = graph.layout(bias);
  if (x.root == dot || graph.fill(x.root) != nullptr || !is_vector(x)) return false;
  const auto product = library_product(graph, dot);
  return product && !product->k.rows && product->k.count > 0 && !product->n.rows &&
         product->n.count == graph[dot].shape.extents().back() &&
         is_large(*product, multiplications);
}

}  // namespace

void join_biases(Graph& graph, std::int64_t multiplications) {
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const auto sum = static_cast<ValueId>(i);
    if (graph[sum].op != Op::add || graph.role(sum) != Role::element || graph.accumulates(sum) ||
        graph[sum].dtype != DType::f32)
      continue;
    for (const int k : {0, 1}) {
      const ValueId dot = product_of(graph, sum, k), bias = graph.operand(sum, 1 - k);
      if (dot < 0 || !can_take(graph, dot, bias, multiplications)) continue;
      const Node& product = graph[dot];
      for (const ValueId operand : product.operands) {
        auto& readers = graph.readers[static_cast<std::size_t>(graph.root(operand))];
        std::replace(readers.begin(), readers.end(), dot, sum);
      }
      Node joined = product;
      joined.operands.push_back(bias);
      graph.nodes[i] = std::move(joined);
      graph.roles[i] = Role::work;
      graph.roles[static_cast<std::size_t>(dot)] = Role::dead;
      break;
    }
  }
}

}  // namespace odeum::kernelgen
