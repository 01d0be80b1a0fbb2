// SPDX-License-Identifier: Apache-2.0
// Units that are no fused groups: one step for each operation.
#include <algorithm>
#include <string>

#include "odeum/error.hpp"
#include "plan/lowering.hpp"
#include "steps/convolution.hpp"
#include "steps/indexing.hpp"
#include "steps/moves.hpp"
#include "steps/reduce.hpp"

namespace odeum::cpu {
namespace {

/// The product of the extents before the last `inner` axes, without rows.
std::int64_t leading(const Shape& shape, int inner) {
  std::int64_t product = 1;
  for (int i = 0; i + inner < shape.rank(); ++i) product *= shape[i] == kRows ? 1 : shape[i];
  return product;
}

std::int64_t from_end(const Shape& shape, int axis) { return shape[shape.rank() - axis]; }

}  // namespace

std::unique_ptr<Step> Lowering::step(const Unit& unit) {
  const ValueId id = unit.nodes.front();
  switch (graph_[id].op) {
    case Op::dot:
      return contraction(id, unit.phase);
    case Op::sum:
    case Op::reduce_max:
      return reduction(id);
    case Op::conv:
    case Op::conv_input_gradient:
    case Op::conv_weight_gradient:
      return convolution(id, unit.phase);
    case Op::concat:
      return concat(id);
    case Op::pad:
      return pad(id);
    default:
      return other(id);
  }
}

std::unique_ptr<Step> Lowering::contraction(ValueId id, int phase) {
  const Node& node = graph_[id];
  if (node.dtype == DType::i64) throw ConfigError("device cpu: dot has no meaning for int64");
  const auto& labels = std::get<Contraction>(node.attributes);
  const Layout& a = graph_.layout(node.operands[0]);
  const Layout& b = graph_.layout(node.operands[1]);
  ContractionSpec spec;
  spec.type = node.dtype;
  spec.shape = contraction_shape(labels.a, labels.b, labels.out, a, b);
  spec.a = slot(a.root);
  spec.b = slot(b.root);
  spec.reduces_rows = graph_.reduces_rows(id);
  if (spec.reduces_rows) {
    spec.c = accumulator(id);
    spec.scale = term(id).scale;
    spec.scalars = scalar_slots(term(id));
  } else {
    spec.c = slot(id);
  }
  spec = oriented(std::move(spec), kernels_);
  const bool fixed_b = !(*this)[spec.b].rowful;
  if ((phase & 1) != 0 && fixed_b && worth_packing(spec, kernels_)) {
    const ContractionShape& s = spec.shape;
    std::string key = "pack";
    for (const std::int64_t x :
         {std::int64_t{spec.b}, s.b_offset, s.k.extent, s.n.extent, s.k.b, s.n.b}) {
      key += " " + std::to_string(x);
    }
    const auto before = static_cast<std::size_t>(phase) - 1;
    const auto known = prepared_.find(key);
    if (known != prepared_.end()) {
      spec.packed = known->second;
      Slot& slot = plan_.slots[static_cast<std::size_t>(spec.packed)];
      slot.last = std::max(slot.last, phase_last_[before + 1]);
    } else {
      Slot slot{Home::fixed, spec.type, false,
                packed_elements(kernels_, spec.type, s.k.extent, s.n.extent)};
      slot.first = phase_first_[before];
      slot.last = phase_last_[before + 1];
      spec.packed = prepared_[key] = add_slot(slot);
      plan_.phases[before].steps.push_back(make_packing(spec, kernels_));
    }
  }
  return make_contraction(std::move(spec), kernels_);
}

std::unique_ptr<Step> Lowering::reduction(ValueId id) {
  const Node& node = graph_[id];
  ReductionSpec spec;
  spec.type = node.dtype;
  spec.maximum = node.op == Op::reduce_max;
  spec.layout = graph_.layout(node.operands[0]);
  spec.x = slot(spec.layout.root);
  spec.axes = std::get<Axes>(node.attributes).axes;
  spec.over_rows = graph_.reduces_rows(id);
  spec.out = spec.over_rows ? accumulator(id) : slot(id);
  if (spec.over_rows) {
    spec.scale = term(id).scale;
    spec.scalars = scalar_slots(term(id));
  }
  return make_reduction(std::move(spec));
}

std::unique_ptr<Step> Lowering::convolution(ValueId id, int phase) {
  const Node& node = graph_[id];
  const ValueId first = node.operands[0], second = node.operands[1];
  ConvolutionSpec spec;
  spec.type = node.dtype;
  spec.window = std::get<Window>(node.attributes);
  ValueId x = first, w = second, y = id;
  if (node.op == Op::conv_input_gradient) {
    spec.role = ConvolutionRole::input_gradient;
    x = id, y = first;
  } else if (node.op == Op::conv_weight_gradient) {
    spec.role = ConvolutionRole::weight_gradient;
    w = id, y = second;
  }
  const auto slot_of = [&](ValueId v) {
    return v == id && graph_.reduces_rows(id) ? accumulator(id) : slot(graph_.root(v));
  };
  spec.x = slot_of(x);
  spec.w = slot_of(w);
  spec.y = slot_of(y);
  const Shape &xs = graph_[x].shape, &ys = graph_[y].shape;
  spec.rowful = xs.has_rows();
  spec.images = leading(xs, 3);
  spec.c_in = from_end(xs, 3);
  spec.height = from_end(xs, 2);
  spec.width = from_end(xs, 1);
  spec.c_out = from_end(ys, 3);
  spec.out_height = from_end(ys, 2);
  spec.out_width = from_end(ys, 1);
  if (graph_.reduces_rows(id)) {
    spec.scale = term(id).scale;
    spec.scalars = scalar_slots(term(id));
  }
  prepare_filters(spec, phase);
  return make_convolution(spec, kernels_);
}

void Lowering::prepare_filters(ConvolutionSpec& spec, int phase) {
  const std::int64_t elements = filter_elements(spec, kernels_);
  if (elements == 0) return;
  const auto before = static_cast<std::size_t>(phase) - 1;
  const bool turned = spec.role == ConvolutionRole::input_gradient;
  const auto [known, is_new] =
      prepared_.try_emplace((turned ? "turned filters " : "filters ") + std::to_string(spec.w), -1);
  if (!is_new) {
    spec.filters = known->second;
    Slot& slot = plan_.slots[static_cast<std::size_t>(spec.filters)];
    slot.last = std::max(slot.last, phase_last_[before + 1]);
    return;
  }
  Slot slot{Home::fixed, spec.type, false, elements};
  slot.first = phase_first_[before];
  slot.last = phase_last_[before + 1];
  spec.filters = known->second = add_slot(slot);
  plan_.phases[before].steps.push_back(make_filters(spec, kernels_));
}

Layout Lowering::part_layout(ValueId id, int k) const {
  const Node& node = graph_[id];
  const Layout result = contiguous(id, node.shape);
  const auto part = [&](int i) -> const Shape& {
    return graph_[node.operands[static_cast<std::size_t>(i)]].shape;
  };
  Layout place{id, 0, part(k).extents(), result.strides};
  if (node.op == Op::concat) {
    const auto axis = std::get<Axis>(node.attributes).axis;
    for (int i = 0; i < k; ++i)
      place.offset += part(i)[axis] * result.strides[static_cast<std::size_t>(axis)];
  } else {
    const auto& padding = std::get<Padding>(node.attributes);
    place.offset = padding.before * result.strides[static_cast<std::size_t>(padding.axis)];
  }
  return place;
}

std::unique_ptr<Step> Lowering::concat(ValueId id) {
  std::vector<std::unique_ptr<Step>> moves;
  const Node& node = graph_[id];
  for (int k = 0; k < static_cast<int>(node.operands.size()); ++k) {
    if (part_in_group(id, k)) continue;
    const Layout& x = graph_.layout(node.operands[static_cast<std::size_t>(k)]);
    MoveSpec spec;
    spec.rowful = graph_.rowful(id);
    spec.elements = graph_.elements(node.operands[static_cast<std::size_t>(k)]);
    spec.element_size = size_of(node.dtype);
    spec.from = slot(x.root);
    spec.to = slot(id);
    spec.read = access(x);
    spec.write = access(part_layout(id, k));
    plan_.phases[static_cast<std::size_t>(graph_.phase(id))].steps.push_back(make_move(spec));
  }
  return nullptr;
}

std::unique_ptr<Step> Lowering::pad(ValueId id) {
  const Layout& x = graph_.layout(graph_[id].operands[0]);
  MoveSpec spec;
  spec.rowful = graph_.rowful(id);
  spec.elements = graph_.elements(graph_[id].operands[0]);
  spec.element_size = size_of(graph_[id].dtype);
  spec.from = slot(x.root);
  spec.to = slot(id);
  spec.read = access(x);
  spec.write = access(part_layout(id, 0));
  spec.zero_elements = graph_.elements(id);
  return make_move(spec);
}

std::unique_ptr<Step> Lowering::other(ValueId id) {
  const Node& node = graph_[id];
  const auto operand = [&](std::size_t k) { return slot(graph_.root(node.operands[k])); };
  const auto shape = [&](std::size_t k) -> const Shape& { return graph_[node.operands[k]].shape; };
  const bool rowful = node.shape.has_rows();
  switch (node.op) {
    case Op::iota:
      return make_iota(node.shape, node.dtype, std::get<Axis>(node.attributes).axis, slot(id));
    case Op::row_count:
      return make_row_count(node.dtype, slot(id));
    case Op::random:
      return make_random(std::get<Randomness>(node.attributes).distribution, node.shape, node.dtype,
                         operand(0), operand(1), slot(id));
    case Op::gather:
    case Op::scatter_add: {
      IndexSpec spec{node.dtype,
                     rowful,
                     leading(node.shape, 1),
                     from_end(shape(0), 1),
                     from_end(shape(1), 1),
                     from_end(node.shape, 1),
                     operand(0),
                     operand(1),
                     slot(id)};
      return node.op == Op::gather ? make_gather(spec) : make_scatter_add(spec);
    }
    case Op::window_argmax: {
      const Shape& x = shape(0);
      return make_window_argmax({graph_[node.operands[0]].dtype, rowful, leading(x, 2),
                                 from_end(x, 2), from_end(x, 1), from_end(node.shape, 2),
                                 from_end(node.shape, 1), std::get<Window>(node.attributes),
                                 operand(0), slot(id)});
    }
    case Op::lu_solve: {
      const Shape& b = shape(1);
      return make_lu_solve({node.dtype, rowful, std::get<Solve>(node.attributes).transposed,
                            leading(b, 2), from_end(b, 2), from_end(b, 1), operand(0), operand(1),
                            slot(id)});
    }
    default:
      throw ConfigError(std::string("device cpu: the operation ") + name(node.op) + " is unknown");
  }
}

}  // namespace odeum::cpu
