// SPDX-License-Identifier: Apache-2.0
#include "event.hpp"

namespace odeum::cuda {

Event::Event(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {
  stream_->enter();
  check(driver().api.event_create(&event_, CU_EVENT_DISABLE_TIMING), "cuEventCreate");
}

Event::~Event() {
  stream_->try_enter();
  driver().api.event_destroy(event_);
}

void Event::record() {
  check(driver().api.event_record(event_, stream_->handle()), "cuEventRecord");
}

void Event::wait(kernelgen::Counts& counts, const char* what) const {
  stream_->enter();
  const CUresult state = driver().api.event_query(event_);
  if (state == CUDA_SUCCESS) return;
  if (state != CUDA_ERROR_NOT_READY) fail(what, state);
  ++counts.synchronizations;
  check(driver().api.event_synchronize(event_), what);
}

}  // namespace odeum::cuda
