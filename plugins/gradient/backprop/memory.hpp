// SPDX-License-Identifier: Apache-2.0
// Device memory for what a solve keeps: one record a step, all of one size, in blocks that are
// reused from solve to solve and only ever grow in number.
#pragma once

#include <memory>
#include <stdexcept>
#include <vector>

#include "reversal.hpp"

namespace backprop {

/// More steps than the memory limit holds.
struct MemoryExceeded : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class StepMemory {
 public:
  StepMemory(Device& device, std::vector<Spec> specs) : device_(device), specs_(std::move(specs)) {}

  /// Before a solve: for this many rows, at most `limit` bytes in all.
  void open(std::int64_t rows, std::size_t limit);
  /// The views of step `index`. Throws MemoryExceeded where the limit is passed.
  std::span<const View> at(std::size_t index);

  std::size_t bytes_per_step() const { return stride_; }
  /// Bytes of one step for a number of rows.
  std::size_t bytes_per_step(std::int64_t rows) const;

 private:
  Device& device_;
  std::vector<Spec> specs_;
  std::vector<std::shared_ptr<void>> blocks_;
  std::size_t block_stride_ = 0;  ///< what a record of the present blocks has room for
  std::size_t stride_ = 0;
  std::size_t limit_ = 0;
  std::vector<std::vector<View>> views_;  ///< by step
  std::int64_t rows_ = 0;
};

/// A few values behind one another, for a number of rows that may grow.
class Buffers {
 public:
  Buffers(Device& device, std::vector<Spec> specs) : device_(device), specs_(std::move(specs)) {}
  void place(std::int64_t rows);
  const std::vector<View>& views() const { return views_; }
  std::size_t bytes(std::size_t i) const { return bytes_of(specs_[i], rows_); }

 private:
  Device& device_;
  std::vector<Spec> specs_;
  std::vector<View> views_;
  std::shared_ptr<void> memory_;
  std::int64_t placed_ = -1;
  std::int64_t rows_ = 0;
};

}  // namespace backprop
