// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/elements.hpp"

#include <algorithm>
#include <limits>

#include "kernelgen/lowering.hpp"
#include "odeum/random.hpp"

namespace odeum::kernelgen {

Place place_of(KernelText& text, const std::string& flat, bool rowful, std::int64_t elements) {
  if (!rowful) return {flat, "0", flat};
  if (elements <= 1) return {flat, flat, "0"};
  const std::string width = text_of(elements);
  std::string row = text.index(flat + " / " + width);
  return {flat, row, text.index(flat + " - " + row + " * " + width)};
}

std::string formula(Op op, DType type, DType from, const std::vector<std::string>& x) {
  const std::string t = c_type(type);
  const auto call = [&x](const char* function) { return std::string(function) + "(" + x[0] + ")"; };
  const auto infix = [&x](const char* sign) { return x[0] + " " + sign + " " + x[1]; };
  const auto ordered = [&x](const std::string& smaller, const std::string& larger) {
    return x[0] + " != " + x[0] + " ? " + x[0] + " : (" + x[1] + " != " + x[1] + " ? " + x[1] +
           " : (" + smaller + " < " + larger + " ? " + x[1] + " : " + x[0] + "))";
  };
  switch (op) {
    case Op::neg:
      return "-" + x[0];
    case Op::abs:
      return type == DType::i64 ? x[0] + " < 0 ? -" + x[0] + " : " + x[0] : call("fabs");
    case Op::sign:
      return x[0] + " != " + x[0] + " ? " + x[0] + " : (" + t + ")((" + x[0] + " > 0) - (" + x[0] +
             " < 0))";
    case Op::sigmoid:
    case Op::softplus:
      return std::string(op == Op::sigmoid ? "sigmoid_" : "softplus_") + t + "(" + x[0] + ")";
    case Op::cast:
      return type == from ? x[0] : "(" + t + ")" + x[0];
    case Op::add:
      return infix("+");
    case Op::sub:
      return infix("-");
    case Op::mul:
      return infix("*");
    case Op::div:
      return infix("/");
    case Op::max:
      return ordered(x[0], x[1]);
    case Op::min:
      return ordered(x[1], x[0]);
    case Op::less:
      return "(" + t + ")(" + infix("<") + ")";
    case Op::equal:
      return "(" + t + ")(" + infix("==") + ")";
    case Op::select:
      return x[0] + " != 0 ? " + x[1] + " : " + x[2];
    default:
      return call(odeum::name(op));  // floor, exp, log, ...: named as in C
  }
}

void Elements::compute(ValueId id) {
  const std::string type = c_type(lowering_.graph()[id].dtype);
  names_[id] = text_.let(type, expression(id));
}

void Elements::store(ValueId id) {
  const Graph& graph = lowering_.graph();
  const std::string array = text_.pointer(lowering_.slot(id), graph[id].dtype);
  text_.line(array + "[" + place_.flat + "] " + (graph.accumulates(id) ? "+= " : "= ") +
             names_.at(id) + ";");
}

std::vector<std::string> Elements::indices(const Shape& shape) {
  if (!shape.has_rows()) return decompose(text_, place_.element, shape.extents());
  std::vector<std::int64_t> inner(shape.extents().begin() + 1, shape.extents().end());
  std::vector<std::string> result = decompose(text_, place_.element, inner);
  result.insert(result.begin(), place_.row);
  return result;
}

std::string Elements::load(ValueId value, const std::vector<std::string>& indices) {
  const Graph& graph = lowering_.graph();
  const Layout& layout = graph.layout(value);
  const DType type = graph[layout.root].dtype;
  if (const double* fill = graph.fill(layout.root)) return literal(*fill, type);
  if (elsewhere_ && graph.rowful(layout.root)) {
    std::vector<std::string> within = indices;
    within[0] = "0";
    std::string place = elsewhere_(layout.root, address(within, layout.strides, layout.offset));
    if (!place.empty()) return place;
  }
  return text_.pointer(lowering_.slot(layout.root), type) + "[" +
         address(indices, layout.strides, layout.offset) + "]";
}

std::string Elements::operand(ValueId id, int k) {
  const Graph& graph = lowering_.graph();
  const ValueId x = graph.operand(id, k);
  const ValueId root = graph.root(x);
  const DType type = graph[root].dtype;
  if (const double* fill = graph.fill(root)) return literal(*fill, type);
  if (graph.plain(id, k)) {
    const auto known = names_.find(root);
    if (known != names_.end()) return known->second;
    const std::string place = elsewhere_ ? elsewhere_(root, place_.element) : "";
    if (!place.empty()) return text_.let(c_type(type), place);
    return text_.let(c_type(type),
                     text_.pointer(lowering_.slot(root), type) + "[" + place_.flat + "]");
  }
  return text_.let(c_type(type), load(x, indices(graph[x].shape)));
}

std::string Elements::expression(ValueId id) {
  const Node& node = lowering_.graph()[id];
  const std::string type = c_type(node.dtype);
  switch (node.op) {
    case Op::iota: {
      const int axis = std::get<Axis>(node.attributes).axis;
      return "(" + type + ")" + indices(node.shape)[static_cast<std::size_t>(axis)];
    }
    case Op::row_count:
      return "(" + type + ")rows";
    case Op::random:
      return random(id);
    case Op::pad:
      return pad(id);
    case Op::concat:
      return concat(id);
    case Op::gather:
      return gather(id);
    case Op::window_argmax:
      return window_argmax(id);
    case Op::sum:
    case Op::reduce_max:
      return short_reduction(id);
    case Op::stop_gradient:
    case Op::reshape:
    case Op::permute:
    case Op::broadcast:
    case Op::slice:
      // A copy: of a reshape in flat order, which views of other kinds never need.
      return operand(id, 0);
    default: {
      std::vector<std::string> operands;
      operands.reserve(node.operands.size());
      for (int k = 0; k < static_cast<int>(node.operands.size()); ++k)
        operands.push_back(operand(id, k));
      const DType from = lowering_.graph()[node.operands[0]].dtype;
      return formula(node.op, node.dtype, from, operands);
    }
  }
}

}  // namespace odeum::kernelgen
