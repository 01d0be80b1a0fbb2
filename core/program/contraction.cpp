// SPDX-License-Identifier: Apache-2.0
// Contractions of two tensors by axis labels.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "program/primitive.hpp"

namespace odeum {
namespace program {
namespace {

std::string notation(const Contraction& c) { return "\"" + c.a + "," + c.b + "->" + c.out + "\""; }

bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }

void infer_dot(const Graph& graph, Node& node) {
  const auto& c = attribute<Contraction>(node);
  const Node& a = graph[node.operands[0]];
  const Node& b = graph[node.operands[1]];
  const auto fail = [&](const std::string& what) {
    refuse("dot", notation(c) + " of " + name(a.dtype) + " " + a.shape.text() + " and " +
                      name(b.dtype) + " " + b.shape.text() + ": " + what);
  };
  if (a.dtype != b.dtype || !is_float(a.dtype)) fail("one floating-point type is needed");
  if (static_cast<int>(c.a.size()) != a.shape.rank() ||
      static_cast<int>(c.b.size()) != b.shape.rank()) {
    fail("one label an axis");
  }
  for (const auto* labels : {&c.a, &c.b, &c.out}) {
    for (std::size_t i = 0; i < labels->size(); ++i) {
      const char label = (*labels)[i];
      if (labels->find(label, i + 1) != std::string::npos) {
        fail(std::string("label ") + label + " stands twice in " + *labels);
      }
      if ((has(c.a, label) ? 1 : 0) + (has(c.b, label) ? 1 : 0) + (has(c.out, label) ? 1 : 0) < 2) {
        fail(std::string("label ") + label + " stands in one list alone");
      }
    }
  }
  std::vector<std::int64_t> extents;
  for (const char label : c.out) {
    extents.push_back(has(c.a, label) ? a.shape[static_cast<int>(c.a.find(label))]
                                      : b.shape[static_cast<int>(c.b.find(label))]);
    if (extents.back() == kRows && extents.size() > 1) fail("the rows lead the result");
  }
  for (std::size_t i = 0; i < c.a.size(); ++i) {
    const std::size_t in_b = c.b.find(c.a[i]);
    if (in_b != std::string::npos &&
        a.shape[static_cast<int>(i)] != b.shape[static_cast<int>(in_b)]) {
      fail(std::string("extents of label ") + c.a[i] + " differ");
    }
  }
  node.shape = Shape(std::move(extents));
  node.dtype = a.dtype;
}

/// The stride that each label has in an operand; 0 where it does not stand.
Extents label_strides(const std::string& all, const std::string& own, const Array& array) {
  const Extents own_strides = strides(array.extents);
  Extents result;
  for (const char label : all) {
    const std::size_t at = own.find(label);
    result.push_back(at == std::string::npos ? 0 : own_strides[at]);
  }
  return result;
}

void evaluate_dot(const Evaluation& e) {
  const auto& c = attribute<Contraction>(e.node);
  const Array& a = e.operand(0);
  const Array& b = e.operand(1);
  std::string all = c.out;
  for (const char label : c.a) {
    if (!has(all, label)) all += label;
  }
  Extents extents;
  for (const char label : all) {
    extents.push_back(has(c.a, label) ? a.extents[c.a.find(label)] : b.extents[c.b.find(label)]);
  }
  for_each_offset<3>(
      extents,
      {label_strides(all, c.a, a), label_strides(all, c.b, b), label_strides(all, c.out, e.result)},
      [&](const auto& offset) {
        e.result.values[static_cast<std::size_t>(offset[2])] +=
            a.values[static_cast<std::size_t>(offset[0])] *
            b.values[static_cast<std::size_t>(offset[1])];
      });
}

Tensor transpose_dot(const Backward& b) {
  const auto c = attribute<Contraction>(b.node());
  return b.position == 0 ? emit(Op::dot, {b.cotangent, b.operand(1)}, Contraction{c.out, c.b, c.a})
                         : emit(Op::dot, {b.cotangent, b.operand(0)}, Contraction{c.out, c.a, c.b});
}

Tensor vmap_dot(const Batching& b) {
  auto c = attribute<Contraction>(b.node);
  char fresh = 'A';
  while (has(c.a, fresh) || has(c.b, fresh) || has(c.out, fresh)) ++fresh;
  const auto insert = [fresh](std::string& labels, Tensor x) {
    labels.insert(labels.begin() + map_axis(x.shape()), fresh);
  };
  if (b[0].mapped) insert(c.a, b[0].value);
  if (b[1].mapped) insert(c.b, b[1].value);
  c.out.insert(c.out.begin() + map_axis(b.node.shape), fresh);
  return emit(Op::dot, {b[0].value, b[1].value}, std::move(c));
}

constexpr std::array<Primitive, 1> kEntries{{
    {.op = Op::dot,
     .name = "dot",
     .infer = infer_dot,
     .linearity = Linearity::each,
     .evaluate = evaluate_dot,
     .jvp = jvp_of_multilinear,
     .transpose = transpose_dot,
     .vmap = vmap_dot},
}};

}  // namespace

std::span<const Primitive> contraction_primitives() { return kEntries; }

}  // namespace program

inline namespace v1 {

Tensor dot(std::string_view labels, Tensor a, Tensor b) {
  const std::size_t comma = labels.find(',');
  const std::size_t arrow = labels.find("->");
  if (comma == std::string_view::npos || arrow == std::string_view::npos || arrow < comma) {
    program::refuse("dot", "labels \"" + std::string(labels) + "\" are not like \"ri,oi->ro\"");
  }
  return program::emit(Op::dot, {a, b},
                       Contraction{std::string(labels.substr(0, comma)),
                                   std::string(labels.substr(comma + 1, arrow - comma - 1)),
                                   std::string(labels.substr(arrow + 2))});
}

Tensor linear(Tensor x, Tensor w, Tensor b) {
  if (!x || !w) program::refuse("linear", "an operand is empty");
  if (x.rank() < 1 || w.rank() != 2 || x.shape()[x.rank() - 1] != w.shape()[1]) {
    program::refuse("linear", "x " + x.shape().text() + " with w " + w.shape().text() +
                                  "; x is [..., in] and w [out, in]");
  }
  std::string leading;
  for (int axis = 0; axis + 1 < x.rank(); ++axis) leading += static_cast<char>('a' + axis);
  const Tensor y = program::emit(Op::dot, {x, w}, Contraction{leading + "I", "OI", leading + "O"});
  if (!b) return y;
  if (b.shape() != Shape{w.shape()[0]}) {
    program::refuse("linear", "b " + b.shape().text() + " with w " + w.shape().text());
  }
  return y + b;
}

}  // namespace v1
}  // namespace odeum
