// SPDX-License-Identifier: Apache-2.0
// Pinned memory of the host, which the device reads and writes on its own.
#pragma once

#include <cstddef>
#include <memory>

#include "kernelgen/machine.hpp"
#include "odeum/device.hpp"
#include "stream.hpp"

namespace odeum::cuda {

/// Transfers from and to it are done when it ends.
class Pinned {
 public:
  Pinned(std::shared_ptr<Stream> stream, std::size_t bytes);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  std::byte* address() const { return static_cast<std::byte*>(memory_); }

 private:
  std::shared_ptr<Stream> stream_;
  void* memory_ = nullptr;
};

std::unique_ptr<Readback> make_readback(const std::shared_ptr<Stream>& stream,
                                        kernelgen::Counts& counts, std::size_t bytes);

}  // namespace odeum::cuda
