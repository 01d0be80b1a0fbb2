// SPDX-License-Identifier: Apache-2.0
// Elements that come from other places: padding, concatenation, gathering, windows, short sums,
// and random numbers.
#include <algorithm>

#include "kernelgen/elements.hpp"
#include "kernelgen/lowering.hpp"
#include "odeum/random.hpp"

namespace odeum::kernelgen {

std::string Elements::pad(ValueId id) {
  const Graph& graph = lowering_.graph();
  const auto& padding = std::get<Padding>(graph[id].attributes);
  const auto axis = static_cast<std::size_t>(padding.axis);
  const ValueId x = graph.operand(id, 0);
  const std::int64_t extent = graph[x].shape[padding.axis];
  std::vector<std::string> at = indices(graph[id].shape);
  const std::string inner = text_.index(at[axis] + " - " + text_of(padding.before));
  at[axis] = inner;
  return inner + " >= 0 && " + inner + " < " + text_of(extent) + " ? " + load(x, at) + " : 0";
}

std::string Elements::concat(ValueId id) {
  const Graph& graph = lowering_.graph();
  const Node& node = graph[id];
  const auto axis = static_cast<std::size_t>(std::get<Axis>(node.attributes).axis);
  const std::vector<std::string> at = indices(node.shape);
  std::string result;
  std::int64_t begin = 0;
  for (std::size_t k = 0; k < node.operands.size(); ++k) {
    std::vector<std::string> inside = at;
    if (begin > 0) inside[axis] = "(" + at[axis] + " - " + text_of(begin) + ")";
    begin += graph[node.operands[k]].shape[static_cast<int>(axis)];
    const bool last = k + 1 == node.operands.size();
    if (!last) result += at[axis] + " < " + text_of(begin) + " ? ";
    result += load(node.operands[k], inside) + (last ? "" : " : ");
  }
  return result;
}

std::string Elements::gather(ValueId id) {
  const Graph& graph = lowering_.graph();
  const ValueId x = graph.operand(id, 0);
  const std::int64_t size = graph[x].shape.extents().back();
  std::vector<std::string> at = indices(graph[id].shape);
  const std::string index = text_.let("long", operand(id, 1));
  at.back() = "(idx)" + index;
  const std::string outside =
      graph[id].dtype == DType::i64
          ? "0"
          : literal(std::numeric_limits<double>::quiet_NaN(), graph[id].dtype);
  return index + " >= 0 && " + index + " < " + text_of(size) + " ? " + load(x, at) + " : " +
         outside;
}

std::string Elements::window_argmax(ValueId id) {
  const Graph& graph = lowering_.graph();
  const auto& window = std::get<Window>(graph[id].attributes);
  const ValueId x = graph.operand(id, 0);
  const Shape& shape = graph[x].shape;
  const std::string type = c_type(graph[x].dtype);
  std::vector<std::string> at = indices(graph[id].shape);
  const std::size_t height = at.size() - 2, width = at.size() - 1;
  std::string bounds[2];
  std::string start[2];
  for (std::size_t side = 0; side < 2; ++side) {
    start[side] = text_.index(at[height + side] + " * " + text_of(window.stride[side]) + " - " +
                              text_of(window.pad_before[side]));
  }
  const std::string best = text_.fresh("best"), value = text_.fresh("value");
  const std::string row = text_.fresh("row"), column = text_.fresh("column");
  text_.line("long " + best + " = -1;");
  text_.line(type + " " + value + " = 0;");
  const std::string names[2] = {row, column};
  for (std::size_t side = 0; side < 2; ++side) {
    const std::string& name = names[side];
    const std::string end = text_of(window.kernel[side] * window.dilation[side]);
    text_.open(joined({"for (idx ", name, " = ", start[side], "; ", name, " < ", start[side], " + ",
                       end, "; ", name, " += ", text_of(window.dilation[side]), ")"}));
    const std::int64_t extent = shape[shape.rank() - 2 + static_cast<int>(side)];
    text_.line(joined({"if (", name, " < 0 || ", name, " >= ", text_of(extent), ") continue;"}));
  }
  at[height] = row;
  at[width] = column;
  const std::string entry = text_.let(type, load(x, at));
  text_.open("if (" + best + " < 0 || (" + value + " == " + value + " && (" + value + " < " +
             entry + " || " + entry + " != " + entry + ")))");
  text_.line(best + " = (long)" + row + " * " + text_of(shape[shape.rank() - 1]) + " + " + column +
             ";");
  text_.line(value + " = " + entry + ";");
  text_.close();
  text_.close();
  text_.close();
  return best + " < 0 ? 0 : " + best;
}

std::string Elements::short_reduction(ValueId id) {
  const Graph& graph = lowering_.graph();
  const Node& node = graph[id];
  const ValueId x = node.operands[0];
  const Shape& shape = graph[x].shape;
  const auto& axes = std::get<Axes>(node.attributes).axes;
  const std::vector<std::string> kept = indices(node.shape);
  std::vector<std::string> at;
  at.reserve(static_cast<std::size_t>(shape.rank()));
  std::vector<std::int64_t> reduced;
  reduced.reserve(axes.size());
  for (const int axis : axes) reduced.push_back(shape[axis]);
  const std::string type = c_type(node.dtype);
  std::string total = text_.fresh("total");
  const std::string q = text_.fresh("q");
  const bool maximum = node.op == Op::reduce_max;
  const std::string start = maximum ? std::string("LOWEST_") + type : "0";
  text_.line(type + " " + total + " = " + start + ";");
  text_.open("for (idx " + q + " = 0; " + q + " < " + text_of(reduced_entries(graph, id)) + "; ++" +
             q + ")");
  const std::vector<std::string> inner = decompose(text_, q, reduced);
  std::size_t next_kept = 0, next_inner = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    at.push_back(std::binary_search(axes.begin(), axes.end(), axis) ? inner[next_inner++]
                                                                    : kept[next_kept++]);
  }
  const std::string entry = text_.let(type, load(x, at));
  if (maximum) {
    text_.line("if (" + total + " < " + entry + " || " + entry + " != " + entry + ") " + total +
               " = " + entry + ";");
  } else {
    text_.line(total + " += " + entry + ";");
  }
  text_.close();
  return total;
}

std::string Elements::random(ValueId id) {
  const Graph& graph = lowering_.graph();
  const Node& node = graph[id];
  const auto distribution = std::get<Randomness>(node.attributes).distribution;
  const std::string seed = text_.let("long", load(node.operands[0], {"0"}));
  const std::string step = text_.let("long", load(node.operands[0], {"1"}));
  // Where the samples are no rows, a sample is an index of the leading axis.
  Place sample = place_;
  if (!node.shape.has_rows()) {
    const std::int64_t inner =
        node.shape[0] == 0 ? 1 : node.shape.elements_per_row() / node.shape[0];
    sample = place_of(text_, place_.flat, true, inner);
  }
  const std::string index = text_.let("long", load(node.operands[1], {sample.row}));
  const std::string key =
      text_.let("ulong", "stream_key((ulong)" + seed + ", " +
                             std::to_string(static_cast<unsigned>(Purpose::user)) + "u, (ulong)" +
                             step + ")");
  const std::string arguments =
      "(" + key + ", (ulong)" + index + ", (ulong)" + sample.element + ")";
  const std::string type = c_type(node.dtype);
  switch (distribution) {
    case Distribution::uniform:
      return "uniform_" + type + arguments;
    case Distribution::normal:
      return "(" + type + ")normal_double" + arguments;
    case Distribution::rademacher:
      return "(" + type + ")rademacher_double" + arguments;
  }
  return "0";
}

}  // namespace odeum::kernelgen
