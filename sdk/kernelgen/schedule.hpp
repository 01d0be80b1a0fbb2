// SPDX-License-Identifier: Apache-2.0
// Schedule: which kernels run at once. Launches that do not wait for each other are one launch of
// one kernel, whose groups of threads share out the work between them.
#pragma once

#include <optional>
#include <vector>

#include "kernelgen/plan.hpp"
#include "kernelgen/text.hpp"

namespace odeum::kernelgen {

/// A launch to be made: a kernel's, or without a text a library's, whose slots it has already.
struct Work {
  Launch launch;
  std::optional<KernelText> text = {};
  int threads = 0;
  bool alone = false;  ///< too large a kernel to be joined with another

  const std::vector<int>& slots() const { return text ? text->slots() : launch.slots; }
};

/// Adds kernels and launches for the works to the plan, in an order in which they can run. Whoever
/// names a slot of scratch memory or an output first writes it.
void schedule(const std::vector<Work>& works, Plan& plan);

/// Once scratch memory is placed: writes into the kernels where in it the slots lie that they find
/// by themselves.
void resolve_places(Plan& plan);

}  // namespace odeum::kernelgen
