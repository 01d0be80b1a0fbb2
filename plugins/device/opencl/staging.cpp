// SPDX-License-Identifier: Apache-2.0
#include "staging.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "error.hpp"

namespace odeum::opencl {
namespace {

constexpr std::size_t kSmallest = 4096;  // a page

}  // namespace

Staging::~Staging() { clFinish(queues_.work.get()); }

void Staging::write(cl_mem to, std::size_t offset, const void* from, std::size_t bytes) {
  retire_finished();
  Block block = take(bytes);
  std::memcpy(block->address(), from, bytes);
  cl_event event = nullptr;
  const cl_int code = clEnqueueWriteBuffer(queues_.work.get(), to, CL_FALSE, offset, bytes,
                                           block->address(), 0, nullptr, &event);
  if (code != CL_SUCCESS) {
    keep(std::move(block));
    fail("writing to the device", code);
  }
  bytes_under_way_ += block->bytes();
  under_way_.push_back({{event, clReleaseEvent}, std::move(block)});
  while (bytes_under_way_ > kMostUnderWay) retire_oldest();
}

/// The smallest free block that holds so many bytes, or a new one.
Staging::Block Staging::take(std::size_t bytes) {
  const auto fits = [bytes](const Block& block) { return block->bytes() >= bytes; };
  const auto found = std::find_if(free_.begin(), free_.end(), fits);
  if (found != free_.end()) {
    Block block = std::move(*found);
    free_.erase(found);
    return block;
  }
  return std::make_unique<Pinned>(queues_, std::bit_ceil(std::max(bytes, kSmallest)), CL_MAP_WRITE);
}

void Staging::retire_oldest() {
  await(under_way_.front().done.get(), counts_, "waiting for an upload");
  Block block = std::move(under_way_.front().block);
  under_way_.pop_front();
  bytes_under_way_ -= block->bytes();
  keep(std::move(block));
}

/// Ascending, so that the first that fits is the smallest.
void Staging::keep(Block block) {
  const auto smaller = [](const Block& a, const Block& b) { return a->bytes() < b->bytes(); };
  const auto place = std::upper_bound(free_.begin(), free_.end(), block, smaller);
  free_.insert(place, std::move(block));
}

void Staging::retire_finished() {
  while (!under_way_.empty() && has_ended(under_way_.front().done.get())) retire_oldest();
}

}  // namespace odeum::opencl
