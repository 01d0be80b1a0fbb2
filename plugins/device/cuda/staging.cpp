// SPDX-License-Identifier: Apache-2.0
#include "staging.hpp"

#include <algorithm>
#include <cstring>

namespace odeum::cuda {
namespace {

/// A batch of a few thousand small images; larger ones go through in pieces.
constexpr std::size_t kHalf = std::size_t{4} << 20U;
/// Losses, norms, the decisions of steps. What is larger is read where it is wanted.
constexpr std::size_t kResults = std::size_t{64} << 10U;
constexpr std::size_t kAlignment = 64;

}  // namespace

Staging::Staging(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {
  const Driver& api = driver().api;
  for (Half& half : halves_) {
    check(api.allocate_host(&half.memory, kHalf, 0), "pinned memory of the host");
    check(api.event_create(&half.read, CU_EVENT_DISABLE_TIMING), "cuEventCreate");
  }
  check(api.allocate_host(&results_, kResults, 0), "pinned memory of the host");
}

Staging::~Staging() {
  const Driver& api = driver().api;
  stream_->wait();
  for (Half& half : halves_) {
    if (half.read != nullptr) api.event_destroy(half.read);
    if (half.memory != nullptr) api.release_host(half.memory);
  }
  if (results_ != nullptr) api.release_host(results_);
}

/// Goes on with the other half, once the device has read it.
void Staging::turn() {
  const Driver& api = driver().api;
  check(api.event_record(halves_[now_].read, stream_->handle()), "cuEventRecord");
  now_ = 1 - now_;
  check(api.event_synchronize(halves_[now_].read), "writing to the device");
  halves_[now_].used = 0;
}

void Staging::upload(CUdeviceptr to, const void* from, std::size_t bytes) {
  const auto* next = static_cast<const std::byte*>(from);
  while (bytes > 0) {
    if (halves_[now_].used == kHalf) turn();
    Half& half = halves_[now_];
    const std::size_t piece = std::min(bytes, kHalf - half.used);
    void* place = static_cast<std::byte*>(half.memory) + half.used;
    std::memcpy(place, next, piece);
    check(driver().api.to_device(to, place, piece, stream_->handle()), "writing to the device");
    half.used = std::min(kHalf, (half.used + piece + kAlignment - 1) / kAlignment * kAlignment);
    next += piece;
    to += piece;
    bytes -= piece;
  }
}

void Staging::download(void* to, CUdeviceptr from, std::size_t bytes) {
  const bool small = bytes <= kResults;
  check(driver().api.to_host(small ? results_ : to, from, bytes, stream_->handle()),
        "reading from the device");
  check(stream_->wait(), "reading from the device");
  if (small) std::memcpy(to, results_, bytes);
}

}  // namespace odeum::cuda
