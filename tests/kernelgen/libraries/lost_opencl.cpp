// SPDX-License-Identifier: Apache-2.0
// An OpenCL device that is lost: stands before the real library (LD_PRELOAD) and, after as many
// kernels as ODEUM_LOST_AFTER says, answers every call as a driver does whose device is gone.
#include <CL/cl.h>
#include <dlfcn.h>

#include <cstdlib>

namespace {

template <class Function>
Function real(const char* name) {
  static void* const library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
  return reinterpret_cast<Function>(dlsym(library, name));
}

long launches_left() {
  const char* text = std::getenv("ODEUM_LOST_AFTER");
  return text == nullptr ? 0 : std::strtol(text, nullptr, 10);
}

long& left() {
  static long count = launches_left();
  return count;
}

}  // namespace

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                              const size_t* offset, const size_t* total, const size_t* group,
                              cl_uint count, const cl_event* wait, cl_event* event) {
  if (left() <= 0) return CL_DEVICE_NOT_AVAILABLE;
  --left();
  static const auto run = real<decltype(&clEnqueueNDRangeKernel)>("clEnqueueNDRangeKernel");
  return run(queue, kernel, dimensions, offset, total, group, count, wait, event);
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                           size_t bytes, void* to, cl_uint count, const cl_event* wait,
                           cl_event* event) {
  if (left() <= 0) return CL_INVALID_COMMAND_QUEUE;
  static const auto run = real<decltype(&clEnqueueReadBuffer)>("clEnqueueReadBuffer");
  return run(queue, memory, blocking, offset, bytes, to, count, wait, event);
}

cl_int clFinish(cl_command_queue queue) {
  if (left() <= 0) return CL_INVALID_COMMAND_QUEUE;
  static const auto run = real<decltype(&clFinish)>("clFinish");
  return run(queue);
}
