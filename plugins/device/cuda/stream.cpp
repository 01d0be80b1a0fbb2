// SPDX-License-Identifier: Apache-2.0
#include "stream.hpp"

#include <limits>

#include "library.hpp"
#include "odeum/error.hpp"

namespace odeum::cuda {
namespace {

OpenedDriver open_driver() {
  OpenedDriver opened;
  static const Library library(Driver::names(), {});
  if (!library) {
    opened.trouble = "no NVIDIA driver is present (" + library.trouble() +
                     "); install the driver of the graphics card, or use device cpu";
    return opened;
  }
  const auto missing = resolve(opened.api, library);
  if (!missing.empty()) {
    opened.trouble = "the NVIDIA driver is too old: it has no " + missing.front() +
                     "; it must be as new as CUDA " + std::to_string(CUDA_VERSION / 1000);
    return opened;
  }
  const CUresult result = opened.api.init(0);
  if (result != CUDA_SUCCESS) {
    const char* words = nullptr;
    opened.api.error_text(result, &words);
    opened.trouble =
        "the NVIDIA driver does not start: " + std::string(words == nullptr ? "" : words);
  }
  return opened;
}

/// After these the driver answers every call of the process with the same error.
bool is_loss(CUresult result) {
  switch (result) {
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_FAILED:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_ASSERT:
    case CUDA_ERROR_ECC_UNCORRECTABLE:
    case CUDA_ERROR_NVLINK_UNCORRECTABLE:
#if CUDA_VERSION >= 13000
    case CUDA_ERROR_CONTAINED:
#endif
    case CUDA_ERROR_DEVICE_UNAVAILABLE:
    case CUDA_ERROR_CONTEXT_IS_DESTROYED:
      return true;
    default:
      return false;
  }
}

}  // namespace

const OpenedDriver& driver() {
  static const OpenedDriver opened = open_driver();
  return opened;
}

void fail(const std::string& what, CUresult result) {
  const char* name = nullptr;
  const char* words = nullptr;
  driver().api.error_name(result, &name);
  driver().api.error_text(result, &words);
  std::string message = "device cuda: " + what + ": " +
                        (words == nullptr ? "unknown error" : words) + " (" +
                        (name == nullptr ? std::to_string(result) : name) + ")";
  if (is_loss(result)) {
    throw DeviceLost(message +
                     "; the device stopped working: go on from the last checkpoint with --resume");
  }
  if (result == CUDA_ERROR_OUT_OF_MEMORY)
    message += "; take smaller batches, or a gradient that keeps less";
  throw RunError(message);
}

void check(CUresult result, const char* what) {
  if (result != CUDA_SUCCESS) fail(what, result);
}

Stream::Stream(int index) {
  const Driver& api = driver().api;
  check(api.device(&device_, index), "cuDeviceGet");
  char name[256] = {};
  check(api.device_name(name, sizeof name, device_), "cuDeviceGetName");
  name_ = name;
  check(api.attribute(&capability_.major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device_),
        "cuDeviceGetAttribute");
  check(api.attribute(&capability_.minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device_),
        "cuDeviceGetAttribute");
  check(api.retain(&context_, device_), "cuDevicePrimaryCtxRetain");
  enter();
  check(api.stream_create(&stream_, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
  // Freed memory stays in the pool: allocation in a solve never goes to the system.
  CUmemoryPool pool = nullptr;
  check(api.pool(&pool, device_), "cuDeviceGetDefaultMemPool");
  cuuint64_t keep = std::numeric_limits<cuuint64_t>::max();
  check(api.pool_attribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &keep),
        "cuMemPoolSetAttribute");
}

Stream::~Stream() {
  const Driver& api = driver().api;
  api.set_current(context_);
  if (stream_ != nullptr) {
    api.stream_synchronize(stream_);
    api.stream_destroy(stream_);
  }
  api.release(device_);
}

void Stream::enter() const { check(driver().api.set_current(context_), "cuCtxSetCurrent"); }

CUresult Stream::try_enter() const noexcept { return driver().api.set_current(context_); }

CUresult Stream::wait() const noexcept {
  const CUresult result = try_enter();
  return result == CUDA_SUCCESS ? driver().api.stream_synchronize(stream_) : result;
}

void Stream::require_device() const {
  const CUresult result = driver().api.stream_query(stream_);
  if (is_loss(result)) fail("the device", result);
}

void Stream::release(CUdeviceptr memory) const noexcept {
  if (try_enter() == CUDA_SUCCESS) driver().api.release_memory(memory, stream_);
}

}  // namespace odeum::cuda
