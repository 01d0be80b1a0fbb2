// SPDX-License-Identifier: Apache-2.0
// A mark in the stream: how far it has come.
#pragma once

#include <memory>

#include "kernelgen/machine.hpp"
#include "stream.hpp"

namespace odeum::cuda {

class Event {
 public:
  explicit Event(std::shared_ptr<Stream> stream);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Moves behind all that is queued.
  void record();
  /// Returns when what is before it is done, and counts where that needs waiting; at once where it
  /// was never recorded. `what` failed, if it did.
  void wait(kernelgen::Counts& counts, const char* what) const;

 private:
  std::shared_ptr<Stream> stream_;
  CUevent event_ = nullptr;
};

}  // namespace odeum::cuda
