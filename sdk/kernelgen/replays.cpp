// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/replays.hpp"

#include <algorithm>

namespace odeum::kernelgen {
namespace {

std::uint64_t hash_of(std::int64_t rows, std::span<const View> views) {
  std::uint64_t value = 14695981039346656037ULL;  // FNV-1a, by words
  const auto take = [&value](std::uint64_t word) { value = (value ^ word) * 1099511628211ULL; };
  take(static_cast<std::uint64_t>(rows));
  for (const View& view : views) {
    take(reinterpret_cast<std::uintptr_t>(view.base));
    take(view.offset);
  }
  return value;
}

bool same(std::span<const View> a, std::span<const View> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const View& x, const View& y) {
    return x.base == y.base && x.offset == y.offset;
  });
}

std::unique_ptr<Recorded> recorded(Machine& machine, const std::function<void()>& queue) {
  const std::int64_t launched = machine.counts().launches;
  std::unique_ptr<Recorded> result = machine.record(queue);
  machine.counts().launches = launched;
  return result;
}

}  // namespace

void Replays::run(Machine& machine, std::int64_t rows, std::span<const View> views,
                  const std::function<void()>& first, const std::function<void()>& queue) {
  const std::uint64_t hash = hash_of(rows, views);
  for (Known& known : known_) {
    if (known.hash != hash || known.rows != rows || !same(known.views, views)) continue;
    if (!known.recorded) known.recorded = recorded(machine, queue);
    ++machine.counts().replays;
    return known.recorded->replay();
  }
  first();
  Known seen{hash, rows, {views.begin(), views.end()}, nullptr};
  if (known_.size() < most_) {
    known_.push_back(std::move(seen));
  } else {
    known_[oldest_] = std::move(seen);
    oldest_ = (oldest_ + 1) % most_;
  }
}

}  // namespace odeum::kernelgen
