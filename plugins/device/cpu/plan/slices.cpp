// SPDX-License-Identifier: Apache-2.0
#include "plan/slices.hpp"

#include <algorithm>

#include "plan/fuse.hpp"

namespace odeum::cpu {
namespace {

/// [rows, D, width] that may be taken apart.
bool has_slices(const Shape& shape) {
  return shape.has_rows() && shape.rank() == 3 && shape[1] > 1 && shape[1] <= kMostSlices &&
         shape[2] > 0 && shape[2] % kSliceVector == 0 && shape[2] <= kWidestFusedRow;
}

/// Is some sum over the last axis, or of everything, taken where the value is computed? It needs
/// the elements in their order.
bool is_summed_in_order(const Graph& graph, ValueId id) {
  const auto& readers = graph.readers[static_cast<std::size_t>(id)];
  return std::any_of(readers.begin(), readers.end(), [&graph](ValueId reader) {
    if (!sums_in_group(graph, reader)) return false;
    const auto& axes = std::get<Axes>(graph[reader].attributes).axes;
    return axes.front() != 0 || axes.size() != 1;
  });
}

}  // namespace

Slices slices(const Graph& graph, ValueId id) {
  const Shape& shape = graph[id].shape;
  if (graph.role(id) != Role::element || !has_slices(shape) || is_summed_in_order(graph, id))
    return {1, graph.elements(id)};
  return {shape[1], shape[2]};
}

bool sums_slices(const Graph& graph, ValueId id) {
  const Node& node = graph[id];
  if (node.op != Op::sum || node.dtype == DType::i64) return false;
  const Layout& x = graph.layout(node.operands[0]);
  return std::get<Axes>(node.attributes).axes == std::vector<int>{1} &&
         has_slices(graph[node.operands[0]].shape) && x.strides[2] == 1;
}

std::int64_t slices_read(const Graph& graph, ValueId id) {
  if (sums_slices(graph, id)) return graph[graph[id].operands[0]].shape[1];
  return slices(graph, id).count;
}

Layout slice(const Layout& x, std::int64_t d) {
  return {x.root,
          x.offset + d * x.strides[1],
          {x.extents[0], x.extents[2]},
          {x.strides[0], x.strides[2]}};
}

std::optional<std::int64_t> slice_of_root(const Graph& graph, const Layout& layout) {
  const Slices of_root = slices(graph, layout.root);
  if (of_root.count == 1) {
    if (graph.fill(layout.root) != nullptr || !whole(layout, graph[layout.root].shape))
      return std::nullopt;
    return 0;
  }
  const Access a = access(layout);
  const bool in_order = a.per_row == of_root.width && a.extents.size() == 1 &&
                        a.strides.front() == 1 && a.row_stride == of_root.count * of_root.width;
  if (!in_order || a.offset % of_root.width != 0) return std::nullopt;
  return a.offset / of_root.width;
}

bool reads_registers(const Graph& graph, ValueId id, int k) {
  const ValueId x = graph[id].operands[static_cast<std::size_t>(k)];
  const ValueId r = graph.root(x);
  if (graph.role(r) != Role::element) return false;
  if (sums_in_group(graph, id)) return graph.plain(id, k);
  if (graph.role(id) != Role::element || graph.rowful(r) != graph.rowful(id) ||
      slices(graph, r).width != slices(graph, id).width)
    return false;
  const std::int64_t count = slices_read(graph, id);
  if (count == 1) return slice_of_root(graph, graph.layout(x)).has_value();
  for (std::int64_t d = 0; d < count; ++d) {
    if (!slice_of_root(graph, slice(graph.layout(x), d))) return false;
  }
  return true;
}

}  // namespace odeum::cpu
