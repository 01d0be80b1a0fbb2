// SPDX-License-Identifier: Apache-2.0
// The functions of the driver, of NVRTC and of cuBLASLt that the device calls, opened at run time.
// Types come from the toolkit's headers, so a wrong signature does not compile; `each` names the
// symbol of every function once, for whoever opens them or checks that they are there.
#pragma once

#include <cublasLt.h>
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
  decltype(&::cuStreamQuery) stream_query;
  decltype(&::cuStreamBeginCapture) capture_begin;
  decltype(&::cuStreamEndCapture) capture_end;
  decltype(&::cuGraphInstantiate) graph_instantiate;
  decltype(&::cuGraphLaunch) graph_launch;
  decltype(&::cuGraphDestroy) graph_destroy;
  decltype(&::cuGraphExecDestroy) instance_destroy;
  decltype(&::cuEventCreate) event_create;
  decltype(&::cuEventRecord) event_record;
  decltype(&::cuEventQuery) event_query;
  decltype(&::cuEventSynchronize) event_synchronize;
  decltype(&::cuEventDestroy) event_destroy;
  decltype(&::cuMemHostAlloc) allocate_host;
  decltype(&::cuMemFreeHost) release_host;
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
    visit(stream_query, "cuStreamQuery");
    visit(capture_begin, "cuStreamBeginCapture_v2");
    visit(capture_end, "cuStreamEndCapture");
    visit(graph_instantiate, "cuGraphInstantiateWithFlags");
    visit(graph_launch, "cuGraphLaunch");
    visit(graph_destroy, "cuGraphDestroy");
    visit(instance_destroy, "cuGraphExecDestroy");
    visit(event_create, "cuEventCreate");
    visit(event_record, "cuEventRecord");
    visit(event_query, "cuEventQuery");
    visit(event_synchronize, "cuEventSynchronize");
    visit(event_destroy, "cuEventDestroy_v2");
    visit(allocate_host, "cuMemHostAlloc");
    visit(release_host, "cuMemFreeHost");
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
  decltype(&::cublasLtCreate) create;
  decltype(&::cublasLtDestroy) destroy;
  decltype(&::cublasLtGetStatusString) error_text;
  decltype(&::cublasLtMatmulDescCreate) product_create;
  decltype(&::cublasLtMatmulDescDestroy) product_destroy;
  decltype(&::cublasLtMatmulDescSetAttribute) product_set;
  decltype(&::cublasLtMatrixLayoutCreate) layout_create;
  decltype(&::cublasLtMatrixLayoutDestroy) layout_destroy;
  decltype(&::cublasLtMatrixLayoutSetAttribute) layout_set;
  decltype(&::cublasLtMatmulPreferenceCreate) preference_create;
  decltype(&::cublasLtMatmulPreferenceDestroy) preference_destroy;
  decltype(&::cublasLtMatmulPreferenceSetAttribute) preference_set;
  decltype(&::cublasLtMatmulAlgoGetHeuristic) algorithms;
  decltype(&::cublasLtMatmul) multiply;

  template <class Visit>
  void each(Visit&& visit) {
    visit(create, "cublasLtCreate");
    visit(destroy, "cublasLtDestroy");
    visit(error_text, "cublasLtGetStatusString");
    visit(product_create, "cublasLtMatmulDescCreate");
    visit(product_destroy, "cublasLtMatmulDescDestroy");
    visit(product_set, "cublasLtMatmulDescSetAttribute");
    visit(layout_create, "cublasLtMatrixLayoutCreate");
    visit(layout_destroy, "cublasLtMatrixLayoutDestroy");
    visit(layout_set, "cublasLtMatrixLayoutSetAttribute");
    visit(preference_create, "cublasLtMatmulPreferenceCreate");
    visit(preference_destroy, "cublasLtMatmulPreferenceDestroy");
    visit(preference_set, "cublasLtMatmulPreferenceSetAttribute");
    visit(algorithms, "cublasLtMatmulAlgoGetHeuristic");
    visit(multiply, "cublasLtMatmul");
  }
  static std::vector<std::string> names();
};

}  // namespace odeum::cuda
