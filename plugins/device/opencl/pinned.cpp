// SPDX-License-Identifier: Apache-2.0
#include "pinned.hpp"

#include <string>

#include "error.hpp"
#include "machine.hpp"

namespace odeum::opencl {

Pinned::Pinned(const Queues& queues, std::size_t bytes, cl_map_flags flags)
    : mapping_(queues.mapping), bytes_(bytes) {
  cl_int code = CL_SUCCESS;
  memory_ = clCreateBuffer(queues.context.get(), CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, bytes,
                           nullptr, &code);
  if (code != CL_SUCCESS)
    fail("no memory on the host for a transfer of " + std::to_string(bytes) + " bytes", code);
  address_ = static_cast<std::byte*>(clEnqueueMapBuffer(mapping_.get(), memory_, CL_TRUE, flags, 0,
                                                        bytes, 0, nullptr, nullptr, &code));
  if (code != CL_SUCCESS) {
    clReleaseMemObject(memory_);
    fail("mapping memory for transfers", code);
  }
}

Pinned::~Pinned() {
  clEnqueueUnmapMemObject(mapping_.get(), memory_, address_, 0, nullptr, nullptr);
  clReleaseMemObject(memory_);
  clFinish(mapping_.get());
}

bool has_ended(cl_event event) {
  cl_int status = CL_QUEUED;
  check(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr),
        "asking for a transfer");
  return status <= CL_COMPLETE;
}

void await(cl_event event, kernelgen::Counts& counts, const char* what) {
  if (!has_ended(event)) ++counts.synchronizations;
  check(clWaitForEvents(1, &event), what);
}

namespace {

class PinnedReadback final : public Readback {
 public:
  PinnedReadback(const Queues& queues, kernelgen::Counts& counts, std::size_t bytes)
      : queue_(queues.work), counts_(counts), memory_(queues, bytes, CL_MAP_READ) {}
  ~PinnedReadback() override {
    cl_event event = last_.get();
    if (event != nullptr) clWaitForEvents(1, &event);
  }
  PinnedReadback(const PinnedReadback&) = delete;
  PinnedReadback& operator=(const PinnedReadback&) = delete;

  void read(std::size_t at, View from, std::size_t bytes) override {
    if (bytes == 0) return;
    ++counts_.downloads;
    cl_event event = nullptr;
    check(clEnqueueReadBuffer(queue_.get(), static_cast<const Buffer*>(from.base)->memory, CL_FALSE,
                              from.offset, bytes, memory_.address() + at, 0, nullptr, &event),
          "reading from the device");
    last_.reset(event, clReleaseEvent);
    // Nobody may wait for anything until the next step is queued: the device shall begin at once.
    check(clFlush(queue_.get()), "reading from the device");
  }

  /// The queue is in order: with the last one all are done.
  const std::byte* wait() override {
    if (last_) await(last_.get(), counts_, "reading from the device");
    last_.reset();
    return memory_.address();
  }

 private:
  std::shared_ptr<_cl_command_queue> queue_;
  kernelgen::Counts& counts_;
  Pinned memory_;
  std::shared_ptr<_cl_event> last_;
};

}  // namespace

std::unique_ptr<Readback> make_readback(const Queues& queues, kernelgen::Counts& counts,
                                        std::size_t bytes) {
  return std::make_unique<PinnedReadback>(queues, counts, bytes);
}

}  // namespace odeum::opencl
