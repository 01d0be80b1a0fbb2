// SPDX-License-Identifier: Apache-2.0
// Steps: what an executable consists of. A step reads and writes slots and keeps no state, so any
// number of threads may run parts of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/table.hpp"

namespace odeum::cpu {

/// Where a step finds its memory. In a phase over rows, slots with rows point at the first row of
/// the block at hand.
struct Context {
  std::byte** slots = nullptr;
  std::byte* scratch = nullptr;  ///< the thread's own, as large as the steps asked for
  const Kernels* kernels = nullptr;
  std::int64_t first_row = 0;  ///< of the block, among all rows
  std::int64_t rows = 0;       ///< of the block
  std::int64_t all_rows = 0;

  template <class T>
  T* at(int slot, std::int64_t offset = 0) const {
    return reinterpret_cast<T*>(slots[slot]) + offset;
  }
};

/// The rows of a tile of a value that lies in memory.
struct FarValue {
  int slot = -1;
  std::size_t row_bytes = 0;
  bool of_next_tile = false;
};

class Step {
 public:
  virtual ~Step() = default;
  /// Independent units that the step's work on a block consists of.
  virtual std::int64_t units(std::int64_t rows) const = 0;
  virtual void run(const Context& context, std::int64_t begin, std::int64_t end) const = 0;

  /// Units that one task takes when the step is cut over threads; never depends on their number.
  virtual std::int64_t grain(std::int64_t rows) const = 0;
  /// Does the step add into accumulators from ranges of rows? Then each range needs its own.
  virtual bool sharded() const { return false; }
  /// Bytes of scratch for a block.
  virtual std::size_t scratch(std::int64_t rows) const = 0;
  /// A step whose work is arithmetic can bring near meanwhile what later steps read from memory.
  virtual bool can_fetch() const { return false; }
  /// Asks for that; more than a few are left out.
  virtual void fetch(const FarValue&) {}
  /// Rough number of operations on a block, to tell what is worth a second thread.
  virtual double work(std::int64_t rows) const = 0;
};

constexpr std::size_t padded(std::size_t bytes) {
  return (bytes + kPadding - 1) / kPadding * kPadding;
}
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace odeum::cpu
