// SPDX-License-Identifier: Apache-2.0
// Device memory of a solve: values laid out one behind the other in one grow-only allocation.
#pragma once

#include <memory>
#include <vector>

#include "odeum/device.hpp"
#include "solve/step_programs.hpp"

namespace odeum::solve {

std::size_t bytes_of(const ValueSpec& spec, std::int64_t rows);

class Workspace {
 public:
  explicit Workspace(Device& device) : device_(device) {}

  /// Adds values; `place` gives them their views.
  void add(const std::vector<ValueSpec>& specs, std::vector<View>* views);

  /// Puts all added values into memory for this many rows. Views change only when rows exceed
  /// what was placed before. Returns whether they changed.
  bool place(std::int64_t rows);

 private:
  struct Slot {
    ValueSpec spec;
    std::vector<View>* views;
    std::size_t index;
  };
  Device& device_;
  std::vector<Slot> slots_;
  std::int64_t rows_ = -1;
  std::shared_ptr<void> memory_;
};

}  // namespace odeum::solve
