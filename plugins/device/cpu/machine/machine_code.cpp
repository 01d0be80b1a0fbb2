// SPDX-License-Identifier: Apache-2.0
#include "machine/machine_code.hpp"

#include <sys/mman.h>

#include <algorithm>

#include "odeum/error.hpp"

namespace odeum::cpu {
namespace {

/// Address space for the code of a plan; pages take memory when they are written.
constexpr std::size_t kReserved = std::size_t{2} << 20U;
constexpr std::size_t kAlignment = 64;

}  // namespace

MachineCode::~MachineCode() {
  if (memory_ != nullptr) ::munmap(memory_, kReserved);
}

void MachineCode::reserve() {
  refused_ = true;
  void* p = ::mmap(nullptr, kReserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return;
  // Hardened systems refuse what has been writable; better to know before any code is there.
  if (::mprotect(p, kReserved, PROT_READ | PROT_EXEC) != 0 ||
      ::mprotect(p, kReserved, PROT_READ | PROT_WRITE) != 0) {
    ::munmap(p, kReserved);
    return;
  }
  memory_ = static_cast<std::uint8_t*>(p);
  refused_ = false;
}

Loop MachineCode::add(const std::vector<std::uint8_t>& function) {
  if (memory_ == nullptr && !refused_) reserve();
  if (memory_ == nullptr || used_ + function.size() + kAlignment > kReserved) return nullptr;
  std::uint8_t* to = memory_ + used_;
  std::copy(function.begin(), function.end(), to);
  used_ += (function.size() + kAlignment - 1) / kAlignment * kAlignment;
  return reinterpret_cast<Loop>(to);
}

void MachineCode::finish() {
  if (memory_ != nullptr && ::mprotect(memory_, kReserved, PROT_READ | PROT_EXEC) != 0)
    throw RunError("device cpu: the system no longer lets memory become executable");
}

}  // namespace odeum::cpu
