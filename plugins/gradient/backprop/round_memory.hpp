// SPDX-License-Identifier: Apache-2.0
// Device memory for what a solve keeps of its rounds, which shrink as samples finish.
#pragma once

#include <memory>
#include <vector>

#include "odeum/device.hpp"

namespace backprop {

using namespace odeum;

/// Hands out pieces of blocks that are kept from solve to solve.
class RoundMemory {
 public:
  explicit RoundMemory(Device& device) : device_(device) {}

  void clear();  ///< all pieces are free again
  View take(std::size_t bytes);
  std::size_t taken() const { return taken_; }  ///< bytes since `clear`

 private:
  struct Block {
    std::shared_ptr<void> memory;
    std::size_t bytes = 0;
  };
  Device& device_;
  std::vector<Block> blocks_;
  std::size_t block_ = 0;   ///< the one that pieces come from
  std::size_t offset_ = 0;  ///< within it
  std::size_t taken_ = 0;
};

}  // namespace backprop
