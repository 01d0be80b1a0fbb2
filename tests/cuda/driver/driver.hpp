// SPDX-License-Identifier: Apache-2.0
// A stand-in for the CUDA driver that runs on the host, for tests on machines without a card. The
// stand-ins for the toolkit's libraries queue their work in it.
//
// It is as strict as the real one where mistakes hide, or stricter: queued work runs when someone
// waits for it and not before, memory that was freed is overwritten, pinned memory is read when the
// copy runs, a lost device stays lost, a stream takes only what its own device's context asks for,
// and a stream that is being captured takes nothing that cannot be in a graph.
#pragma once

#include <cuda.h>

#include <cstddef>
#include <functional>

namespace fake {

/// Queues work in a stream, or adds it to the graph that the stream is captured into.
CUresult queue(CUstream stream, std::function<CUresult()> work);

/// Is all of this in live device memory?
bool lives(CUdeviceptr begin, std::size_t bytes);
inline bool lives(const void* begin, std::size_t bytes) {
  return lives(reinterpret_cast<CUdeviceptr>(begin), bytes);
}

/// Notes the call and says whether it may go on: the injected error, or the one that a lost device
/// answers everything with.
CUresult enter(const char* function);

}  // namespace fake

// What tests see of it.
extern "C" {
/// Forgets all calls, injected errors and losses; memory stays.
void fake_reset();
/// The calls since then, one a line.
const char* fake_calls();
/// The call of `function` after `more` others of it fails with `result`; `lost`: and every call
/// after it does.
void fake_fail(const char* function, int more, int result, int lost);
/// Bytes of device memory allocated now, and the most that there can be.
std::size_t fake_memory();
void fake_memory_limit(std::size_t bytes);
/// Bytes of pinned host memory allocated now.
std::size_t fake_pinned();
}
