// SPDX-License-Identifier: Apache-2.0
// What the stand-in driver holds.
#pragma once

#include <cuda.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

using Work = std::function<CUresult()>;

struct CUgraph_st {
  std::vector<Work> work;
};
struct CUgraphExec_st {
  std::vector<Work> work;
};
struct CUevent_st {
  CUstream stream = nullptr;
  std::size_t ticket = 0;  ///< work of the stream up to here
};
struct CUstream_st {
  CUcontext context = nullptr;
  std::deque<Work> work;
  std::size_t queued = 0, done = 0;  ///< counted from the stream's beginning
  CUgraph capture = nullptr;
  bool broken = false;  ///< the capture was invalidated
};
struct CUctx_st {
  int owners = 0;
};
struct CUmemPoolHandle_st {
  cuuint64_t threshold = 0;
};

namespace fake {

struct Failure {
  std::string function;
  int more = 0;
  CUresult result = CUDA_SUCCESS;
  bool lost = false;
};

constexpr int kDevices = 2;

struct State {
  bool started = false;
  CUresult lost = CUDA_SUCCESS;
  std::vector<Failure> failures;
  std::string calls;
  CUctx_st contexts[kDevices];
  CUmemPoolHandle_st pool;
  std::map<std::size_t, std::size_t> memory, pinned;  ///< bytes by address
  std::size_t used = 0;
  std::size_t limit = std::size_t{1} << 30U;
};

State& state();
CUcontext& current();
/// As `enter`, for calls that need a current context.
CUresult enter_context(const char* function);
/// Runs what is queued, up to a ticket.
CUresult drain(CUstream stream, std::size_t ticket);
/// What cannot be captured: the capture is lost, as with the real driver.
CUresult not_while_capturing(CUstream stream);

}  // namespace fake
