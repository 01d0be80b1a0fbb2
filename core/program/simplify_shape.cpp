// SPDX-License-Identifier: Apache-2.0
// Simplifications of shape operations and sums by how their operands are computed.
#include <algorithm>
#include <utility>

#include "program/primitive.hpp"
#include "program/simplify.hpp"

namespace odeum::program {
namespace {

Tensor inner(Graph& graph, const Node& operand, std::size_t k = 0) {
  return graph.tensor(operand.operands[k]);
}

Tensor simplify_permute(Graph& graph, const Node& node, const Node& x) {
  const auto& axes = attribute<Axes>(node).axes;
  if (x.op == Op::permute) {
    const auto& first = attribute<Axes>(x).axes;
    std::vector<int> both;
    both.reserve(axes.size());
    for (const int axis : axes) both.push_back(first[static_cast<std::size_t>(axis)]);
    return permute(inner(graph, x), std::move(both));
  }
  // Where only extents of 1 move, nothing moves in memory.
  int last = -1;
  for (const int axis : axes) {
    if (x.shape[axis] == 1) continue;
    if (axis < last) return {};
    last = axis;
  }
  return reshape(graph.tensor(node.operands[0]), node.shape);
}

Tensor simplify_slice(Graph& graph, const Node& node, const Node& x) {
  const auto& cut = attribute<Bounds>(node);
  if (x.op == Op::slice && attribute<Bounds>(x).axis == cut.axis) {
    const std::int64_t begin = attribute<Bounds>(x).begin;
    return slice(inner(graph, x), cut.axis, begin + cut.begin, begin + cut.end);
  }
  if (x.op == Op::broadcast) {
    const Tensor source = inner(graph, x);
    const bool along = source.shape()[cut.axis] == 1;
    return broadcast(along ? source : slice(source, cut.axis, cut.begin, cut.end), node.shape);
  }
  if (x.op == Op::pad && attribute<Padding>(x).axis == cut.axis) {
    const Tensor source = inner(graph, x);
    const std::int64_t before = attribute<Padding>(x).before;
    const std::int64_t end = before + source.shape()[cut.axis];
    if (cut.end <= before || cut.begin >= end) return full(source, node.shape, 0.0);
    if (cut.begin >= before && cut.end <= end) {
      return slice(source, cut.axis, cut.begin - before, cut.end - before);
    }
  }
  if (x.op == Op::concat && attribute<Axis>(x).axis == cut.axis) {
    std::int64_t begin = 0;
    for (std::size_t k = 0; k < x.operands.size(); ++k) {
      const Tensor part = inner(graph, x, k);
      const std::int64_t end = begin + part.shape()[cut.axis];
      if (cut.begin >= begin && cut.end <= end) {
        return slice(part, cut.axis, cut.begin - begin, cut.end - begin);
      }
      begin = end;
    }
  }
  return {};
}

Tensor simplify_pad(Graph& graph, const Node& node, const Node& x) {
  const auto& outer = attribute<Padding>(node);
  if (x.op != Op::pad || attribute<Padding>(x).axis != outer.axis) return {};
  const auto& own = attribute<Padding>(x);
  return pad(inner(graph, x), outer.axis, outer.before + own.before, outer.after + own.after);
}

/// Whether b continues a: slices of one value, end to begin along the axis.
bool continues(const Graph& graph, Tensor a, Tensor b, int axis) {
  const Node& left = graph[a.id()];
  const Node& right = graph[b.id()];
  return left.op == Op::slice && right.op == Op::slice && left.operands == right.operands &&
         attribute<Bounds>(left).axis == axis && attribute<Bounds>(right).axis == axis &&
         attribute<Bounds>(left).end == attribute<Bounds>(right).begin;
}

Tensor simplify_concat(Graph& graph, const Node& node) {
  const int axis = attribute<Axis>(node).axis;
  std::vector<Tensor> parts;
  bool changed = false;
  const auto append = [&](Tensor part) {
    if (part.shape()[axis] == 0 && !parts.empty()) {
      changed = true;
    } else if (!parts.empty() && continues(graph, parts.back(), part, axis)) {
      const Node& left = graph[parts.back().id()];
      const std::int64_t begin = attribute<Bounds>(left).begin;
      const std::int64_t end = attribute<Bounds>(graph[part.id()]).end;
      parts.back() = slice(inner(graph, left), axis, begin, end);
      changed = true;
    } else {
      parts.push_back(part);
    }
  };
  for (const ValueId id : node.operands) {
    const Node& part = graph[id];
    if (part.op == Op::concat && attribute<Axis>(part).axis == axis) {
      for (std::size_t k = 0; k < part.operands.size(); ++k) append(inner(graph, part, k));
      changed = true;
    } else {
      append(graph.tensor(id));
    }
  }
  return changed ? concat(std::move(parts), axis) : Tensor();
}

Tensor simplify_sum(Graph& graph, const Node& node, const Node& x) {
  const auto& axes = attribute<Axes>(node).axes;
  const auto reduced = [&axes](int axis) {
    return std::binary_search(axes.begin(), axes.end(), axis);
  };
  if (x.op == Op::sum) {
    const auto& first = attribute<Axes>(x).axes;
    std::vector<int> both = first;
    int kept = 0;
    for (int axis = 0; axis < x.shape.rank() + static_cast<int>(first.size()); ++axis) {
      if (std::binary_search(first.begin(), first.end(), axis)) continue;
      if (reduced(kept++)) both.push_back(axis);
    }
    // Rows first and features after is another order of additions than both at once.
    return sum(inner(graph, x), std::move(both));
  }
  // Axes of extent 1 need no sum, axes of a broadcast a multiplication.
  double times = 1;
  std::vector<int> summed;
  Tensor source = graph.tensor(node.operands[0]);
  std::vector<std::int64_t> extents = x.shape.extents();
  const bool spread = x.op == Op::broadcast;
  for (const int axis : axes) {
    const bool same = spread && x.shape[axis] != kRows && inner(graph, x).shape()[axis] == 1;
    if (same) times *= static_cast<double>(x.shape[axis]);
    if (same) extents[static_cast<std::size_t>(axis)] = 1;
    if (!same && x.shape[axis] != 1) summed.push_back(axis);
  }
  if (summed.size() == axes.size()) return {};
  if (spread) source = broadcast(inner(graph, x), Shape(std::move(extents)));
  return reshape(sum(source, std::move(summed)), node.shape) * times;
}

}  // namespace

Tensor simplify_shape(Graph& graph, const Node& node) {
  if (node.operands.empty()) return {};
  const Node& x = graph[node.operands[0]];
  switch (node.op) {
    case Op::reshape:
      return x.op == Op::reshape ? reshape(inner(graph, x), node.shape) : Tensor();
    case Op::broadcast:
      return x.op == Op::broadcast ? broadcast(inner(graph, x), node.shape) : Tensor();
    case Op::permute:
      return simplify_permute(graph, node, x);
    case Op::slice:
      return simplify_slice(graph, node, x);
    case Op::pad:
      return simplify_pad(graph, node, x);
    case Op::concat:
      return simplify_concat(graph, node);
    case Op::sum:
      return simplify_sum(graph, node, x);
    default:
      return {};
  }
}

}  // namespace odeum::program
