// SPDX-License-Identifier: Apache-2.0
#include "staging.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "error.hpp"

namespace odeum::opencl {
namespace {

constexpr std::size_t kSmallest = 4096;  // a page

}  // namespace

Staging::~Staging() {
  clFinish(queue_.get());
  for (const Write& write : under_way_) release(write.block);
  for (const Block& block : free_) release(block);
  clFinish(queue_.get());
}

void Staging::release(const Block& block) {
  clEnqueueUnmapMemObject(queue_.get(), block.memory, block.address, 0, nullptr, nullptr);
  clReleaseMemObject(block.memory);
}

void Staging::write(cl_mem to, std::size_t offset, const void* from, std::size_t bytes) {
  retire_finished();
  const Block block = take(bytes);
  std::memcpy(block.address, from, bytes);
  cl_event event = nullptr;
  const cl_int code = clEnqueueWriteBuffer(queue_.get(), to, CL_FALSE, offset, bytes, block.address,
                                           0, nullptr, &event);
  if (code != CL_SUCCESS) {
    keep(block);
    fail("writing to the device", code);
  }
  under_way_.push_back({{event, clReleaseEvent}, block});
  bytes_under_way_ += block.bytes;
  while (bytes_under_way_ > kMostUnderWay) retire_oldest();
}

/// The smallest free block that holds so many bytes, or a new one.
Staging::Block Staging::take(std::size_t bytes) {
  const auto fits = [bytes](const Block& block) { return block.bytes >= bytes; };
  const auto found = std::find_if(free_.begin(), free_.end(), fits);
  if (found != free_.end()) {
    const Block block = *found;
    free_.erase(found);
    return block;
  }
  Block block;
  block.bytes = std::bit_ceil(std::max(bytes, kSmallest));
  cl_int code = CL_SUCCESS;
  block.memory = clCreateBuffer(context_.get(), CL_MEM_READ_ONLY | CL_MEM_ALLOC_HOST_PTR,
                                block.bytes, nullptr, &code);
  if (code != CL_SUCCESS)
    fail("no memory on the host for an upload of " + std::to_string(bytes) + " bytes", code);
  block.address = clEnqueueMapBuffer(queue_.get(), block.memory, CL_TRUE, CL_MAP_WRITE, 0,
                                     block.bytes, 0, nullptr, nullptr, &code);
  if (code != CL_SUCCESS) {
    clReleaseMemObject(block.memory);
    fail("mapping memory for uploads", code);
  }
  return block;
}

void Staging::retire_oldest() {
  const Write oldest = under_way_.front();
  cl_event event = oldest.done.get();
  check(clWaitForEvents(1, &event), "waiting for an upload");
  under_way_.pop_front();
  bytes_under_way_ -= oldest.block.bytes;
  keep(oldest.block);
}

/// Ascending, so that the first that fits is the smallest.
void Staging::keep(const Block& block) {
  const auto smaller = [](const Block& a, const Block& b) { return a.bytes < b.bytes; };
  free_.insert(std::upper_bound(free_.begin(), free_.end(), block, smaller), block);
}

void Staging::retire_finished() {
  while (!under_way_.empty()) {
    cl_int status = CL_QUEUED;
    check(clGetEventInfo(under_way_.front().done.get(), CL_EVENT_COMMAND_EXECUTION_STATUS,
                         sizeof status, &status, nullptr),
          "asking for an upload");
    if (status > CL_COMPLETE) return;
    retire_oldest();
  }
}

}  // namespace odeum::opencl
