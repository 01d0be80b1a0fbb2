// SPDX-License-Identifier: Apache-2.0
// Simplifications of contractions. Batched basis vectors and broadcast cotangents make contractions
// whose operands repeat along labels; those labels need no multiplications.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "program/primitive.hpp"
#include "program/simplify.hpp"

namespace odeum::program {
namespace {

bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }

struct Operand {
  Tensor value;
  std::string labels;
};

/// x as a value of the given labels and shape: its axes permuted, the missing ones broadcast.
Tensor arranged(const Operand& x, const std::string& labels, const Shape& shape) {
  std::vector<int> order;
  std::vector<std::int64_t> extents;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::size_t at = x.labels.find(labels[i]);
    if (at != std::string::npos) order.push_back(static_cast<int>(at));
    extents.push_back(at != std::string::npos ? x.value.shape()[static_cast<int>(at)] : 1);
  }
  return broadcast(reshape(permute(x.value, std::move(order)), Shape(std::move(extents))), shape);
}

/// The product of two operands whose labels all stand in the result.
Tensor product(const Operand& a, const Operand& b, const std::string& out, const Shape& shape) {
  return arranged(a, out, shape) * arranged(b, out, shape);
}

/// Takes labels along which a value repeats off it; what is left is the smaller value.
std::string take_repeated(Graph& graph, Operand& x) {
  const Node& node = graph[x.value.id()];
  const double* fill = fill_value(node);
  if (node.op != Op::broadcast && fill == nullptr) return {};
  const Tensor source = fill != nullptr ? Tensor() : graph.tensor(node.operands[0]);
  std::string taken;
  std::string kept;
  std::vector<std::int64_t> extents;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    const int axis = static_cast<int>(i);
    const bool repeats = fill != nullptr || (source.shape()[axis] == 1 && node.shape[axis] != 1);
    if (repeats) {
      taken += x.labels[i];
    } else {
      kept += x.labels[i];
      extents.push_back(source.shape()[axis]);
    }
  }
  if (taken.empty()) return {};
  x.value =
      fill != nullptr ? full(x.value, Shape{}, *fill) : reshape(source, Shape(std::move(extents)));
  x.labels = kept;
  return taken;
}

/// Sums an operand over labels that stand nowhere else any more.
void sum_over(Operand& x, const std::string& labels) {
  std::vector<int> axes;
  std::string kept;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    if (has(labels, x.labels[i])) {
      axes.push_back(static_cast<int>(i));
    } else {
      kept += x.labels[i];
    }
  }
  x.value = sum(x.value, std::move(axes));
  x.labels = kept;
}

/// Contraction where one operand repeats along labels.
Tensor without_repeated(Graph& graph, const Node& node) {
  const auto& c = attribute<Contraction>(node);
  for (const bool first : {true, false}) {
    Operand x{graph.tensor(node.operands[first ? 0 : 1]), first ? c.a : c.b};
    Operand y{graph.tensor(node.operands[first ? 1 : 0]), first ? c.b : c.a};
    const std::string taken = take_repeated(graph, x);
    if (taken.empty()) continue;
    // A label of x and y alone is summed over in y; one of x and the result is broadcast at last.
    std::string only_y;
    std::string out;
    for (const char label : taken) {
      if (has(y.labels, label) && !has(c.out, label)) only_y += label;
    }
    if (!only_y.empty()) sum_over(y, only_y);
    std::vector<std::int64_t> extents;
    for (std::size_t i = 0; i < c.out.size(); ++i) {
      if (!has(x.labels, c.out[i]) && !has(y.labels, c.out[i])) continue;
      out += c.out[i];
      extents.push_back(node.shape[static_cast<int>(i)]);
    }
    const Tensor small =
        first ? emit(Op::dot, {x.value, y.value}, Contraction{x.labels, y.labels, out})
              : emit(Op::dot, {y.value, x.value}, Contraction{y.labels, x.labels, out});
    return arranged({small, out}, c.out, node.shape);
  }
  return {};
}

bool is_identity(const Node& node) {
  if (node.op != Op::constant || node.shape.rank() != 2 || node.shape[0] != node.shape[1]) {
    return false;
  }
  const auto& values = attribute<ConstantValues>(node).values;
  const auto n = static_cast<std::size_t>(node.shape[0]);
  if (n < 2 || values.size() != n * n) return false;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (values[i * n + j] != (i == j ? 1.0 : 0.0)) return false;
    }
  }
  return true;
}

/// An identity matrix renames the label that it contracts. A NaN or infinity of the other operand
/// stays where it is instead of spreading as 0 * NaN.
Tensor with_identity(Graph& graph, const Node& node) {
  const auto& c = attribute<Contraction>(node);
  for (const bool first : {true, false}) {
    const std::string& eye = first ? c.a : c.b;
    std::string other = first ? c.b : c.a;
    if (!is_identity(graph[node.operands[first ? 0 : 1]])) continue;
    for (const bool swapped : {false, true}) {
      const char contracted = eye[swapped ? 0 : 1];
      const char renamed = eye[swapped ? 1 : 0];
      if (has(c.out, contracted) || has(other, renamed)) continue;
      other[other.find(contracted)] = renamed;
      return arranged({graph.tensor(node.operands[first ? 1 : 0]), other}, c.out, node.shape);
    }
  }
  return {};
}

/// Contracted labels of extent 1 contract nothing: the contraction without them.
Tensor without_single(Graph& graph, const Node& node) {
  const auto& c = attribute<Contraction>(node);
  std::array<Operand, 2> operands{Operand{graph.tensor(node.operands[0]), c.a},
                                  Operand{graph.tensor(node.operands[1]), c.b}};
  bool changed = false;
  for (Operand& x : operands) {
    std::string kept;
    std::vector<std::int64_t> extents;
    for (std::size_t i = 0; i < x.labels.size(); ++i) {
      const std::int64_t extent = x.value.shape()[static_cast<int>(i)];
      if (extent == 1 && !has(c.out, x.labels[i])) continue;
      kept += x.labels[i];
      extents.push_back(extent);
    }
    changed = changed || kept.size() < x.labels.size();
    x = {reshape(x.value, Shape(std::move(extents))), kept};
  }
  if (!changed) return {};
  return emit(Op::dot, {operands[0].value, operands[1].value},
              Contraction{operands[0].labels, operands[1].labels, c.out});
}

}  // namespace

Tensor simplify_dot(Graph& graph, const Node& node) {
  const auto& c = attribute<Contraction>(node);
  const bool contracts =
      std::any_of(c.a.begin(), c.a.end(), [&c](char l) { return !has(c.out, l); });
  if (!contracts) {
    return product({graph.tensor(node.operands[0]), c.a}, {graph.tensor(node.operands[1]), c.b},
                   c.out, node.shape);
  }
  if (const Tensor simpler = without_single(graph, node)) return simpler;
  if (const Tensor simpler = with_identity(graph, node)) return simpler;
  return without_repeated(graph, node);
}

}  // namespace odeum::program
