// SPDX-License-Identifier: Apache-2.0
// Primitives: what each operation of a program is.
//
// A primitive has a shape rule, a reference evaluation in float64, a forward derivative (jvp), a
// transpose if it is linear, and a batching rule (vmap). Derivative and batching rules are
// written with the public Tensor operations, so they can be differentiated and batched again. The
// entries stand in the files of their families (elementwise.cpp, contraction.cpp, ...).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "odeum/program.hpp"
#include "odeum/tensor.hpp"
#include "program/array.hpp"
#include "program/graph.hpp"

namespace odeum::program {

/// In which operands an operation is linear.
enum class Linearity : std::uint8_t {
  nonlinear,
  first,     ///< in operand 0, the others held fixed
  second,    ///< in operand 1, the others held fixed
  together,  ///< in all operands jointly: add, sub, concat
  each,      ///< in each operand, the others held fixed: mul, dot, the convolutions
  branches,  ///< in operands 1 and 2 jointly: select
};

/// Reference evaluation: `result` comes with its type, extents and zeros.
struct Evaluation {
  const Node& node;
  std::span<const Array* const> operands;
  Array& result;

  const Array& operand(int k) const { return *operands[static_cast<std::size_t>(k)]; }
};

/// Forward derivative of node `id`, given its operands' tangents (an empty one is zero; at least
/// one is not). An empty result is zero.
struct Forward {
  Graph& graph;
  ValueId id;
  std::span<const Tensor> tangents;

  const Node& node() const { return graph[id]; }
  Tensor value() const { return graph.tensor(id); }
  Tensor operand(int k) const { return graph.tensor(node().operands[static_cast<std::size_t>(k)]); }
  Tensor tangent(int k) const { return tangents[static_cast<std::size_t>(k)]; }
};

/// Transpose of node `id`, linear in operand `position`: that operand's share of the cotangent.
struct Backward {
  Graph& graph;
  ValueId id;
  int position;
  Tensor cotangent;

  const Node& node() const { return graph[id]; }
  Tensor operand(int k) const { return graph.tensor(node().operands[static_cast<std::size_t>(k)]); }
  const Shape& operand_shape() const { return operand(position).shape(); }
};

/// A value while batching: with the new axis, or as it was.
struct Batched {
  Tensor value;
  bool mapped = false;
};

/// Batching of `node` (perhaps of another graph) over `operands` of `graph`, at least one of them
/// mapped. The new axis, of extent n, stands behind rows, else in front.
struct Batching {
  Graph& graph;
  const Node& node;
  std::span<const Batched> operands;
  std::int64_t n;

  const Batched& operator[](int k) const { return operands[static_cast<std::size_t>(k)]; }
  /// Operand k with the new axis, broadcast along it if it is not mapped.
  Tensor full(int k) const;
  /// The node with other operands, attributes and, where the caller states it, shape.
  Tensor emit(std::vector<Tensor> values) const;
  Tensor emit(std::vector<Tensor> values, Attributes attributes) const;
};

struct Primitive {
  Op op;
  const char* name;
  /// Fills shape and dtype from operands and attributes, or checks those that the caller states.
  void (*infer)(const Graph&, Node&);
  Linearity linearity = Linearity::nonlinear;
  void (*evaluate)(const Evaluation&) = nullptr;
  Tensor (*jvp)(const Forward&) = nullptr;         ///< null: the derivative is zero
  Tensor (*transpose)(const Backward&) = nullptr;  ///< null: not linear
  Tensor (*vmap)(const Batching&) = nullptr;       ///< null: refused
};

/// The entry of an operation.
const Primitive& primitive(Op op);

/// The families.
std::span<const Primitive> source_primitives();
std::span<const Primitive> unary_primitives();
std::span<const Primitive> binary_primitives();
std::span<const Primitive> shape_primitives();
std::span<const Primitive> indexing_primitives();
std::span<const Primitive> reduction_primitives();
std::span<const Primitive> contraction_primitives();
std::span<const Primitive> convolution_primitives();
std::span<const Primitive> solve_primitives();
std::span<const Primitive> structure_primitives();

bool is_elementwise(Op op);
bool is_float(DType type);

// --- What rules share ----------------------------------------------------------------------

/// Emits a node in the graph of the operands. Empty operands and operands of different recordings
/// are refused, naming the operation.
Tensor emit(Op op, std::initializer_list<Tensor> operands, Attributes attributes = {});
/// For operations whose shape or type the caller states.
Tensor emit(Op op, std::initializer_list<Tensor> operands, Attributes attributes, Shape shape,
            DType dtype);
Tensor emit(Op op, std::span<const Tensor> operands, Attributes attributes, Shape shape,
            DType dtype);
/// Node `id` again with operand k replaced.
Tensor with_operand(Graph& graph, ValueId id, int k, Tensor operand);

/// jvp of what is linear in operand 0 with the others fixed, and in each operand.
Tensor jvp_of_linear(const Forward& f);
Tensor jvp_of_multilinear(const Forward& f);
/// vmap of elementwise operations.
Tensor vmap_elementwise(const Batching& b);

/// The sum of two values, either of which may be empty.
Tensor add_up(Tensor a, Tensor b);

/// Where a batching axis stands in a shape, and the shape with it.
int map_axis(const Shape& shape);
Shape with_map_axis(const Shape& shape, std::int64_t n);

/// The axis counted from the front; throws naming the operation if there is none such.
int normal_axis(const char* operation, const Shape& shape, int axis);
std::vector<int> normal_axes(const char* operation, const Shape& shape, std::vector<int> axes);

/// Throws std::invalid_argument "<operation>: <what>".
[[noreturn]] void refuse(const std::string& operation, const std::string& what);

template <class T>
const T& attribute(const Node& node) {
  return std::get<T>(node.attributes);
}

/// The value of a constant whose elements are all the same, else null.
const double* fill_value(const Node& node);
bool is_zero(const Node& node);
bool is_zero(Tensor x);

}  // namespace odeum::program
