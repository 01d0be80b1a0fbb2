// SPDX-License-Identifier: Apache-2.0
#include "round_memory.hpp"

#include <algorithm>

namespace backprop {
namespace {

constexpr std::size_t kAlignment = 64;                      // as Device::allocate
constexpr std::size_t kBlockBytes = std::size_t{1} << 20U;  // many small rounds, or one large one

}  // namespace

void RoundMemory::clear() {
  block_ = 0;
  offset_ = 0;
  taken_ = 0;
}

View RoundMemory::take(std::size_t bytes) {
  const std::size_t size =
      std::max((bytes + kAlignment - 1) / kAlignment, std::size_t{1}) * kAlignment;
  while (block_ < blocks_.size() && offset_ + size > blocks_[block_].bytes) {
    ++block_;
    offset_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t room = std::max(size, kBlockBytes);
    blocks_.push_back({device_.allocate(room), room});
  }
  const View piece{blocks_[block_].memory.get(), offset_};
  offset_ += size;
  taken_ += size;
  return piece;
}

}  // namespace backprop
