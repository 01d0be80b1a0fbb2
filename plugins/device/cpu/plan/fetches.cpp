// SPDX-License-Identifier: Apache-2.0
// What a tile of rows reads from the memory of all rows (what the forward pass kept, say) is asked
// for during the matrix product before: arithmetic and memory then take their time together.
#include <vector>

#include "plan/lowering.hpp"

namespace odeum::cpu {
namespace {

/// Bytes a row from which a value is fetched.
constexpr std::size_t kWorthFetching = 64;

}  // namespace

std::vector<int> Lowering::far_slots(const Unit& unit) const {
  std::vector<int> slots;
  for (const ValueId id : unit.nodes) {
    for (const ValueId operand : graph_[id].operands) {
      const int slot = this->slot(graph_.root(operand));
      if (slot < 0) continue;
      const Slot& x = (*this)[slot];
      const bool is_far = x.rowful && (x.home == Home::input || x.home == Home::stored);
      if (is_far && x.bytes() >= kWorthFetching) slots.push_back(slot);
    }
  }
  return slots;
}

void Lowering::plan_fetches() {
  for (int phase = 1; phase <= graph_.last_phase; phase += 2) {
    Step* product = nullptr;  // the last one before
    std::vector<int> first;   // what a tile reads before its first product
    std::vector<bool> seen(plan_.slots.size(), false);
    for (const auto& [unit, step] : step_of_) {
      if (unit->phase != phase) continue;
      for (const int slot : far_slots(*unit)) {
        if (seen[static_cast<std::size_t>(slot)]) continue;
        seen[static_cast<std::size_t>(slot)] = true;
        if (product == nullptr) {
          first.push_back(slot);
        } else {
          product->fetch({slot, (*this)[slot].bytes(), false});
        }
      }
      if (step->can_fetch()) product = step;
    }
    if (product == nullptr) continue;
    for (const int slot : first) product->fetch({slot, (*this)[slot].bytes(), true});
  }
}

}  // namespace odeum::cpu
