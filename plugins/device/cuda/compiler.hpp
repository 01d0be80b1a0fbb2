// SPDX-License-Identifier: Apache-2.0
// NVRTC: kernels to machine code. Needs no driver and no device.
#pragma once

#include <string>

#include "api.hpp"
#include "kernelgen/machine.hpp"

namespace odeum::cuda {

/// A compute capability: sm_90 is {9, 0}.
struct Capability {
  int major = 0, minor = 0;
  std::string text() const { return "sm_" + std::to_string(10 * major + minor); }
};

/// The compiler; RunError where the library or one of its functions is missing.
const Nvrtc& compiler();
/// The version of the compiler, for caches.
std::string compiler_version();
/// Machine code for the capability. RunError with the compiler's words where the text does not
/// build.
std::string machine_code(const kernelgen::Source& source, Capability capability);

}  // namespace odeum::cuda
