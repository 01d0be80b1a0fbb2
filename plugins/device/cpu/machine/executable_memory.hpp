// SPDX-License-Identifier: Apache-2.0
// Memory whose contents the processor may execute, and nobody may write any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace odeum::cpu {

class ExecutableMemory {
 public:
  ExecutableMemory() = default;
  /// Empty where the system does not allow it.
  explicit ExecutableMemory(std::span<const std::uint8_t> code);
  ExecutableMemory(ExecutableMemory&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_) {}
  ExecutableMemory& operator=(ExecutableMemory&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~ExecutableMemory();

  void* start() const { return memory_; }

 private:
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace odeum::cpu
