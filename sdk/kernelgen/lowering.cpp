// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/lowering.hpp"

#include <algorithm>
#include <cstring>

namespace odeum::kernelgen {
namespace {

constexpr std::size_t kAlignment = 256;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Places slots that live at once side by side: first fit, in the order of their first launch.
/// Returns the bytes used.
std::size_t first_fit(std::vector<Slot>& slots, Home home, std::size_t unit) {
  std::vector<Slot*> placed;
  std::size_t used = 0;
  for (Slot& slot : slots) {
    if (slot.home != home || slot.first < 0) continue;
    const std::size_t size = (slot.bytes() + unit - 1) / unit * unit;
    std::vector<std::pair<std::size_t, std::size_t>> taken;
    for (const Slot* other : placed) {
      if (other->last < slot.first || slot.last < other->first) continue;
      taken.emplace_back(other->place, other->place + (other->bytes() + unit - 1) / unit * unit);
    }
    std::sort(taken.begin(), taken.end());
    std::size_t at = 0;
    for (const auto& [begin, end] : taken) {
      if (at + size <= begin) break;
      at = std::max(at, end);
    }
    slot.place = at;
    used = std::max(used, at + size);
    placed.push_back(&slot);
  }
  return used;
}

}  // namespace

Lowering::Lowering(const Graph& graph, const Libraries& libraries, std::int64_t local_bytes)
    : graph_(graph),
      libraries_(libraries),
      fusion_(fuse(graph, libraries)),
      slot_of_(graph.size(), -1) {
  make_tiles(local_bytes);
  make_leaf_slots();
  make_slots();
  for (std::size_t unit = 0; unit < fusion_.units.size(); ++unit) write(unit);
}

Plan Lowering::finish() {
  schedule(works_, plan_);
  for (std::size_t at = 0; at < plan_.launches.size(); ++at) {
    for (const auto* slots : {&plan_.launches[at].slots, &plan_.launches[at].inner}) {
      for (const int s : *slots) {
        Slot& slot = plan_.slots[static_cast<std::size_t>(s)];
        if (slot.first < 0) slot.first = static_cast<int>(at);
        slot.last = static_cast<int>(at);
      }
    }
  }
  plan_.fixed_bytes = aligned(first_fit(plan_.slots, Home::fixed, kAlignment));
  plan_.row_bytes = first_fit(plan_.slots, Home::rows, 8);
  resolve_places(plan_);
  find_widest();
  return std::move(plan_);
}

void Lowering::make_tiles(std::int64_t local_bytes) {
  for (std::size_t i = 0; i < fusion_.units.size(); ++i) {
    const Unit& unit = fusion_.units[i];
    if (unit.kind == UnitKind::tile) tiles_.emplace(i, make_tile(graph_, unit, local_bytes));
  }
}

void Lowering::make_leaf_slots() {
  for (std::size_t i = 0; i < graph_.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (graph_.role(id) != Role::leaf || graph_.fill(id) != nullptr) continue;
    const Node& node = graph_[id];
    Slot slot{Home::input, node.dtype, {graph_.elements(id), graph_.rowful(id)}};
    if (node.op == Op::input) {
      slot.place = static_cast<std::size_t>(graph_.input_of[i]);
    } else {
      slot.home = Home::constant;
      slot.place = plan_.constants.size();
      const auto& values = std::get<ConstantValues>(node.attributes).values;
      plan_.constants.resize(slot.place + aligned(slot.bytes()));
      std::byte* to = plan_.constants.data() + slot.place;
      for (const double value : values) {
        const auto single = static_cast<float>(value);
        const auto whole = node.dtype == DType::i64 ? static_cast<std::int64_t>(value) : 0;
        const void* from = node.dtype == DType::f32   ? static_cast<const void*>(&single)
                           : node.dtype == DType::f64 ? static_cast<const void*>(&value)
                                                      : static_cast<const void*>(&whole);
        std::memcpy(to, from, size_of(node.dtype));
        to += size_of(node.dtype);
      }
    }
    slot_of_[i] = static_cast<int>(plan_.slots.size());
    plan_.slots.push_back(slot);
  }
}

bool Lowering::needs_slot(ValueId root) const {
  const auto i = static_cast<std::size_t>(root);
  if (graph_.output_of[i] >= 0) return true;
  const int own = fusion_.unit_of[i];
  const auto tile = tiles_.find(static_cast<std::size_t>(own));
  if (tile != tiles_.end()) {
    const auto& spilled = tile->second.spilled;
    return std::find(spilled.begin(), spilled.end(), root) != spilled.end() ||
           std::any_of(graph_.readers[i].begin(), graph_.readers[i].end(), [&](ValueId reader) {
             return fusion_.unit_of[static_cast<std::size_t>(reader)] != own;
           });
  }
  if (graph_.role(root) == Role::work) return true;
  for (const ValueId reader : graph_.readers[i]) {
    if (fusion_.unit_of[static_cast<std::size_t>(reader)] != own) return true;
    if (graph_.role(reader) == Role::work) continue;  // absorbed by it
    for (int k = 0; k < static_cast<int>(graph_[reader].operands.size()); ++k) {
      if (graph_.root(graph_.operand(reader, k)) != root) continue;
      if (!graph_.plain(reader, k) || !graph_.pointwise(reader, k)) return true;
    }
  }
  return false;
}

void Lowering::make_slots() {
  for (std::size_t i = 0; i < graph_.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    const bool computed = graph_.role(id) == Role::element || graph_.role(id) == Role::work;
    if (!computed || !needs_slot(id)) continue;
    Slot slot{graph_.rowful(id) ? Home::rows : Home::fixed,
              graph_[id].dtype,
              {graph_.elements(id), graph_.rowful(id)}};
    if (graph_.output_of[i] >= 0) {
      slot.home = Home::output;
      slot.place = static_cast<std::size_t>(graph_.output_of[i]);
    }
    slot_of_[i] = static_cast<int>(plan_.slots.size());
    plan_.slots.push_back(slot);
  }
}

int Lowering::scratch(DType type, Size size) {
  plan_.slots.push_back({size.rows ? Home::rows : Home::fixed, type, size});
  return static_cast<int>(plan_.slots.size()) - 1;
}

void Lowering::launch(const KernelText& text, int threads, Launch launch) {
  works_.push_back({std::move(launch), text, threads});
}

void Lowering::launch_alone(const KernelText& text, int threads, Launch launch) {
  works_.push_back({std::move(launch), text, threads, true});
}

bool Lowering::to_library(ValueId dot) {
  if (libraries_.products == kNoLibrary) return false;
  auto product = library_product(graph_, dot);
  if (!product || !is_large(*product, libraries_.products)) return false;
  Launch launch;
  launch.product = static_cast<int>(plan_.products.size());
  const int a = slot(graph_.root(graph_.operand(dot, 0)));
  const int b = slot(graph_.root(graph_.operand(dot, 1)));
  launch.slots = {product->exchanged ? b : a, product->exchanged ? a : b, slot(dot)};
  if (graph_[dot].operands.size() == 3) {
    const Layout& bias = graph_.layout(graph_.operand(dot, 2));
    product->biased = true;
    product->offset_bias = bias.offset;
    launch.slots.push_back(slot(bias.root));
  }
  plan_.products.push_back(*product);
  works_.push_back({std::move(launch)});
  return true;
}

bool Lowering::convolution_to_library(ValueId id) {
  if (libraries_.convolutions == kNoLibrary) return false;
  const auto convolution = library_convolution(graph_, id);
  if (!convolution || !is_large(*convolution, libraries_.convolutions)) return false;
  Launch launch;
  launch.convolution = static_cast<int>(plan_.convolutions.size());
  launch.slots = {slot(graph_.root(graph_.operand(id, 0))),
                  slot(graph_.root(graph_.operand(id, 1))), slot(id)};
  plan_.convolutions.push_back(*convolution);
  works_.push_back({std::move(launch)});
  return true;
}

void Lowering::write(std::size_t number) {
  const Unit& unit = fusion_.units[number];
  if (unit.kind == UnitKind::group) return write_group(*this, unit);
  if (unit.kind == UnitKind::tile) return write_tile(*this, tiles_.at(number));
  const ValueId id = unit.nodes.back();
  switch (graph_[id].op) {
    case Op::sum:
    case Op::reduce_max:
      return write_reduction(*this, unit);
    case Op::dot:
      return to_library(id) ? void() : write_dot(*this, id);
    case Op::scatter_add:
      return write_scatter_add(*this, id);
    case Op::lu_solve:
      return write_lu_solve(*this, id);
    default:
      return convolution_to_library(id) ? void() : write_convolution(*this, id);
  }
}

void Lowering::find_widest() {
  std::int64_t fixed = 1, rows = 0;
  const auto see = [&](const Size& size) {
    (size.rows ? rows : fixed) = std::max(size.rows ? rows : fixed, size.count);
  };
  for (const Slot& slot : plan_.slots) see(slot.size);
  // Both bounds in one: fixed + rows * run rows is no less than either.
  plan_.widest_fixed = fixed;
  plan_.widest_row = rows;
}

}  // namespace odeum::kernelgen
