// SPDX-License-Identifier: Apache-2.0
// The stand-in driver: start, errors, devices, streams, events and graphs.
#include "driver.hpp"

#include <cstring>
#include <memory>
#include <utility>

#include "state.hpp"

namespace fake {

State& state() {
  static State one;
  return one;
}

CUcontext& current() {
  thread_local CUcontext context = nullptr;
  return context;
}

CUresult enter(const char* function) {
  State& s = state();
  s.calls += function;
  s.calls += '\n';
  if (!s.started) return CUDA_ERROR_NOT_INITIALIZED;
  if (s.lost != CUDA_SUCCESS) return s.lost;
  for (Failure& failure : s.failures) {
    if (failure.function != function || failure.result == CUDA_SUCCESS) continue;
    if (failure.more-- > 0) continue;
    const CUresult result = failure.result;
    if (failure.lost) s.lost = result;
    failure.result = CUDA_SUCCESS;
    return result;
  }
  return CUDA_SUCCESS;
}

CUresult drain(CUstream stream, std::size_t ticket) {
  // A lost device does nothing more.
  if (state().lost != CUDA_SUCCESS) {
    stream->work.clear();
    return state().lost;
  }
  while (stream->done < ticket && !stream->work.empty()) {
    const Work work = std::move(stream->work.front());
    stream->work.pop_front();
    ++stream->done;
    const CUresult result = work();
    if (result != CUDA_SUCCESS) return state().lost = result;
  }
  return CUDA_SUCCESS;
}

CUresult not_while_capturing(CUstream stream) {
  if (stream == nullptr || stream->capture == nullptr) return CUDA_SUCCESS;
  stream->broken = true;
  return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

CUresult queue(CUstream stream, Work work) {
  if (stream == nullptr || stream->context != current()) return CUDA_ERROR_INVALID_HANDLE;
  if (stream->broken) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (stream->capture != nullptr) {
    stream->capture->work.push_back(std::move(work));
    return CUDA_SUCCESS;
  }
  stream->work.push_back(std::move(work));
  ++stream->queued;
  constexpr std::size_t kMost = 4096;
  return stream->work.size() > kMost ? drain(stream, stream->queued) : CUDA_SUCCESS;
}

CUresult enter_context(const char* function) {
  const CUresult result = enter(function);
  if (result != CUDA_SUCCESS) return result;
  return current() == nullptr ? CUDA_ERROR_INVALID_CONTEXT : CUDA_SUCCESS;
}

}  // namespace fake

using fake::enter;
using fake::enter_context;
using fake::state;

CUresult cuInit(unsigned) {
  state().started = true;
  return enter("cuInit");
}
CUresult cuDriverGetVersion(int* version) {
  *version = CUDA_VERSION;
  return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult error, const char** text) {
  switch (error) {
    case CUDA_ERROR_OUT_OF_MEMORY:
      *text = "CUDA_ERROR_OUT_OF_MEMORY";
      break;
    case CUDA_ERROR_LAUNCH_FAILED:
      *text = "CUDA_ERROR_LAUNCH_FAILED";
      break;
    case CUDA_ERROR_ILLEGAL_ADDRESS:
      *text = "CUDA_ERROR_ILLEGAL_ADDRESS";
      break;
    default:
      *text = "CUDA_ERROR";
  }
  return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult error, const char** text) {
  *text = error == CUDA_ERROR_OUT_OF_MEMORY ? "out of memory" : "what the driver says";
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) {
  *count = fake::kDevices;
  return enter("cuDeviceGetCount");
}
CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  *device = ordinal;
  return ordinal < fake::kDevices ? enter("cuDeviceGet") : CUDA_ERROR_INVALID_DEVICE;
}
CUresult cuDeviceGetName(char* name, int size, CUdevice device) {
  std::strncpy(name, device == 0 ? "a stand-in" : "another", static_cast<std::size_t>(size));
  return enter("cuDeviceGetName");
}
CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice) {
  *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? 9 : 0;
  return enter("cuDeviceGetAttribute");
}
CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  *context = &state().contexts[device];
  ++(*context)->owners;
  return enter("cuDevicePrimaryCtxRetain");
}
CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
  --state().contexts[device].owners;
  return enter("cuDevicePrimaryCtxRelease");
}
CUresult cuCtxSetCurrent(CUcontext context) {
  fake::current() = context;
  return state().lost;
}

CUresult cuStreamCreate(CUstream* stream, unsigned) {
  *stream = new CUstream_st;
  (*stream)->context = fake::current();
  return enter_context("cuStreamCreate");
}
CUresult cuStreamDestroy(CUstream stream) {
  fake::drain(stream, stream->queued);
  delete stream;
  return enter_context("cuStreamDestroy");
}
CUresult cuStreamSynchronize(CUstream stream) {
  const CUresult result = enter_context("cuStreamSynchronize");
  if (result != CUDA_SUCCESS) return result;
  const CUresult captured = fake::not_while_capturing(stream);
  return captured != CUDA_SUCCESS ? captured : fake::drain(stream, stream->queued);
}
CUresult cuStreamQuery(CUstream stream) {
  const CUresult result = enter_context("cuStreamQuery");
  if (result != CUDA_SUCCESS) return result;
  const CUresult captured = fake::not_while_capturing(stream);
  if (captured != CUDA_SUCCESS) return captured;
  return stream->work.empty() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuEventCreate(CUevent* event, unsigned) {
  *event = new CUevent_st;
  return enter_context("cuEventCreate");
}
CUresult cuEventDestroy(CUevent event) {
  delete event;
  return enter_context("cuEventDestroy");
}
CUresult cuEventRecord(CUevent event, CUstream stream) {
  const CUresult result = enter_context("cuEventRecord");
  if (result != CUDA_SUCCESS) return result;
  event->stream = stream;
  event->ticket = stream->queued;
  return fake::not_while_capturing(stream);
}
CUresult cuEventQuery(CUevent event) {
  const CUresult result = enter_context("cuEventQuery");
  if (result != CUDA_SUCCESS || event->stream == nullptr) return result;
  const CUresult captured = fake::not_while_capturing(event->stream);
  if (captured != CUDA_SUCCESS) return captured;
  return event->stream->done < event->ticket ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS;
}
CUresult cuEventSynchronize(CUevent event) {
  const CUresult result = enter_context("cuEventSynchronize");
  if (result != CUDA_SUCCESS || event->stream == nullptr) return result;
  const CUresult captured = fake::not_while_capturing(event->stream);
  return captured != CUDA_SUCCESS ? captured : fake::drain(event->stream, event->ticket);
}

CUresult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode) {
  const CUresult result = enter_context("cuStreamBeginCapture");
  if (result != CUDA_SUCCESS) return result;
  if (stream->capture != nullptr) return CUDA_ERROR_ILLEGAL_STATE;
  stream->capture = new CUgraph_st;
  return CUDA_SUCCESS;
}
CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph) {
  const CUresult result = enter_context("cuStreamEndCapture");
  std::unique_ptr<CUgraph_st> captured(std::exchange(stream->capture, nullptr));
  *graph = nullptr;
  if (result != CUDA_SUCCESS) return result;
  if (!captured) return CUDA_ERROR_ILLEGAL_STATE;
  if (std::exchange(stream->broken, false)) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  *graph = captured.release();
  return CUDA_SUCCESS;
}
CUresult cuGraphInstantiate(CUgraphExec* made, CUgraph graph, unsigned long long) {
  const CUresult result = enter_context("cuGraphInstantiate");
  if (result != CUDA_SUCCESS) return result;
  *made = new CUgraphExec_st{graph->work};
  return CUDA_SUCCESS;
}
CUresult cuGraphLaunch(CUgraphExec graph, CUstream stream) {
  const CUresult result = enter_context("cuGraphLaunch");
  if (result != CUDA_SUCCESS) return result;
  return fake::queue(stream, [work = graph->work] {
    for (const Work& one : work) {
      const CUresult failed = one();
      if (failed != CUDA_SUCCESS) return failed;
    }
    return CUDA_SUCCESS;
  });
}
CUresult cuGraphExecDestroy(CUgraphExec graph) {
  delete graph;
  return enter_context("cuGraphExecDestroy");
}
CUresult cuGraphDestroy(CUgraph graph) {
  delete graph;
  return enter_context("cuGraphDestroy");
}

void fake_reset() {
  fake::State& s = state();
  s.calls.clear();
  s.failures.clear();
  s.lost = CUDA_SUCCESS;
  s.limit = std::size_t{1} << 30U;
}
const char* fake_calls() { return state().calls.c_str(); }
void fake_fail(const char* function, int more, int result, int lost) {
  state().failures.push_back({function, more, static_cast<CUresult>(result), lost != 0});
}
std::size_t fake_memory() { return state().used; }
void fake_memory_limit(std::size_t bytes) { state().limit = bytes; }
std::size_t fake_pinned() {
  std::size_t total = 0;
  for (const auto& [address, bytes] : state().pinned) total += bytes;
  return total;
}
