// SPDX-License-Identifier: Apache-2.0
// Ctrl-C: the first asks to stop after the current step, the second ends the process at once.
#pragma once

namespace odeum::train {

/// Takes SIGINT and SIGTERM over while it lives. One at a time.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  bool requested() const;
};

}  // namespace odeum::train
