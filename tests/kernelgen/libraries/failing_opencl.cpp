// SPDX-License-Identifier: Apache-2.0
// An OpenCL that fails where a test wants it: preloaded before the driver's, it hands every call
// on, but from one of them on answers with an error. FAILING_OPENCL is the function's name, the
// number of calls that go well and the code that comes then: "clCreateBuffer 30 -4".
#include <CL/cl.h>
#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <sstream>
#include <string>

namespace {

struct Fault {
  std::string function;
  long good = 0;
  cl_int code = CL_SUCCESS;
};

const Fault& fault() {
  static const Fault read = [] {
    Fault fault;
    const char* text = std::getenv("FAILING_OPENCL");
    std::istringstream(text == nullptr ? "" : text) >> fault.function >> fault.good >> fault.code;
    return fault;
  }();
  return read;
}

/// What the function answers this time; CL_SUCCESS: the driver's own answer.
cl_int answer(const char* function) {
  static std::atomic<long> calls{0};
  if (fault().function != function || calls++ < fault().good) return CL_SUCCESS;
  return fault().code;
}

template <class Function>
Function* next(const char* name) {
  // A plugin's libraries are its own: they are not among those behind this one.
  static void* const driver = ::dlopen("libOpenCL.so.1", RTLD_NOW);
  return reinterpret_cast<Function*>(::dlsym(driver, name));
}

}  // namespace

extern "C" {

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void* host,
                      cl_int* code) {
  static auto* const driver = next<decltype(clCreateBuffer)>("clCreateBuffer");
  const cl_int wrong = answer("clCreateBuffer");
  if (wrong == CL_SUCCESS) return driver(context, flags, size, host, code);
  *code = wrong;
  return nullptr;
}

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id* devices,
                      const char* options,
                      void(CL_CALLBACK* notify)(cl_program program, void* data), void* data) {
  static auto* const driver = next<decltype(clBuildProgram)>("clBuildProgram");
  const cl_int wrong = answer("clBuildProgram");
  return wrong == CL_SUCCESS ? driver(program, count, devices, options, notify, data) : wrong;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                              const size_t* offset, const size_t* global, const size_t* local,
                              cl_uint waits, const cl_event* wait_for, cl_event* event) {
  static auto* const driver = next<decltype(clEnqueueNDRangeKernel)>("clEnqueueNDRangeKernel");
  const cl_int wrong = answer("clEnqueueNDRangeKernel");
  if (wrong != CL_SUCCESS) return wrong;
  return driver(queue, kernel, dimensions, offset, global, local, waits, wait_for, event);
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                           size_t size, void* to, cl_uint waits, const cl_event* wait_for,
                           cl_event* event) {
  static auto* const driver = next<decltype(clEnqueueReadBuffer)>("clEnqueueReadBuffer");
  const cl_int wrong = answer("clEnqueueReadBuffer");
  if (wrong != CL_SUCCESS) return wrong;
  return driver(queue, memory, blocking, offset, size, to, waits, wait_for, event);
}

}  // extern "C"
