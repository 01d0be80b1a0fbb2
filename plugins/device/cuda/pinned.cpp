// SPDX-License-Identifier: Apache-2.0
#include "pinned.hpp"

#include "event.hpp"

namespace odeum::cuda {

Pinned::Pinned(std::shared_ptr<Stream> stream, std::size_t bytes) : stream_(std::move(stream)) {
  stream_->enter();
  check(driver().api.allocate_host(&memory_, bytes, 0), "pinned memory of the host");
}

Pinned::~Pinned() {
  stream_->try_enter();
  driver().api.release_host(memory_);
}

namespace {

class PinnedReadback final : public Readback {
 public:
  PinnedReadback(const std::shared_ptr<Stream>& stream, kernelgen::Counts& counts,
                 std::size_t bytes)
      : stream_(stream), counts_(counts), memory_(stream, bytes), last_(stream) {}
  ~PinnedReadback() override {
    if (under_way_) stream_->wait();
  }
  PinnedReadback(const PinnedReadback&) = delete;
  PinnedReadback& operator=(const PinnedReadback&) = delete;

  void read(std::size_t at, View from, std::size_t bytes) override {
    if (bytes == 0) return;
    ++counts_.downloads;
    stream_->enter();
    under_way_ = true;
    const CUdeviceptr place = reinterpret_cast<CUdeviceptr>(from.base) + from.offset;
    check(driver().api.to_host(memory_.address() + at, place, bytes, stream_->handle()),
          "reading from the device");
    last_.record();
  }

  const std::byte* wait() override {
    last_.wait(counts_, "reading from the device");
    under_way_ = false;
    return memory_.address();
  }

 private:
  std::shared_ptr<Stream> stream_;
  kernelgen::Counts& counts_;
  Pinned memory_;
  Event last_;
  bool under_way_ = false;
};

}  // namespace

std::unique_ptr<Readback> make_readback(const std::shared_ptr<Stream>& stream,
                                        kernelgen::Counts& counts, std::size_t bytes) {
  return std::make_unique<PinnedReadback>(stream, counts, bytes);
}

}  // namespace odeum::cuda
