// SPDX-License-Identifier: Apache-2.0
// Which instructions a program needs. Kernels and their order of summation are those of the other
// plans, so that the values of a row, which alone may be few enough, are those that it has among
// many.
#include "plan/straight.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "plan/chains.hpp"
#include "plan/functions.hpp"
#include "plan/fuse.hpp"
#include "plan/straight_writer.hpp"

namespace odeum::cpu {
namespace {

/// One axis of a walk over elements.
struct WalkAxis {
  std::int64_t extent = 1;
  std::int64_t stride = 0;
};

/// The flat indices that nested loops over the axes visit, the last axis fastest.
std::vector<std::int64_t> walk(const std::vector<WalkAxis>& axes, std::int64_t start = 0) {
  std::vector<std::int64_t> visited{start};
  for (const WalkAxis& axis : axes) {
    std::vector<std::int64_t> next;
    next.reserve(visited.size() * static_cast<std::size_t>(axis.extent));
    for (const std::int64_t at : visited) {
      for (std::int64_t i = 0; i < axis.extent; ++i) next.push_back(at + i * axis.stride);
    }
    visited = std::move(next);
  }
  return visited;
}

bool counts_up(const std::vector<std::int64_t>& x) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] != static_cast<std::int64_t>(i)) return false;
  }
  return true;
}

bool has_straight_form(Op op) {
  switch (op) {
    case Op::input:
    case Op::constant:
    case Op::iota:
    case Op::row_count:
    case Op::pad:
    case Op::concat:
    case Op::sum:
    case Op::reduce_max:
    case Op::dot:
      return true;
    default:
      return is_elementwise(op) || is_view(op);
  }
}

class Straightening {
 public:
  Straightening(const Graph& graph, std::int64_t rows, const Kernels& kernels, double most)
      : graph_(graph),
        rows_(rows),
        kernels_(kernels),
        most_(most),
        writer_(kernels),
        places_(graph.size()) {}

  std::optional<StraightCode> code() {
    fusion_ = fuse(graph_);
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      if (!is_live(id) || count(graph_[id].shape) == 0) continue;
      if (!compute(id) || writer_.work() > most_) return std::nullopt;
      if (graph_.output_of[i] < 0) continue;
      const DType type = graph_[id].dtype;
      writer_.hand_out(static_cast<std::size_t>(graph_.output_of[i]),
                       writer_.in_a_run(places_[i], type), places_[i].size(), type);
    }
    StraightCode code = writer_.finish();
    join_chains(code, kernels_);
    return code;
  }

 private:
  bool is_live(ValueId id) const {
    if (graph_.role(id) != Role::dead) return true;
    // Views have no role; those of live values cost nothing.
    return is_view(graph_[id].op) &&
           !places_[static_cast<std::size_t>(graph_[id].operands[0])].empty();
  }
  std::size_t count(const Shape& shape) const {
    return static_cast<std::size_t>(shape.elements(rows_));
  }
  std::int64_t bound(std::int64_t extent) const { return extent == kRows ? rows_ : extent; }
  const Places& operand(const Node& node, std::size_t k) const {
    return places_[static_cast<std::size_t>(node.operands[k])];
  }

  bool compute(ValueId id) {
    const Node& node = graph_[id];
    Places& result = places_[static_cast<std::size_t>(id)];
    if (!has_straight_form(node.op)) return false;
    if (is_view(node.op)) return look(node, result);
    if (is_elementwise(node.op)) return map(id, result);
    switch (node.op) {
      case Op::input:
        result = writer_.run_of(writer_.room(count(node.shape), node.dtype, false),
                                count(node.shape), node.dtype);
        writer_.take_in(static_cast<std::size_t>(graph_.input_of[static_cast<std::size_t>(id)]),
                        result.front(), result.size(), node.dtype);
        return true;
      case Op::constant: {
        const auto& values = std::get<ConstantValues>(node.attributes).values;
        if (values.size() > 1) {
          result = writer_.numbers(values, node.dtype);
        } else {
          result.assign(count(node.shape), writer_.number(values.front(), node.dtype));
        }
        return true;
      }
      case Op::iota:
        result = writer_.numbers(steps_along(node), node.dtype);
        return true;
      case Op::row_count:
        result = {writer_.number(static_cast<double>(rows_), node.dtype)};
        return true;
      case Op::sum:
      case Op::reduce_max:
        return graph_.role(id) == Role::element ? slice_sum(node, result) : reduce(id, result);
      case Op::dot:
        return contract(node, result);
      default:
        return join(node, result);
    }
  }

  std::vector<double> steps_along(const Node& node) const {
    const int axis = std::get<Axis>(node.attributes).axis;
    std::int64_t inner = 1;
    for (int i = axis + 1; i < node.shape.rank(); ++i) inner *= node.shape[i];
    std::vector<double> values;
    for (std::int64_t i = 0; i < node.shape.elements(rows_); ++i)
      values.push_back(static_cast<double>(i / inner % bound(node.shape[axis])));
    return values;
  }

  bool look(const Node& node, Places& result) {
    const auto layout = view(node, contiguous(0, graph_[node.operands[0]].shape));
    if (!layout) return false;
    std::vector<WalkAxis> axes;
    for (std::size_t i = 0; i < layout->extents.size(); ++i)
      axes.push_back({bound(layout->extents[i]), layout->strides[i]});
    const Places& from = operand(node, 0);
    for (const std::int64_t at : walk(axes, layout->offset))
      result.push_back(from[static_cast<std::size_t>(at)]);
    return true;
  }

  /// Parts of a concatenation, or the operand of a pad among zeros.
  bool join(const Node& node, Places& result) {
    const auto* padding = std::get_if<Padding>(&node.attributes);
    const int axis = padding != nullptr ? padding->axis : std::get<Axis>(node.attributes).axis;
    const std::vector<std::int64_t> strides = contiguous(0, node.shape).strides;
    const std::int64_t stride = strides[static_cast<std::size_t>(axis)];
    std::int64_t start = padding != nullptr ? padding->before * stride : 0;
    result.assign(count(node.shape), padding != nullptr ? writer_.number(0.0, node.dtype) : 0);
    for (std::size_t k = 0; k < node.operands.size(); ++k) {
      const Shape& part = graph_[node.operands[k]].shape;
      std::vector<WalkAxis> axes;
      axes.reserve(static_cast<std::size_t>(part.rank()));
      for (int i = 0; i < part.rank(); ++i)
        axes.push_back({bound(part[i]), strides[static_cast<std::size_t>(i)]});
      const std::vector<std::int64_t> to = walk(axes, start);
      for (std::size_t i = 0; i < to.size(); ++i)
        result[static_cast<std::size_t>(to[i])] = operand(node, k)[i];
      start += bound(part[axis]) * stride;
    }
    return true;
  }

  bool reduce(ValueId id, Places& result) {
    const Node& node = graph_[id];
    const Places& from = operand(node, 0);
    const auto& gone = std::get<Axes>(node.attributes).axes;
    const Layout rowwise = contiguous(0, graph_[node.operands[0]].shape);
    const Layout& actual = graph_.layout(node.operands[0]);
    std::vector<WalkAxis> kept, reduced, in_memory;
    for (std::size_t i = 0; i < rowwise.extents.size(); ++i) {
      const bool is_gone = std::binary_search(gone.begin(), gone.end(), static_cast<int>(i));
      (is_gone ? reduced : kept).push_back({bound(rowwise.extents[i]), rowwise.strides[i]});
      if (is_gone) in_memory.push_back({bound(rowwise.extents[i]), actual.strides[i]});
    }
    const std::vector<std::int64_t> terms = walk(reduced);
    if (terms.empty()) return false;
    if (terms.size() == 1) {
      for (const std::int64_t at : walk(kept)) result.push_back(from[static_cast<std::size_t>(at)]);
      return true;
    }
    if (sums_in_group(graph_, id) && gone.front() != 0) {
      result = row_sums(node, from, terms.size());
      return true;
    }
    const bool neighbours = node.op == Op::sum && counts_up(walk(in_memory));
    for (const std::int64_t start : walk(kept)) {
      Places one;
      for (const std::int64_t term : terms)
        one.push_back(from[static_cast<std::size_t>(start + term)]);
      result.push_back(reduction(node, one, neighbours));
      if (writer_.work() > most_) return false;
    }
    return true;
  }

  /// Slices added in pairs, then the sums in pairs, as groups add them.
  bool slice_sum(const Node& node, Places& result) {
    const Shape& shape = graph_[node.operands[0]].shape;
    const auto width = static_cast<std::size_t>(shape[2]);
    std::vector<Places> terms(static_cast<std::size_t>(shape[1]));
    const Places& from = operand(node, 0);
    for (std::size_t i = 0; i < from.size(); ++i)
      terms[i / width % terms.size()].push_back(from[i]);
    while (terms.size() > 1) {
      std::vector<Places> sums;
      for (std::size_t t = 0; t + 1 < terms.size(); t += 2) {
        sums.emplace_back();
        if (!apply(node, Fn::add, node.dtype, {&terms[t], &terms[t + 1]}, sums.back()))
          return false;
      }
      if (terms.size() % 2 != 0) sums.push_back(std::move(terms.back()));
      terms = std::move(sums);
    }
    result = std::move(terms.front());
    return true;
  }

  Places row_sums(const Node& node, const Places& from, std::size_t width) {
    const std::size_t rows = from.size() / width;
    const bool constant = writer_.is_constant(from);
    const std::uint32_t out = writer_.room(rows, node.dtype, constant);
    const std::uint32_t extent = writer_.number(static_cast<double>(width), DType::i64);
    const std::uint32_t in = writer_.in_a_run(from, node.dtype);
    writer_.emit(
        {kernels_.straight.sum_rows[index(node.dtype)], out, in, extent, in,
         static_cast<std::uint32_t>(rows), false, nullptr, static_cast<std::uint32_t>(from.size())},
        constant, static_cast<double>(4 * from.size()));
    return writer_.run_of(out, rows, node.dtype);
  }

  std::uint32_t reduction(const Node& node, const Places& terms, bool neighbours) {
    const auto& kernels = kernels_.straight;
    const std::size_t type = index(node.dtype);
    if (!neighbours) {
      const auto& kernel = node.op == Op::sum ? kernels.sum : kernels.largest;
      return writer_.reduced(kernel[type], node.dtype, terms, nullptr);
    }
    const bool constant = writer_.is_constant(terms);
    const std::uint32_t in = writer_.in_a_run(terms, node.dtype);
    const std::uint32_t out = writer_.room(1, node.dtype, constant);
    StraightInstruction instruction{
        kernels.sum_neighbours[type], out, in, in, in, static_cast<std::uint32_t>(terms.size())};
    instruction.kind = StraightInstruction::Kind::sum;
    instruction.type = node.dtype;
    instruction.count = instruction.n;
    writer_.emit(instruction, constant, static_cast<double>(4 * terms.size()));
    return out;
  }

  bool contract(const Node& node, Places& result) {
    const auto& labels = std::get<Contraction>(node.attributes);
    const ValueId a = node.operands[0], b = node.operands[1];
    const Layout la = contiguous(0, graph_[a].shape), lb = contiguous(0, graph_[b].shape);
    struct Walks {
      std::vector<WalkAxis> kept, summed, in_memory;
    };
    Walks of_a, of_b;
    const auto add = [&](char label, bool kept) {
      const std::size_t i = labels.a.find(label), j = labels.b.find(label);
      const bool in_a = i != std::string::npos, in_b = j != std::string::npos;
      const std::int64_t extent = bound(in_a ? la.extents[i] : lb.extents[j]);
      (kept ? of_a.kept : of_a.summed).push_back({extent, in_a ? la.strides[i] : 0});
      (kept ? of_b.kept : of_b.summed).push_back({extent, in_b ? lb.strides[j] : 0});
      if (kept) return;
      of_a.in_memory.push_back({extent, in_a ? graph_.layout(a).strides[i] : 0});
      of_b.in_memory.push_back({extent, in_b ? graph_.layout(b).strides[j] : 0});
    };
    for (const char label : labels.out) add(label, true);
    std::string seen = labels.out;
    for (const char label : labels.a + labels.b) {
      if (seen.find(label) == std::string::npos) add(label, false);
      seen += label;
    }
    const auto starts_a = walk(of_a.kept), starts_b = walk(of_b.kept);
    const auto terms_a = walk(of_a.summed), terms_b = walk(of_b.summed);
    if (node.dtype == DType::i64 || terms_a.empty()) return false;
    const bool neighbours = counts_up(walk(of_a.in_memory)) && counts_up(walk(of_b.in_memory));
    for (std::size_t i = 0; i < starts_a.size(); ++i) {
      Places left, right;
      for (std::size_t t = 0; t < terms_a.size(); ++t) {
        left.push_back(operand(node, 0)[static_cast<std::size_t>(starts_a[i] + terms_a[t])]);
        right.push_back(operand(node, 1)[static_cast<std::size_t>(starts_b[i] + terms_b[t])]);
      }
      result.push_back(inner_product(node.dtype, left, right, neighbours));
      if (writer_.work() > most_) return false;
    }
    return true;
  }

  std::uint32_t inner_product(DType type, const Places& a, const Places& b, bool neighbours) {
    const auto& kernels = kernels_.straight;
    if (!neighbours) return writer_.reduced(kernels.inner_product[index(type)], type, a, &b);
    const bool constant = writer_.is_constant(a) && writer_.is_constant(b);
    const auto run = [&](const Places& x) {
      return consecutive(x, type) ? x.front() : writer_.in_a_run(x, type);
    };
    const std::uint32_t left = run(a), right = run(b);
    const std::uint32_t out = writer_.room(1, type, constant);
    writer_.emit({kernels.run_product[index(type)], out, left, right, right,
                  static_cast<std::uint32_t>(a.size()), false},
                 constant, static_cast<double>(4 * a.size()));
    return out;
  }

  bool map(ValueId id, Places& result) {
    const auto i = static_cast<std::size_t>(id);
    if (fusion_.is_part[i]) return true;
    const Node& node = graph_[id];
    const DType from = graph_[node.operands[0]].dtype;
    Fn fn = function_of(node.op);
    if (fn == Fn::copy && from == node.dtype) {
      result = operand(node, 0);
      return true;
    }
    std::vector<const Places*> operands;
    if (const int with = fusion_.product_of[i]; with >= 0) {
      const Node& product = graph_[graph_.root(node.operands[static_cast<std::size_t>(with)])];
      operands = {&operand(product, 0), &operand(product, 1),
                  &operand(node, static_cast<std::size_t>(1 - with))};
      fn = with_product(node.op, with);
    } else {
      for (std::size_t k = 0; k < node.operands.size(); ++k) operands.push_back(&operand(node, k));
    }
    return apply(node, fn, from, operands, result);
  }

  /// result = fn(operands of type `from`), in the type and number of elements of `node`.
  bool apply(const Node& node, Fn fn, DType from, const std::vector<const Places*>& operands,
             Places& result) {
    const bool converts = from != node.dtype;
    bool constant = true;
    std::array<std::uint32_t, 3> at{};
    std::size_t variant = 0;
    for (std::size_t k = 0; k < operands.size(); ++k) {
      const Places& x = *operands[k];
      constant = constant && writer_.is_constant(x);
      if (all_one(x) && !converts) {
        at[k] = x.front();
        variant |= std::size_t{1} << k;
      } else {
        at[k] = writer_.in_a_run(x, from);
      }
    }
    const ElementKernel kernel = converts ? kernels_.cast[index(from)][index(node.dtype)]
                                          : kernels_.element[index(fn)][index(node.dtype)][variant];
    if (kernel == nullptr) return false;
    const std::size_t n = count(node.shape);
    const std::size_t whole = converts ? n : writer_.in_vectors(n, node.dtype);
    const std::uint32_t out = writer_.room(n, node.dtype, constant);
    const std::size_t last = operands.size() - 1;
    StraightInstruction instruction{
        kernel,   out,
        at[0],    at[std::min<std::size_t>(1, last)],
        at[last], static_cast<std::uint32_t>(whole),
        false,    converts ? nullptr : short_kernel(fn, node.dtype, variant, n, operands.size())};
    if (!converts) {
      instruction.kind = StraightInstruction::Kind::element;
      instruction.fn = fn;
      instruction.variant = static_cast<std::uint8_t>(variant);
    }
    instruction.type = node.dtype;
    instruction.count = static_cast<std::uint32_t>(n);
    writer_.emit(instruction, constant, (is_slow(fn) ? 4.0 : 1.0) * static_cast<double>(whole));
    result = writer_.run_of(out, n, node.dtype);
    return true;
  }

  /// The kernel for one element or one vector.
  StraightKernel short_kernel(Fn fn, DType type, std::size_t variant, std::size_t n,
                              std::size_t operands) const {
    const auto& kernels = kernels_.straight;
    if (n == 1 && variant + 1 == std::size_t{1} << operands)
      return kernels.one[index(fn)][index(type)];
    if (writer_.in_vectors(n, type) != writer_.in_vectors(1, type)) return nullptr;
    return kernels.vector[index(fn)][index(type)][variant];
  }

  const Graph& graph_;
  std::int64_t rows_;
  const Kernels& kernels_;
  double most_;
  StraightWriter writer_;
  Fusion fusion_;
  std::vector<Places> places_;
};

}  // namespace

bool is_straight(const Program& program) {
  return std::all_of(program.nodes.begin(), program.nodes.end(),
                     [](const Node& node) { return has_straight_form(node.op); });
}

std::optional<StraightCode> make_straight(const Program& program, const CompileOptions& options,
                                          const std::vector<bool>& wanted, std::int64_t rows,
                                          const Kernels& kernels, double most) {
  if (rows <= 0) return std::nullopt;
  const Graph graph(program, options, wanted);
  return Straightening(graph, rows, kernels, most).code();
}

}  // namespace odeum::cpu
