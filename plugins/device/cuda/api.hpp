// SPDX-License-Identifier: Apache-2.0
// The functions of the driver, of NVRTC and of cuBLAS that the device calls, opened at run time.
// Types come from the toolkit's headers, so a wrong signature does not compile; `each` names the
// symbol of every function once, for whoever opens them or checks that they are there.
#pragma once

#include <cublas_v2.h>
#include <cuda.h>
#include <nvrtc.h>

#include <string>
#include <vector>

namespace odeum::cuda {

struct Driver {
  decltype(&::cuInit) init;
  decltype(&::cuDriverGetVersion) version;
  decltype(&::cuGetErrorName) error_name;
  decltype(&::cuGetErrorString) error_text;
  decltype(&::cuDeviceGetCount) device_count;
  decltype(&::cuDeviceGet) device;
  decltype(&::cuDeviceGetName) device_name;
  decltype(&::cuDeviceGetAttribute) attribute;
  decltype(&::cuDevicePrimaryCtxRetain) retain;
  decltype(&::cuDevicePrimaryCtxRelease) release;
  decltype(&::cuCtxSetCurrent) set_current;
  decltype(&::cuStreamCreate) stream_create;
  decltype(&::cuStreamDestroy) stream_destroy;
  decltype(&::cuStreamSynchronize) stream_synchronize;
  decltype(&::cuDeviceGetDefaultMemPool) pool;
  decltype(&::cuMemPoolSetAttribute) pool_attribute;
  decltype(&::cuMemAllocAsync) allocate;
  decltype(&::cuMemFreeAsync) release_memory;
  decltype(&::cuMemcpyHtoDAsync) to_device;
  decltype(&::cuMemcpyDtoHAsync) to_host;
  decltype(&::cuMemcpyDtoDAsync) on_device;
  decltype(&::cuMemsetD8Async) set_bytes;
  decltype(&::cuModuleLoadData) module_load;
  decltype(&::cuModuleUnload) module_unload;
  decltype(&::cuModuleGetFunction) function;
  decltype(&::cuLaunchKernel) launch;

  template <class Visit>
  void each(Visit&& visit) {
    visit(init, "cuInit");
    visit(version, "cuDriverGetVersion");
    visit(error_name, "cuGetErrorName");
    visit(error_text, "cuGetErrorString");
    visit(device_count, "cuDeviceGetCount");
    visit(device, "cuDeviceGet");
    visit(device_name, "cuDeviceGetName");
    visit(attribute, "cuDeviceGetAttribute");
    visit(retain, "cuDevicePrimaryCtxRetain");
    visit(release, "cuDevicePrimaryCtxRelease_v2");
    visit(set_current, "cuCtxSetCurrent");
    visit(stream_create, "cuStreamCreate");
    visit(stream_destroy, "cuStreamDestroy_v2");
    visit(stream_synchronize, "cuStreamSynchronize");
    visit(pool, "cuDeviceGetDefaultMemPool");
    visit(pool_attribute, "cuMemPoolSetAttribute");
    visit(allocate, "cuMemAllocAsync");
    visit(release_memory, "cuMemFreeAsync");
    visit(to_device, "cuMemcpyHtoDAsync_v2");
    visit(to_host, "cuMemcpyDtoHAsync_v2");
    visit(on_device, "cuMemcpyDtoDAsync_v2");
    visit(set_bytes, "cuMemsetD8Async");
    visit(module_load, "cuModuleLoadData");
    visit(module_unload, "cuModuleUnload");
    visit(function, "cuModuleGetFunction");
    visit(launch, "cuLaunchKernel");
  }
  static std::vector<std::string> names() { return {"libcuda.so.1"}; }
};

struct Nvrtc {
  decltype(&::nvrtcVersion) version;
  decltype(&::nvrtcGetErrorString) error_text;
  decltype(&::nvrtcCreateProgram) create;
  decltype(&::nvrtcDestroyProgram) destroy;
  decltype(&::nvrtcCompileProgram) compile;
  decltype(&::nvrtcGetProgramLogSize) log_size;
  decltype(&::nvrtcGetProgramLog) log;
  decltype(&::nvrtcGetCUBINSize) cubin_size;
  decltype(&::nvrtcGetCUBIN) cubin;

  template <class Visit>
  void each(Visit&& visit) {
    visit(version, "nvrtcVersion");
    visit(error_text, "nvrtcGetErrorString");
    visit(create, "nvrtcCreateProgram");
    visit(destroy, "nvrtcDestroyProgram");
    visit(compile, "nvrtcCompileProgram");
    visit(log_size, "nvrtcGetProgramLogSize");
    visit(log, "nvrtcGetProgramLog");
    visit(cubin_size, "nvrtcGetCUBINSize");
    visit(cubin, "nvrtcGetCUBIN");
  }
  static std::vector<std::string> names();
};

struct Cublas {
  decltype(&::cublasCreate_v2) create;
  decltype(&::cublasDestroy_v2) destroy;
  decltype(&::cublasSetStream_v2) set_stream;
  decltype(&::cublasSetWorkspace_v2) set_workspace;
  decltype(&::cublasGetStatusString) error_text;
  decltype(&::cublasGemmStridedBatchedEx_64) multiply;

  template <class Visit>
  void each(Visit&& visit) {
    visit(create, "cublasCreate_v2");
    visit(destroy, "cublasDestroy_v2");
    visit(set_stream, "cublasSetStream_v2");
    visit(set_workspace, "cublasSetWorkspace_v2");
    visit(error_text, "cublasGetStatusString");
    visit(multiply, "cublasGemmStridedBatchedEx_64");
  }
  static std::vector<std::string> names();
};

}  // namespace odeum::cuda
