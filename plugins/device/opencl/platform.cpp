// SPDX-License-Identifier: Apache-2.0
#include "platform.hpp"

#include <algorithm>

namespace odeum::opencl {
namespace {

std::string platform_name(cl_platform_id platform) {
  std::size_t size = 0;
  if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, 0, nullptr, &size) != CL_SUCCESS || size == 0)
    return "a platform without a name";
  std::string name(size, '\0');
  clGetPlatformInfo(platform, CL_PLATFORM_NAME, size, name.data(), nullptr);
  name.resize(name.find('\0') == std::string::npos ? size : name.find('\0'));
  return name;
}

template <class T>
T number(cl_device_id device, cl_device_info what) {
  T value{};
  clGetDeviceInfo(device, what, sizeof value, &value, nullptr);
  return value;
}

std::string why_unusable(cl_device_id device) {
  if (number<cl_bool>(device, CL_DEVICE_AVAILABLE) == CL_FALSE) return "it is not available";
  if (number<cl_bool>(device, CL_DEVICE_COMPILER_AVAILABLE) == CL_FALSE)
    return "its driver has no compiler";
  if (number<cl_device_fp_config>(device, CL_DEVICE_DOUBLE_FP_CONFIG) == 0)
    return "it has no float64 (cl_khr_fp64), in which times and losses are computed";
  if (number<std::size_t>(device, CL_DEVICE_MAX_WORK_GROUP_SIZE) < 256)
    return "its work groups have fewer than 256 work items";
  return "";
}

}  // namespace

std::string text(cl_device_id device, cl_device_info what) {
  std::size_t size = 0;
  if (clGetDeviceInfo(device, what, 0, nullptr, &size) != CL_SUCCESS || size == 0) return "";
  std::string value(size, '\0');
  clGetDeviceInfo(device, what, size, value.data(), nullptr);
  value.resize(std::min(size, value.find('\0')));
  return value;
}

std::vector<Found> all_devices() {
  std::vector<Found> all;
  cl_uint count = 0;
  if (clGetPlatformIDs(0, nullptr, &count) != CL_SUCCESS || count == 0) return all;
  std::vector<cl_platform_id> platforms(count);
  clGetPlatformIDs(count, platforms.data(), nullptr);
  for (cl_platform_id platform : platforms) {
    cl_uint devices = 0;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &devices) != CL_SUCCESS) continue;
    std::vector<cl_device_id> ids(devices);
    clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, devices, ids.data(), nullptr);
    for (cl_device_id id : ids) {
      const bool processor = (number<cl_device_type>(id, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CPU) != 0;
      all.push_back({id, platform_name(platform) + ", " + text(id, CL_DEVICE_NAME),
                     why_unusable(id), processor});
    }
  }
  std::stable_partition(all.begin(), all.end(),
                        [](const Found& found) { return !found.processor; });
  return all;
}

}  // namespace odeum::opencl
