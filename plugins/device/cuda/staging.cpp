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

Staging::Half::Half(const std::shared_ptr<Stream>& stream) : memory(stream, kHalf), read(stream) {}

Staging::Staging(const std::shared_ptr<Stream>& stream, kernelgen::Counts& counts)
    : stream_(stream),
      counts_(counts),
      halves_{Half(stream), Half(stream)},
      results_(stream, kResults) {}

Staging::~Staging() { stream_->wait(); }

/// Goes on with the other half, once the device has read it.
void Staging::turn() {
  halves_[now_].read.record();
  now_ = 1 - now_;
  halves_[now_].read.wait(counts_, "writing to the device");
  halves_[now_].used = 0;
}

void Staging::upload(CUdeviceptr to, const void* from, std::size_t bytes) {
  const auto* next = static_cast<const std::byte*>(from);
  while (bytes > 0) {
    if (halves_[now_].used == kHalf) turn();
    Half& half = halves_[now_];
    const std::size_t piece = std::min(bytes, kHalf - half.used);
    void* place = half.memory.address() + half.used;
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
  check(driver().api.to_host(small ? results_.address() : to, from, bytes, stream_->handle()),
        "reading from the device");
  check(stream_->wait(), "reading from the device");
  if (small) std::memcpy(to, results_.address(), bytes);
}

}  // namespace odeum::cuda
