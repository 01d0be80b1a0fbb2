// SPDX-License-Identifier: Apache-2.0
// Graph: where recordings grow. Append-only; equal nodes are one node; constants are folded.
//
// What is simplified, and when:
//
// - Every graph: x + 0, x - 0, x * 1, x / 1, casts, reshapes, permutations, broadcasts, slices and
//   pads that change nothing, sums over no axis, selects by a constant, operations on constants
//   (computed in float64). These hand back an operand as it is, so a derivative with respect to any
//   value of a recording stays right.
// - A thorough graph also looks through the operands' own definitions (simplify.hpp). That would
//   cut a value out of the path from an input to an output, so it is for graphs in which
//   derivatives are taken with respect to inputs alone: finished programs and their transforms.
//
// x * 0 is not simplified, nor are x - x and x / x: a NaN of the user's stays seen. Derivatives
// that are zero by structure are never emitted in the first place, and a constant zero as tangent
// or cotangent counts as such. x + 0 gives x also for x = -0.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "odeum/program.hpp"

namespace odeum::program {

class DerivedPrograms;

enum class Simplify : std::uint8_t { locally, thoroughly };

class Graph {
 public:
  explicit Graph(Simplify simplify = Simplify::locally);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  const Node& operator[](ValueId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  ValueId size() const { return static_cast<ValueId>(nodes_.size()); }
  Tensor tensor(ValueId id) { return {this, id}; }
  bool thorough() const { return simplify_ == Simplify::thoroughly; }

  Tensor input(std::string name, Shape shape, DType dtype, RowClass row_class);
  /// An input that must have disappeared from what `program` is asked for.
  Tensor placeholder(Shape shape, DType dtype, RowClass row_class);

  /// Infers shape, type and row class, simplifies, and hands back the node or its equal. A caller
  /// states shape and type only where they are arguments (constant, iota, row_count, random, cast,
  /// reshape, broadcast, scatter_add, conv_input_gradient, output). Throws std::invalid_argument
  /// naming the operation, the shapes and the types.
  Tensor emit(Node node);

  /// What the outputs need, as it stands in this graph; all inputs in order of creation.
  Program program(std::span<const Tensor> outputs, std::vector<std::string> names) const;

  /// Derived programs of callees, made once a graph.
  DerivedPrograms& derived() { return *derived_; }

 private:
  ValueId append(Node node, std::uint64_t hash);
  ValueId* slot(const Node& node, std::uint64_t hash);
  void grow();

  Simplify simplify_;
  std::deque<Node> nodes_;  // references to nodes stay valid while the graph grows
  std::vector<std::uint64_t> hashes_;
  std::vector<ValueId> table_;  // open addressing, a power of two in size; -1: free
  std::vector<ValueId> inputs_;
  std::vector<std::string> input_names_;
  std::unique_ptr<DerivedPrograms> derived_;
};

/// The nodes of a program again in `graph`, with `arguments` as its inputs; the outputs.
std::vector<Tensor> copy_into(Graph& graph, const Program& program,
                              std::span<const Tensor> arguments, Calls calls);

/// The inputs of a program as inputs of `graph`.
std::vector<Tensor> copy_inputs(Graph& graph, const Program& program);

}  // namespace odeum::program
