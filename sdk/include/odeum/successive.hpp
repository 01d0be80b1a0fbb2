// SPDX-License-Identifier: Apache-2.0
// Successive: what an executable is as well, if its device takes several of its runs as one piece
// of work: a solve's steps as one graph. Core asks for it by dynamic_cast and does without.
#pragma once

#include <cstdint>
#include <span>

#include "odeum/device.hpp"

namespace odeum::inline v1 {

/// What Executable::run gets.
struct RunArguments {
  std::span<const View> inputs, outputs;
};

class Successive {
 public:
  virtual ~Successive();
  /// As Executable::run of each, one after another, with the same bits: a later one may read what
  /// an earlier one wrote.
  virtual void run_successively(std::int64_t rows, std::span<const RunArguments> runs) = 0;
};

}  // namespace odeum::inline v1
