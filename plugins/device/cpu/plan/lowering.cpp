// SPDX-License-Identifier: Apache-2.0
// Which values get memory, where, and for how long.
#include "plan/lowering.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "machine/group_loops.hpp"
#include "plan/slices.hpp"
#include "steps/moves.hpp"

namespace odeum::cpu {
namespace {

constexpr std::size_t kUnit = 4;  ///< rows' slots are placed in multiples of this many bytes a row
/// The same where a tile may have any number of rows: whole vectors written past the last of them
/// then stay within the slot.
constexpr std::size_t kImageUnit = 2 * kPadding;

/// The wider type that sums over rows accumulate in.
DType accumulator_type(const Node& reduction) {
  return reduction.op == Op::sum && reduction.dtype == DType::f32 ? DType::f64 : reduction.dtype;
}

bool holds_images(const Graph& graph) {
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    const Op op = graph[id].op;
    const bool convolves =
        op == Op::conv || op == Op::conv_input_gradient || op == Op::conv_weight_gradient;
    if (convolves && graph.role(id) == Role::step && (graph.rowful(id) || graph.reduces_rows(id)))
      return true;
  }
  return false;
}

/// Rows of a tile.
std::int64_t tile_rows(const Plan& plan) {
  // As many as the second-level cache holds, within what products like.
  constexpr std::size_t kCache = std::size_t{640} << 10U;
  std::size_t row = plan.tile_row_bytes;
  for (const Slot& slot : plan.slots) {
    if (plan.images && slot.rowful && !slot.in_arena()) row += slot.bytes();
  }
  std::int64_t rows = plan.images ? 1 : 64;
  // 256 rows are no faster, and leave half of the threads without work.
  const std::int64_t most = plan.images ? 16 : 128;
  while (rows < most && row * static_cast<std::size_t>(2 * rows) <= kCache) rows *= 2;
  // Every tile goes through all weights' gradients, several times; measured on 64 to 256 channels.
  while (plan.images && rows < most &&
         8 * plan.accumulator_bytes > row * static_cast<std::size_t>(rows)) {
    rows *= 2;
  }
  return rows;
}

}  // namespace

Lowering::Lowering(const Graph& graph, const Kernels& kernels, MachineCodeUse machine_code)
    : graph_(graph), kernels_(kernels), fusion_(fuse(graph)), slot_of_(graph.size(), -1) {
  plan_.images = holds_images(graph);
  plan_.code = std::make_unique<MachineCode>(machine_code, kernels);
  find_phases();
  make_leaf_slots();
  make_slots();
  make_accumulators();
  extend_lives();
  make_steps();
  plan_.code->finish();
}

Plan Lowering::finish(Schedule schedule) {
  choose(schedule);
  if (plan_.schedule == Schedule::rows && !plan_.images) plan_fetches();
  // A group that holds float32 beside float64 writes sixteen elements at once, 128 bytes of
  // float64.
  plan_.fixed_bytes = place_slots(plan_.slots, Home::fixed, 2 * kPadding) + kPadding;
  const std::size_t unit = plan_.images ? kImageUnit : kUnit;
  plan_.stored_row_bytes = place_slots(plan_.slots, Home::stored, kUnit);
  plan_.tile_row_bytes = place_slots(plan_.slots, Home::tile, unit);
  plan_.accumulator_bytes = place_slots(plan_.slots, Home::accumulator, kPadding);
  plan_.product_bytes = place_slots(plan_.slots, Home::product, kPadding);
  return std::move(plan_);
}

void Lowering::find_phases() {
  const auto count = static_cast<std::size_t>(graph_.last_phase) + 1;
  plan_.phases.resize(count);
  phase_first_.assign(count, 0);
  phase_last_.assign(count, 0);
  int unit = 0;
  for (std::size_t p = 0; p < count; ++p) {
    plan_.phases[p].rows = (p & 1) != 0;
    phase_first_[p] = unit;
    while (unit < static_cast<int>(fusion_.units.size()) &&
           fusion_.units[static_cast<std::size_t>(unit)].phase == static_cast<int>(p)) {
      ++unit;
    }
    phase_last_[p] = std::max(phase_first_[p], unit - 1);
  }
}

int Lowering::add_slot(Slot slot) {
  plan_.slots.push_back(slot);
  return static_cast<int>(plan_.slots.size()) - 1;
}

int Lowering::add_constant(DType type, const std::vector<double>& values) {
  Slot slot{Home::constant, type, false, static_cast<std::int64_t>(values.size())};
  slot.offset = plan_.constants.size();
  plan_.constants.resize(slot.offset + padded(slot.bytes()) + kPadding);
  std::byte* to = plan_.constants.data() + slot.offset;
  for (const double value : values) {
    if (type == DType::f32) {
      const auto x = static_cast<float>(value);
      std::memcpy(to, &x, sizeof x);
    } else if (type == DType::f64) {
      std::memcpy(to, &value, sizeof value);
    } else {
      const auto x = static_cast<std::int64_t>(value);
      std::memcpy(to, &x, sizeof x);
    }
    to += size_of(type);
  }
  return add_slot(slot);
}

int Lowering::number(double value, DType type) {
  // By its bits: a NaN is no key, and -0 is another number than 0.
  const auto [known, is_new] =
      numbers_.try_emplace({std::bit_cast<std::uint64_t>(value), type}, -1);
  if (is_new) known->second = add_constant(type, {value});
  return known->second;
}

void Lowering::make_leaf_slots() {
  for (std::size_t i = 0; i < graph_.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (graph_.role(id) != Role::leaf) continue;
    const Node& node = graph_[id];
    if (node.op == Op::constant) {
      const auto& values = std::get<ConstantValues>(node.attributes).values;
      if (graph_.fill(id) != nullptr) {
        slot_of_[i] = number(values[0], node.dtype);
      } else {
        slot_of_[i] = add_constant(node.dtype, values);
      }
      continue;
    }
    Slot slot{Home::input, node.dtype, graph_.rowful(id), graph_.elements(id), graph_.input_of[i]};
    slot_of_[i] = add_slot(slot);
  }
}

bool Lowering::ends_in_vector(int slot) const {
  const Slot& s = plan_.slots[static_cast<std::size_t>(slot)];
  return plan_.images && s.home == Home::stored && s.elements % 16 != 0;
}

bool Lowering::part_in_group(ValueId id, int k) const {
  const ValueId part = graph_[id].operands[static_cast<std::size_t>(k)];
  const ValueId x = graph_.root(part);
  return graph_[id].op == Op::concat && graph_.role(id) == Role::step &&
         graph_.role(x) == Role::element && graph_.plain(id, k) &&
         (slices(graph_, x).count == 1 || graph_[part].shape == graph_[x].shape) &&
         graph_.phase(x) == graph_.phase(id) && graph_.rowful(x) == graph_.rowful(id);
}

bool Lowering::needs_slot(ValueId root) const {
  const auto i = static_cast<std::size_t>(root);
  if (graph_.role(root) != Role::element || graph_.output_of[i] >= 0) return true;
  for (const ValueId reader : graph_.readers[i]) {
    const Node& node = graph_[reader];
    for (int k = 0; k < static_cast<int>(node.operands.size()); ++k) {
      if (graph_.root(node.operands[static_cast<std::size_t>(k)]) != root) continue;
      const bool same_group =
          fusion_.unit_of[i] == fusion_.unit_of[static_cast<std::size_t>(reader)];
      if (same_group && reads_registers(graph_, reader, k)) continue;
      if (!part_in_group(reader, k)) return true;
    }
  }
  return false;
}

Home Lowering::home_of(ValueId root) const {
  const auto i = static_cast<std::size_t>(root);
  if (graph_.output_of[i] >= 0) return Home::output;
  if (!graph_.rowful(root)) return Home::fixed;
  const auto elsewhere = [&](ValueId reader) {
    return graph_.executed_in(reader) != graph_.phase(root);
  };
  return std::any_of(graph_.readers[i].begin(), graph_.readers[i].end(), elsewhere) ? Home::stored
                                                                                    : Home::tile;
}

void Lowering::make_slots() {
  for (std::size_t i = 0; i < graph_.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    const bool computed = graph_.role(id) == Role::element || graph_.role(id) == Role::step;
    if (!computed || !needs_slot(id)) continue;
    const int unit = fusion_.unit_of[i];
    const bool combined = graph_.accumulation_of[i] >= 0;
    Slot slot{home_of(id), graph_[id].dtype, graph_.rowful(id), graph_.elements(id),
              graph_.output_of[i]};
    slot.first =
        combined || unit < 0 ? phase_last_[static_cast<std::size_t>(graph_.phase(id)) - 1] : unit;
    slot.last = slot.first;
    if (graph_[id].op == Op::concat) {
      for (int k = 0; k < static_cast<int>(graph_[id].operands.size()); ++k) {
        const ValueId part = graph_.root(graph_[id].operands[static_cast<std::size_t>(k)]);
        if (part_in_group(id, k))
          slot.first = std::min(slot.first, fusion_.unit_of[static_cast<std::size_t>(part)]);
      }
    }
    for (const ValueId reader : graph_.readers[i]) {
      slot.last = std::max(slot.last, fusion_.unit_of[static_cast<std::size_t>(reader)]);
    }
    slot_of_[i] = add_slot(slot);
  }
}

void Lowering::make_accumulators() {
  for (const Accumulation& sum : graph_.accumulations) {
    const Node& reduction = graph_[sum.terms.front().reduction];
    const Home home = reduction.op == Op::dot ? Home::product : Home::accumulator;
    Slot slot{home, accumulator_type(reduction), false, graph_.elements(sum.result)};
    // Accumulators of one phase live together; those of different phases share memory.
    const auto phase = static_cast<std::size_t>(graph_.executed_in(sum.terms.front().reduction));
    slot.first = phase_first_[phase];
    slot.last = phase_last_[phase];
    accumulator_of_.push_back(add_slot(slot));
    plan_.phases[phase].combinations.push_back(
        {accumulator_of_.back(), this->slot(sum.result), reduction.op == Op::reduce_max});
    for (const Term& term : sum.terms) {
      for (const ValueId scalar : term.scalars) {
        if (this->slot(scalar) < 0) continue;
        Slot& factor = plan_.slots[static_cast<std::size_t>(this->slot(scalar))];
        factor.last = std::max(factor.last, phase_last_[phase]);
      }
    }
  }
}

const Term& Lowering::term(ValueId reduction) const {
  const int sum = graph_.accumulation_of[static_cast<std::size_t>(reduction)];
  const auto& terms = graph_.accumulations[static_cast<std::size_t>(sum)].terms;
  return *std::find_if(terms.begin(), terms.end(),
                       [reduction](const Term& t) { return t.reduction == reduction; });
}

int Lowering::accumulator(ValueId reduction) const {
  return accumulator_of_[static_cast<std::size_t>(
      graph_.accumulation_of[static_cast<std::size_t>(reduction)])];
}

std::vector<int> Lowering::scalar_slots(const Term& term) const {
  std::vector<int> slots;
  for (const ValueId scalar : term.scalars) slots.push_back(slot(scalar));
  return slots;
}

void Lowering::extend_lives() {
  // What a phase over rows uses must hold through all its tiles.
  for (Slot& slot : plan_.slots) {
    if (slot.home != Home::fixed && slot.home != Home::stored) continue;
    for (std::size_t p = 1; p < phase_first_.size(); p += 2) {
      if (slot.last < phase_first_[p] || slot.first > phase_last_[p]) continue;
      slot.first = std::min(slot.first, phase_first_[p]);
      slot.last = std::max(slot.last, phase_last_[p]);
    }
  }
}

int Lowering::repeated(ValueId root, const Access& x, std::int64_t chunk, int phase) {
  std::string key = "repeat " + std::to_string(root) + " " + std::to_string(x.offset) + " " +
                    std::to_string(x.per_row);
  for (std::size_t i = 0; i < x.extents.size(); ++i) {
    key += " " + std::to_string(x.extents[i]) + "/" + std::to_string(x.strides[i]);
  }
  key += " " + std::to_string(chunk);
  const auto before = static_cast<std::size_t>(phase) - 1;
  const auto known = prepared_.find(key);
  if (known != prepared_.end()) {
    Slot& slot = plan_.slots[static_cast<std::size_t>(known->second)];
    slot.last = std::max(slot.last, phase_last_[before + 1]);
    return known->second;
  }
  Slot slot{Home::fixed, graph_[root].dtype, false, x.per_row + chunk + 16};
  slot.first = phase_first_[before];
  slot.last = phase_last_[before + 1];
  const int result = add_slot(slot);
  prepared_[key] = result;
  plan_.phases[before].steps.push_back(
      make_repeat({x.per_row, x.per_row + chunk + 16, size_of(graph_[root].dtype), this->slot(root),
                   result, x}));
  return result;
}

void Lowering::make_steps() {
  // Preparations of a phase over rows are appended to the phase before it, whose own steps must
  // stand already: units come by phase.
  for (const Unit& unit : fusion_.units) {
    auto made = unit.group ? group(unit) : step(unit);
    if (!made) continue;
    step_of_.emplace_back(&unit, made.get());
    plan_.phases[static_cast<std::size_t>(unit.phase)].steps.push_back(std::move(made));
  }
}

std::unique_ptr<Step> Lowering::group(const Unit& unit) {
  GroupProgram program = emit_group(*this, unit);
  const std::vector<GroupPart> parts = group_loops(program, *plan_.code);
  return std::make_unique<GroupStep>(std::move(program), parts);
}

void Lowering::choose(Schedule schedule) {
  // The weights that every tile multiplies by, and the shards of their gradients. Measured: nets
  // 256 wide (1 MB) run 15 % faster by rows, nets 2000 wide 15 % faster by tasks.
  constexpr std::size_t kSmallWeights = std::size_t{2} << 20U;
  std::size_t weights = 0;
  for (const Slot& slot : plan_.slots) {
    if (slot.home == Home::accumulator || slot.home == Home::product) weights += slot.bytes();
  }
  for (const auto& [key, slot] : prepared_) {
    if (key.rfind("pack", 0) == 0) weights += plan_.slots[static_cast<std::size_t>(slot)].bytes();
  }
  const bool chosen = schedule == Schedule::rows || schedule == Schedule::tasks;
  const bool tasks = weights > kSmallWeights && !plan_.images;
  plan_.schedule = chosen ? schedule : (tasks ? Schedule::tasks : Schedule::rows);
}

Plan make_plan(const Program& program, const CompileOptions& options,
               const std::vector<bool>& wanted, Schedule schedule, const Kernels& kernels,
               MachineCodeUse machine_code) {
  const Graph graph(program, options, wanted);
  Plan plan = Lowering(graph, kernels, machine_code).finish(schedule);
  plan.tile_rows = tile_rows(plan);
  return plan;
}

}  // namespace odeum::cpu
