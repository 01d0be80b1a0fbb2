// SPDX-License-Identifier: Apache-2.0
// The stand-in driver: memory and copies. Device memory is host memory.
#include <bit>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "driver.hpp"
#include "state.hpp"

namespace fake {
namespace {

constexpr int kUnwritten = 0xC7, kFreed = 0xDD;  // as float64 large, as an index far away

bool holds(const std::map<std::size_t, std::size_t>& blocks, std::size_t begin, std::size_t bytes) {
  auto next = blocks.upper_bound(begin);
  if (next == blocks.begin()) return false;
  --next;
  return begin + bytes <= next->first + next->second;
}

bool pinned(const void* begin, std::size_t bytes) {
  return holds(state().pinned, reinterpret_cast<std::size_t>(begin), bytes);
}

void* at(CUdeviceptr address) { return std::bit_cast<void*>(address); }

}  // namespace

bool lives(CUdeviceptr begin, std::size_t bytes) { return holds(state().memory, begin, bytes); }

}  // namespace fake

using fake::at;
using fake::enter_context;
using fake::queue;
using fake::state;

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice) {
  *pool = &state().pool;
  return fake::enter("cuDeviceGetDefaultMemPool");
}
CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void* value) {
  if (attribute == CU_MEMPOOL_ATTR_RELEASE_THRESHOLD)
    pool->threshold = *static_cast<cuuint64_t*>(value);
  return fake::enter("cuMemPoolSetAttribute");
}

CUresult cuMemAllocAsync(CUdeviceptr* memory, std::size_t bytes, CUstream stream) {
  CUresult result = enter_context("cuMemAllocAsync");
  // The real driver would put the allocation into the graph; nothing here should ask for that.
  if (result == CUDA_SUCCESS) result = fake::not_while_capturing(stream);
  if (result != CUDA_SUCCESS) return result;
  if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  if (bytes > state().limit - state().used) return CUDA_ERROR_OUT_OF_MEMORY;
  constexpr std::size_t kAlignment = 256;
  const std::size_t whole = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* made = std::aligned_alloc(kAlignment, whole);
  std::memset(made, fake::kUnwritten, whole);
  *memory = reinterpret_cast<CUdeviceptr>(made);
  state().memory[*memory] = bytes;
  state().used += bytes;
  return CUDA_SUCCESS;
}
CUresult cuMemFreeAsync(CUdeviceptr memory, CUstream stream) {
  CUresult result = enter_context("cuMemFreeAsync");
  if (result == CUDA_SUCCESS) result = fake::not_while_capturing(stream);
  if (result != CUDA_SUCCESS) return result;
  const auto found = state().memory.find(memory);
  if (found == state().memory.end()) return CUDA_ERROR_INVALID_VALUE;
  const std::size_t bytes = found->second;
  // In the stream's order: work that was queued before still has it.
  state().used -= bytes;
  return queue(stream, [memory, bytes] {
    std::memset(at(memory), fake::kFreed, bytes);
    state().memory.erase(memory);
    std::free(at(memory));
    return CUDA_SUCCESS;
  });
}

CUresult cuMemHostAlloc(void** memory, std::size_t bytes, unsigned) {
  const CUresult result = enter_context("cuMemHostAlloc");
  if (result != CUDA_SUCCESS) return result;
  *memory = std::malloc(bytes);
  state().pinned[reinterpret_cast<std::size_t>(*memory)] = bytes;
  return CUDA_SUCCESS;
}
CUresult cuMemFreeHost(void* memory) {
  if (state().pinned.erase(reinterpret_cast<std::size_t>(memory)) == 0)
    return CUDA_ERROR_INVALID_VALUE;
  std::free(memory);
  return enter_context("cuMemFreeHost");
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void* from, std::size_t bytes, CUstream stream) {
  CUresult result = enter_context("cuMemcpyHtoDAsync");
  // Stricter than the real one: a graph would read this memory again at every launch.
  if (result == CUDA_SUCCESS) result = fake::not_while_capturing(stream);
  if (result != CUDA_SUCCESS) return result;
  if (!fake::lives(to, bytes)) return CUDA_ERROR_INVALID_VALUE;
  if (fake::pinned(from, bytes)) {
    return queue(stream, [to, from, bytes] {
      std::memcpy(at(to), from, bytes);
      return CUDA_SUCCESS;
    });
  }
  const auto* begin = static_cast<const unsigned char*>(from);
  return queue(stream, [to, taken = std::vector<unsigned char>(begin, begin + bytes)] {
    std::memcpy(at(to), taken.data(), taken.size());
    return CUDA_SUCCESS;
  });
}
CUresult cuMemcpyDtoHAsync(void* to, CUdeviceptr from, std::size_t bytes, CUstream stream) {
  CUresult result = enter_context("cuMemcpyDtoHAsync");
  if (result == CUDA_SUCCESS) result = fake::not_while_capturing(stream);
  if (result != CUDA_SUCCESS) return result;
  if (!fake::lives(from, bytes)) return CUDA_ERROR_INVALID_VALUE;
  return queue(stream, [to, from, bytes] {
    std::memcpy(to, at(from), bytes);
    return CUDA_SUCCESS;
  });
}
CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, std::size_t bytes, CUstream stream) {
  const CUresult result = enter_context("cuMemcpyDtoDAsync");
  if (result != CUDA_SUCCESS) return result;
  if (!fake::lives(to, bytes) || !fake::lives(from, bytes)) return CUDA_ERROR_INVALID_VALUE;
  if (to < from + bytes && from < to + bytes) return CUDA_ERROR_INVALID_VALUE;
  return queue(stream, [to, from, bytes] {
    std::memcpy(at(to), at(from), bytes);
    return CUDA_SUCCESS;
  });
}
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, std::size_t bytes, CUstream stream) {
  const CUresult result = enter_context("cuMemsetD8Async");
  if (result != CUDA_SUCCESS) return result;
  if (!fake::lives(to, bytes)) return CUDA_ERROR_INVALID_VALUE;
  return queue(stream, [to, value, bytes] {
    std::memset(at(to), value, bytes);
    return CUDA_SUCCESS;
  });
}
