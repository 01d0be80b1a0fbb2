// SPDX-License-Identifier: Apache-2.0
// Which OpenCL device is used, and why another one cannot be.
#pragma once

#include <CL/cl.h>

#include <string>
#include <vector>

namespace odeum::opencl {

struct Found {
  cl_device_id device = nullptr;
  std::string name;      ///< platform and device
  std::string unusable;  ///< why it cannot be used; empty when it can
  bool processor = false;
};

/// All devices of all platforms, platforms in the loader's order; accelerators before processors.
std::vector<Found> all_devices();
/// A text property of a device.
std::string text(cl_device_id device, cl_device_info what);

}  // namespace odeum::opencl
