// SPDX-License-Identifier: Apache-2.0
// The reference evaluator: what a program means, without speed. Devices are tested against it, and
// a new device may begin with it and take over one operation after the other.
#pragma once

#include <memory>

#include "odeum/device.hpp"

namespace odeum::inline v1 {

/// Runs a program on the host, node by node. All floating-point arithmetic is in double, float32
/// outputs are rounded once. Views must be host memory. Unlike an Executable of a real device it
/// allocates in every run.
std::unique_ptr<Executable> compile_for_reference(const Program& program,
                                                  const CompileOptions& options = {});

}  // namespace odeum::inline v1
