// SPDX-License-Identifier: Apache-2.0
// The device's threads: one oneTBB arena.
#pragma once

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace odeum::cpu {

class Threads {
 public:
  /// 0: as many as the processor has cores.
  explicit Threads(int count)
      : count_(count == 0 ? tbb::info::default_concurrency() : count), arena_(count_) {
    // More threads than cores only where asked for; the smallest of such limits holds in a process.
    if (count_ > tbb::info::default_concurrency()) {
      allowed_.emplace(tbb::global_control::max_allowed_parallelism,
                       static_cast<std::size_t>(count_));
    }
  }

  int count() const { return count_; }

  /// body(i, worker) for i in [0, n); `worker` < count() is the thread's own number during the
  /// call.
  template <class Body>
  void each(std::int64_t n, const Body& body) {
    if (n <= 1 || count_ == 1) {
      for (std::int64_t i = 0; i < n; ++i) body(i, 0);
      return;
    }
    // oneTBB hands work over without being instrumented; the two counters say so to whoever checks
    // for races, at the price of an atomic operation a piece.
    handed_out_.fetch_add(1, std::memory_order_release);
    arena_.execute([&] {
      tbb::parallel_for(
          tbb::blocked_range<std::int64_t>(0, n, 1),
          [&](const tbb::blocked_range<std::int64_t>& range) {
            (void)handed_out_.load(std::memory_order_acquire);
            const int worker = tbb::this_task_arena::current_thread_index();
            for (std::int64_t i = range.begin(); i < range.end(); ++i) body(i, worker);
            handed_back_.fetch_add(1, std::memory_order_release);
          },
          tbb::simple_partitioner());
    });
    (void)handed_back_.load(std::memory_order_acquire);
  }

 private:
  int count_;
  std::optional<tbb::global_control> allowed_;
  tbb::task_arena arena_;
  std::atomic<std::uint64_t> handed_out_{0}, handed_back_{0};
};

}  // namespace odeum::cpu
