// SPDX-License-Identifier: Apache-2.0
// Memory of the host that uploads go through, so that the host need not wait for the device.
#pragma once

#include <CL/cl.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "pinned.hpp"

namespace odeum::opencl {

class Staging {
 public:
  Staging(const Queues& queues, kernelgen::Counts& counts) : queues_(queues), counts_(counts) {}
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /// Queues a write of `bytes` to `to`, `offset` into it. `from` is taken over. Waits only where
  /// kMostUnderWay bytes are under way already.
  void write(cl_mem to, std::size_t offset, const void* from, std::size_t bytes);

  static constexpr std::size_t kMostUnderWay = std::size_t{64} << 20U;

 private:
  using Block = std::unique_ptr<Pinned>;
  struct Write {
    std::shared_ptr<_cl_event> done;
    Block block;
  };

  Block take(std::size_t bytes);
  void keep(Block block);
  void retire_oldest();
  void retire_finished();

  Queues queues_;
  kernelgen::Counts& counts_;
  std::deque<Write> under_way_;  ///< in the queue's order
  std::size_t bytes_under_way_ = 0;
  std::vector<Block> free_;
};

}  // namespace odeum::opencl
