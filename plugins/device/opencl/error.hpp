// SPDX-License-Identifier: Apache-2.0
// OpenCL's return codes as errors that say what failed.
#pragma once

#include <CL/cl.h>

#include <string>

namespace odeum::opencl {

const char* name_of(cl_int code);  ///< "CL_OUT_OF_RESOURCES", or "an unknown error"
/// RunError naming the call and the code, and what to try where that is known; DeviceLost where the
/// code says that the device stopped working.
[[noreturn]] void fail(const std::string& what, cl_int code);
inline void check(cl_int code, const char* what) {
  if (code != CL_SUCCESS) fail(what, code);
}

}  // namespace odeum::opencl
