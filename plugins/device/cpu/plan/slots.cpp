// SPDX-License-Identifier: Apache-2.0
#include "plan/slots.hpp"

#include <algorithm>

namespace odeum::cpu {

std::size_t place_slots(std::vector<Slot>& slots, Home home, std::size_t rounding) {
  const auto size = [rounding](const Slot& s) {
    return (s.bytes() + rounding - 1) / rounding * rounding;
  };
  std::vector<Slot*> order;
  for (Slot& slot : slots) {
    if (slot.home == home) order.push_back(&slot);
  }
  // Large ones first, each at the lowest place that is free while it lives.
  std::stable_sort(order.begin(), order.end(),
                   [&size](const Slot* a, const Slot* b) { return size(*a) > size(*b); });
  std::size_t total = 0;
  std::vector<Slot*> placed;  // by offset
  for (Slot* slot : order) {
    std::size_t at = 0;
    for (const Slot* other : placed) {
      if (other->last < slot->first || slot->last < other->first) continue;
      if (other->offset >= at + size(*slot)) break;
      at = std::max(at, other->offset + size(*other));
    }
    slot->offset = at;
    total = std::max(total, at + size(*slot));
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), slot,
                         [](const Slot* a, const Slot* b) { return a->offset < b->offset; }),
        slot);
  }
  return total;
}

}  // namespace odeum::cpu
