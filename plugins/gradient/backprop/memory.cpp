// SPDX-License-Identifier: Apache-2.0
#include "memory.hpp"

#include <algorithm>

namespace backprop {
namespace {

constexpr std::size_t kAlignment = 64;  // as Device::allocate
constexpr std::size_t kBlockSteps = 8;  // few enough not to overshoot, enough to allocate seldom

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

std::size_t StepMemory::bytes_per_step(std::int64_t rows) const {
  std::size_t total = 0;
  for (const Spec& spec : specs_) total += aligned(bytes_of(spec, rows));
  return std::max(total, kAlignment);
}

void StepMemory::open(std::int64_t rows, std::size_t limit) {
  limit_ = limit;
  if (rows == rows_) return;
  rows_ = rows;
  stride_ = bytes_per_step(rows);
  views_.clear();
  if (stride_ > block_stride_) {
    blocks_.clear();
    block_stride_ = stride_;
  }
}

std::span<const View> StepMemory::at(std::size_t index) {
  if ((index + 1) * stride_ > limit_) {
    throw MemoryExceeded("a solve keeps more than its memory limit");
  }
  while (index >= views_.size()) {
    const std::size_t step = views_.size();
    if (step / kBlockSteps >= blocks_.size()) {
      blocks_.push_back(device_.allocate(kBlockSteps * block_stride_));
    }
    View place{blocks_[step / kBlockSteps].get(), step % kBlockSteps * block_stride_};
    std::vector<View> views;
    for (const Spec& spec : specs_) {
      views.push_back(place);
      place = place + aligned(bytes_of(spec, rows_));
    }
    views_.push_back(std::move(views));
  }
  return views_[index];
}

void Buffers::place(std::int64_t rows) {
  rows_ = rows;
  if (rows <= placed_) return;
  std::vector<std::size_t> offsets;
  std::size_t total = 0;
  for (const Spec& spec : specs_) {
    offsets.push_back(total);
    total += aligned(bytes_of(spec, rows));
  }
  memory_.reset();
  memory_ = device_.allocate(std::max(total, kAlignment));
  views_.clear();
  for (const std::size_t offset : offsets) views_.push_back(View{memory_.get(), offset});
  placed_ = rows;
}

}  // namespace backprop
