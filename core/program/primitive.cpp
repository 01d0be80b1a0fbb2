// SPDX-License-Identifier: Apache-2.0
#include "program/primitive.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "odeum/error.hpp"

namespace odeum {
inline namespace v1 {

const char* name(Op op) { return program::primitive(op).name; }

}  // namespace v1

namespace program {
namespace {

constexpr std::size_t kOps = static_cast<std::size_t>(Op::output) + 1;

std::array<const Primitive*, kOps> collect() {
  std::array<const Primitive*, kOps> table{};
  for (const auto family :
       {source_primitives(), unary_primitives(), binary_primitives(), shape_primitives(),
        indexing_primitives(), reduction_primitives(), contraction_primitives(),
        convolution_primitives(), solve_primitives(), structure_primitives()}) {
    for (const Primitive& entry : family) table[static_cast<std::size_t>(entry.op)] = &entry;
  }
  return table;
}

}  // namespace

const Primitive& primitive(Op op) {
  static const std::array<const Primitive*, kOps> table = collect();
  return *table[static_cast<std::size_t>(op)];
}

bool is_elementwise(Op op) { return op >= Op::neg && op <= Op::select; }
bool is_float(DType type) { return type != DType::i64; }

void refuse(const std::string& operation, const std::string& what) {
  throw std::invalid_argument(operation + ": " + what);
}

Tensor emit(Op op, std::span<const Tensor> operands, Attributes attributes, Shape shape,
            DType dtype) {
  Node node;
  node.op = op;
  node.dtype = dtype;
  node.shape = std::move(shape);
  node.attributes = std::move(attributes);
  node.operands.reserve(operands.size());
  if (operands.empty()) refuse(primitive(op).name, "no operands");
  for (const Tensor& operand : operands) {
    if (!operand) refuse(primitive(op).name, "an operand is empty");
    if (operand.graph() != operands.front().graph()) {
      refuse(primitive(op).name, "operands of different recordings");
    }
    node.operands.push_back(operand.id());
  }
  return operands.front().graph()->emit(std::move(node));
}

Tensor emit(Op op, std::initializer_list<Tensor> operands, Attributes attributes, Shape shape,
            DType dtype) {
  return emit(op, std::span<const Tensor>(operands.begin(), operands.size()), std::move(attributes),
              std::move(shape), dtype);
}

Tensor emit(Op op, std::initializer_list<Tensor> operands, Attributes attributes) {
  return emit(op, operands, std::move(attributes), Shape(), DType::f32);
}

Tensor with_operand(Graph& graph, ValueId id, int k, Tensor operand) {
  Node node = graph[id];
  node.operands[static_cast<std::size_t>(k)] = operand.id();
  return graph.emit(std::move(node));
}

Tensor jvp_of_linear(const Forward& f) {
  return f.tangent(0) ? with_operand(f.graph, f.id, 0, f.tangent(0)) : Tensor();
}

Tensor jvp_of_multilinear(const Forward& f) {
  Tensor sum;
  for (std::size_t k = 0; k < f.tangents.size(); ++k) {
    if (!f.tangents[k]) continue;
    sum = add_up(sum, with_operand(f.graph, f.id, static_cast<int>(k), f.tangents[k]));
  }
  return sum;
}

Tensor Batching::full(int k) const {
  const Batched& operand = (*this)[k];
  if (operand.mapped) return operand.value;
  const Shape& shape = operand.value.shape();
  return broadcast(reshape(operand.value, with_map_axis(shape, 1)), with_map_axis(shape, n));
}

Tensor Batching::emit(std::vector<Tensor> values, Attributes attributes) const {
  return program::emit(node.op, values, std::move(attributes), with_map_axis(node.shape, n),
                       node.dtype);
}

Tensor Batching::emit(std::vector<Tensor> values) const {
  return emit(std::move(values), node.attributes);
}

Tensor vmap_elementwise(const Batching& b) {
  std::vector<Tensor> values;
  for (std::size_t k = 0; k < b.operands.size(); ++k) values.push_back(b.full(static_cast<int>(k)));
  return b.emit(std::move(values));
}

Tensor add_up(Tensor a, Tensor b) {
  if (!a) return b;
  if (!b) return a;
  return a + b;
}

int map_axis(const Shape& shape) { return shape.has_rows() ? 1 : 0; }

Shape with_map_axis(const Shape& shape, std::int64_t n) {
  std::vector<std::int64_t> extents = shape.extents();
  extents.insert(extents.begin() + map_axis(shape), n);
  return Shape(std::move(extents));
}

int normal_axis(const char* operation, const Shape& shape, int axis) {
  const int normal = axis < 0 ? axis + shape.rank() : axis;
  if (normal < 0 || normal >= shape.rank()) {
    refuse(operation, "no axis " + std::to_string(axis) + " in shape " + shape.text());
  }
  return normal;
}

std::vector<int> normal_axes(const char* operation, const Shape& shape, std::vector<int> axes) {
  for (int& axis : axes) axis = normal_axis(operation, shape, axis);
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) {
    refuse(operation, "an axis of shape " + shape.text() + " is named twice");
  }
  return axes;
}

const double* fill_value(const Node& node) {
  if (node.op != Op::constant) return nullptr;
  const auto& values = attribute<ConstantValues>(node).values;
  return values.size() == 1 ? values.data() : nullptr;
}

bool is_zero(const Node& node) {
  const double* value = fill_value(node);
  return value != nullptr && *value == 0.0;
}

bool is_zero(Tensor x) { return is_zero((*x.graph())[x.id()]); }

}  // namespace program
}  // namespace odeum
