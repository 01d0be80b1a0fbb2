// SPDX-License-Identifier: Apache-2.0
// Memory of the host that transfers go through without the host waiting for the device, and what
// tells how far they are.
#pragma once

#include <CL/cl.h>

#include <cstddef>
#include <memory>

#include "kernelgen/machine.hpp"
#include "odeum/device.hpp"

namespace odeum::opencl {

/// The queue that work is in, in order; and an empty one, in which memory is mapped without waiting
/// for that work.
struct Queues {
  std::shared_ptr<_cl_context> context;
  std::shared_ptr<_cl_command_queue> work;
  std::shared_ptr<_cl_command_queue> mapping;
};

/// Host memory that the driver has pinned, mapped as long as it lives. Transfers from and to it are
/// done when it ends.
class Pinned {
 public:
  /// flags: what the host does with it.
  Pinned(const Queues& queues, std::size_t bytes, cl_map_flags flags);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  std::byte* address() const { return address_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<_cl_command_queue> mapping_;
  cl_mem memory_ = nullptr;
  std::byte* address_ = nullptr;
  std::size_t bytes_;
};

/// Is it done, or has it failed?
bool has_ended(cl_event event);
/// Returns when it is done, and counts where that needs waiting. `what` failed, if it did.
void await(cl_event event, kernelgen::Counts& counts, const char* what);

std::unique_ptr<Readback> make_readback(const Queues& queues, kernelgen::Counts& counts,
                                        std::size_t bytes);

}  // namespace odeum::opencl
