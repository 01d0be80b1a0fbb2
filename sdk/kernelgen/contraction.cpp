// SPDX-License-Identifier: Apache-2.0
// dot as a product over strided memory.
#include <algorithm>

#include "kernelgen/product.hpp"

namespace odeum::kernelgen {
namespace {

/// Which axis of the operand carries the label, or -1.
int axis_of(const std::string& labels, char label) {
  const auto at = labels.find(label);
  return at == std::string::npos ? -1 : static_cast<int>(at);
}

/// Reads an operand whose axes are spread over the product's batch, outer and contracted ones.
Entry reader(const Lowering& lowering, ValueId value, const std::string& labels,
             const std::string& batch, const std::string& outer, const std::string& inner) {
  return [&lowering, value, labels, batch, outer, inner](KernelText& text, const Indices& zs,
                                                         const Indices& os, const Indices& ks) {
    Indices at(labels.size(), "0");
    const auto put = [&](const std::string& from, const Indices& indices) {
      for (std::size_t i = 0; i < from.size(); ++i) {
        const int axis = axis_of(labels, from[i]);
        if (axis >= 0) at[static_cast<std::size_t>(axis)] = indices[i];
      }
    };
    put(batch, zs);
    put(outer, os);
    put(inner, ks);
    Elements elements(lowering, text, {});
    return elements.load(value, at);
  };
}

/// Labels in an order in which the one over rows comes first.
std::string rows_first(std::string labels, const std::function<std::int64_t(char)>& extent) {
  std::stable_partition(labels.begin(), labels.end(),
                        [&](char label) { return extent(label) == kRows; });
  return labels;
}

}  // namespace

void write_dot(Lowering& lowering, ValueId id) {
  const Graph& graph = lowering.graph();
  const auto& c = std::get<Contraction>(graph[id].attributes);
  const ValueId a = graph.operand(id, 0), b = graph.operand(id, 1);
  const auto extent = [&](char label) {
    const int in_a = axis_of(c.a, label);
    return in_a >= 0 ? graph[a].shape[in_a] : graph[b].shape[axis_of(c.b, label)];
  };
  std::string batch, m, n, k;
  for (const char label : c.out) {
    const bool in_a = axis_of(c.a, label) >= 0, in_b = axis_of(c.b, label) >= 0;
    (in_a && in_b ? batch : (in_a ? m : n)) += label;
  }
  for (const char label : c.a) {
    if (axis_of(c.out, label) < 0) k += label;
  }
  for (std::string* labels : {&batch, &m, &n, &k}) *labels = rows_first(*labels, extent);
  const Layout result = contiguous(id, graph[id].shape);
  Product product;
  const auto add = [&](ProductAxes& axes, const std::string& labels) {
    for (const char label : labels) {
      const int out = axis_of(c.out, label);
      axes.add(extent(label), out < 0 ? 0 : result.strides[static_cast<std::size_t>(out)]);
    }
  };
  add(product.batch, batch);
  add(product.m, m);
  add(product.n, n);
  add(product.k, k);
  product.a = reader(lowering, a, c.a, batch, m, k);
  product.b = reader(lowering, b, c.b, batch, n, k);
  const auto along_k = [&](ValueId x, const std::string& labels) {
    return !k.empty() &&
           graph.layout(x).strides[static_cast<std::size_t>(axis_of(labels, k.back()))] == 1;
  };
  product.a_along_k = along_k(a, c.a);
  product.b_along_k = along_k(b, c.b);
  write_product(lowering, id, product);
}

}  // namespace odeum::kernelgen
