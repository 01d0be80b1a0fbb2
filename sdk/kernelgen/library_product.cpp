// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/library_product.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace odeum::kernelgen {
namespace {

/// A product with a thinner side has nothing for a library to reuse.
constexpr std::int64_t kThin = 16;

/// An axis of the product with its strides in A, B and C; 0 where it is not.
struct Axis {
  Size size;
  std::int64_t a = 0, b = 0, c = 0;
};

std::int64_t stride_of(const std::string& labels, const std::vector<std::int64_t>& strides,
                       char label) {
  const auto at = labels.find(label);
  return at == std::string::npos ? 0 : strides[at];
}

/// The labels as one axis of all memories that they lie in; nothing where they are several.
std::optional<Axis> merged(const std::string& labels, const Graph& graph, ValueId id) {
  const auto& c = std::get<Contraction>(graph[id].attributes);
  const Layout& a = graph.layout(graph.operand(id, 0));
  const Layout& b = graph.layout(graph.operand(id, 1));
  const Layout out = contiguous(id, graph[id].shape);
  std::optional<Axis> whole;
  for (const char label : labels) {
    const auto in_a = c.a.find(label);
    const std::int64_t extent =
        in_a != std::string::npos ? a.extents[in_a] : b.extents[c.b.find(label)];
    if (extent == 1) continue;
    const Axis axis{{extent == kRows ? 1 : extent, extent == kRows},
                    stride_of(c.a, a.strides, label),
                    stride_of(c.b, b.strides, label),
                    stride_of(c.out, out.strides, label)};
    if (!whole) {
      whole = axis;
      continue;
    }
    const auto nests = [&](std::int64_t outer, std::int64_t inner) {
      return outer == inner * axis.size.count;
    };
    if (axis.size.rows || !nests(whole->a, axis.a) || !nests(whole->b, axis.b) ||
        !nests(whole->c, axis.c))
      return std::nullopt;
    whole = Axis{{whole->size.count * axis.size.count, whole->size.rows}, axis.a, axis.b, axis.c};
  }
  return whole ? whole : Axis{{1, false}, 0, 0, 0};
}

/// How the matrix [outer, inner] lies in memory; nothing where neither axis is dense.
struct Storage {
  bool transposed = false;
  std::int64_t leading = 0;
};
std::optional<Storage> storage(const Size& outer, std::int64_t outer_stride, const Size& inner,
                               std::int64_t inner_stride) {
  if (inner_stride == 1 && !inner.rows && outer_stride >= inner.count)
    return Storage{false, outer_stride};
  if (outer_stride == 1 && !outer.rows && inner_stride >= outer.count)
    return Storage{true, inner_stride};
  return std::nullopt;
}

std::int64_t usual(const Size& size) { return size.at(kUsualRows); }

}  // namespace

std::optional<LibraryProduct> library_product(const Graph& graph, ValueId id) {
  const auto& c = std::get<Contraction>(graph[id].attributes);
  std::string batch, m_labels, n_labels, k_labels;
  for (const char label : c.out) {
    const bool in_a = c.a.find(label) != std::string::npos;
    const bool in_b = c.b.find(label) != std::string::npos;
    (in_a && in_b ? batch : (in_a ? m_labels : n_labels)) += label;
  }
  for (const char label : c.a) {
    if (c.out.find(label) == std::string::npos) k_labels += label;
  }
  const ValueId a = graph.operand(id, 0), b = graph.operand(id, 1);
  if (graph.fill(graph.root(a)) != nullptr || graph.fill(graph.root(b)) != nullptr)
    return std::nullopt;
  const auto z = merged(batch, graph, id), m = merged(m_labels, graph, id),
             n = merged(n_labels, graph, id), k = merged(k_labels, graph, id);
  if (!z || !m || !n || !k) return std::nullopt;
  LibraryProduct p;
  p.type = graph[id].dtype;
  p.exchanged = n->c != 1;
  const Axis outer = p.exchanged ? *n : *m, inner = p.exchanged ? *m : *n;
  if (inner.c != 1 || inner.size.rows || outer.c < inner.size.count) return std::nullopt;
  const auto first = p.exchanged ? storage(outer.size, outer.b, k->size, k->b)
                                 : storage(outer.size, outer.a, k->size, k->a);
  const auto second = p.exchanged ? storage(k->size, k->a, inner.size, inner.a)
                                  : storage(k->size, k->b, inner.size, inner.b);
  if (!first || !second) return std::nullopt;
  p.m = outer.size;
  p.n = inner.size;
  p.k = k->size;
  p.batch = z->size;
  p.transpose_a = first->transposed;
  p.transpose_b = second->transposed;
  p.lda = first->leading;
  p.ldb = second->leading;
  p.ldc = outer.c;
  p.stride_a = p.exchanged ? z->b : z->a;
  p.stride_b = p.exchanged ? z->a : z->b;
  p.stride_c = z->c;
  p.offset_a = graph.layout(p.exchanged ? b : a).offset;
  p.offset_b = graph.layout(p.exchanged ? a : b).offset;
  return p;
}

bool is_large(const LibraryProduct& p, std::int64_t multiplications) {
  if (multiplications == 0) return true;
  const std::int64_t m = usual(p.m), n = usual(p.n), k = usual(p.k);
  if (std::min({m, n, k}) < kThin) return false;
  // Sums over rows into a small result are cut into pieces, which libraries do not do.
  constexpr std::int64_t kManyEntries = std::int64_t{128} * 128;
  if (p.k.rows && m * n < kManyEntries) return false;
  return m * n * k >= multiplications;
}

}  // namespace odeum::kernelgen
