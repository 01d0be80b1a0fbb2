// SPDX-License-Identifier: Apache-2.0
// Replays: runs of a program that come again, with the same number of rows in the same memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "kernelgen/machine.hpp"

namespace odeum::kernelgen {

class Replays {
 public:
  /// Knows as many kinds of runs; of more, the first are forgotten.
  explicit Replays(std::size_t most) : most_(most) {}

  /// Does what `queue` does. The first run of its kind calls it; so everything that is made when it
  /// is first needed is there when the second run records it, which later ones replay.
  void run(Machine& machine, std::int64_t rows, std::span<const View> views,
           const std::function<void()>& queue) {
    run(machine, rows, views, queue, queue);
  }
  /// The same with another way, of the same effect, for the first run.
  void run(Machine& machine, std::int64_t rows, std::span<const View> views,
           const std::function<void()>& first, const std::function<void()>& queue);
  void clear() { known_.clear(); }

 private:
  struct Known {
    std::uint64_t hash = 0;
    std::int64_t rows = 0;
    std::vector<View> views;
    std::unique_ptr<Recorded> recorded;
  };
  std::size_t most_;
  std::vector<Known> known_;
  std::size_t oldest_ = 0;
};

}  // namespace odeum::kernelgen
