// SPDX-License-Identifier: Apache-2.0
#include "machine/executable_memory.hpp"

#include <sys/mman.h>

#include <algorithm>

namespace odeum::cpu {

ExecutableMemory::ExecutableMemory(std::span<const std::uint8_t> code) : bytes_(code.size()) {
  void* at = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return;
  std::copy(code.begin(), code.end(), static_cast<std::uint8_t*>(at));
  if (::mprotect(at, bytes_, PROT_READ | PROT_EXEC) != 0) {
    ::munmap(at, bytes_);
    return;
  }
  memory_ = at;
}

ExecutableMemory::~ExecutableMemory() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

}  // namespace odeum::cpu
