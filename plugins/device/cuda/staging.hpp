// SPDX-License-Identifier: Apache-2.0
// Pinned host memory that uploads and small downloads pass through. The device copies from it on
// its own, so that the host goes on as soon as it has filled it.
#pragma once

#include <cstddef>
#include <memory>

#include "event.hpp"
#include "pinned.hpp"
#include "stream.hpp"

namespace odeum::cuda {

class Staging {
 public:
  Staging(const std::shared_ptr<Stream>& stream, kernelgen::Counts& counts);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /// Queues the transfer. `from` may change as soon as this returns.
  void upload(CUdeviceptr to, const void* from, std::size_t bytes);
  /// Returns when the bytes are there.
  void download(void* to, CUdeviceptr from, std::size_t bytes);

 private:
  /// One is filled while the device may still read the other.
  struct Half {
    explicit Half(const std::shared_ptr<Stream>& stream);
    Pinned memory;
    Event read;  ///< all that was queued from it is done
    std::size_t used = 0;
  };
  void turn();

  std::shared_ptr<Stream> stream_;
  kernelgen::Counts& counts_;
  Half halves_[2];
  int now_ = 0;
  Pinned results_;
};

}  // namespace odeum::cuda
