// SPDX-License-Identifier: Apache-2.0
#include "solve/workspace.hpp"

#include <algorithm>

namespace odeum::solve {
namespace {

constexpr std::size_t kAlignment = 64;  // a cache line, and what Device::allocate promises

}  // namespace

std::size_t bytes_of(const ValueSpec& spec, std::int64_t rows) {
  return static_cast<std::size_t>(spec.shape.elements(rows)) * size_of(spec.dtype);
}

void Workspace::add(const std::vector<ValueSpec>& specs, std::vector<View>* views) {
  for (const ValueSpec& spec : specs) {
    slots_.push_back({spec, views, views->size()});
    views->emplace_back();
  }
}

bool Workspace::place(std::int64_t rows) {
  if (rows <= rows_) return false;
  std::size_t total = 0;
  std::vector<std::size_t> offsets;
  for (const Slot& slot : slots_) {
    offsets.push_back(total);
    total += (bytes_of(slot.spec, rows) + kAlignment - 1) / kAlignment * kAlignment;
  }
  memory_.reset();
  memory_ = device_.allocate(std::max(total, kAlignment));
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    (*slots_[i].views)[slots_[i].index] = View{memory_.get(), offsets[i]};
  }
  rows_ = rows;
  return true;
}

}  // namespace odeum::solve
