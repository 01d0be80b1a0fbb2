// SPDX-License-Identifier: Apache-2.0
// What straight-line code costs, from shapes alone.
#include <string>

#include "plan/functions.hpp"
#include "plan/fuse.hpp"
#include "plan/straight_writer.hpp"

namespace odeum::cpu {
namespace {

/// Products that one element of a contraction's result adds up.
double contracted(const Graph& graph, const Node& node, std::int64_t rows) {
  const auto& labels = std::get<Contraction>(node.attributes);
  double terms = 1.0;
  for (std::size_t k = 0; k < 2; ++k) {
    const std::string& own = k == 0 ? labels.a : labels.b;
    const Shape& shape = graph[node.operands[k]].shape;
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (labels.out.find(own[i]) != std::string::npos) continue;
      if (k == 1 && labels.a.find(own[i]) != std::string::npos) continue;
      const std::int64_t extent = shape[static_cast<int>(i)];
      terms *= static_cast<double>(extent == kRows ? rows : extent);
    }
  }
  return terms;
}

double expected_work(const Graph& graph, const Fusion& fusion, std::int64_t rows) {
  double work = 0;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    const Node& node = graph[id];
    if (graph.role(id) == Role::dead || is_view(node.op) || fusion.is_part[i]) continue;
    const auto n = static_cast<double>(node.shape.elements(rows));
    if (node.op == Op::dot) {
      work += n * (kStraightCall + 4.0 * contracted(graph, node, rows));
    } else if (node.op == Op::sum || node.op == Op::reduce_max) {
      work +=
          kStraightCall + 4.0 * static_cast<double>(graph[node.operands[0]].shape.elements(rows));
    } else if (is_elementwise(node.op) || node.op == Op::input) {
      work += kStraightCall + (is_slow(function_of(node.op)) ? 4.0 : 1.0) * n;
    }
  }
  return work;
}

}  // namespace

StraightWork expected_work(const Program& program, const CompileOptions& options,
                           const std::vector<bool>& wanted) {
  const Graph graph(program, options, wanted);
  const Fusion fusion = fuse(graph);
  const double fixed = expected_work(graph, fusion, 0);
  return {fixed, (expected_work(graph, fusion, 1024) - fixed) / 1024.0};
}

}  // namespace odeum::cpu
