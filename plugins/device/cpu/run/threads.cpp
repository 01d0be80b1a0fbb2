// SPDX-License-Identifier: Apache-2.0
#include "run/threads.hpp"

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace odeum::cpu {
namespace {

/// How long a thread waits for more before it goes back to the arena: longer than the pauses
/// between the phases of a training step, too short to be noticed by other processes.
constexpr std::chrono::microseconds kLinger{200};
constexpr int kLooksBetweenClocks = 32;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

/// Turns of a loop that waits for another thread, which may have to get a core first.
class Patience {
 public:
  void turn() {
    if (++turns_ < kBeforeYield) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }

 private:
  static constexpr int kBeforeYield = 1000;
  int turns_ = 0;
};

}  // namespace

/// One piece of work at a time. It is open while `state_` is odd; who takes part counts as
/// `inside_` and looks again whether it is still open, so that nobody is inside once it was closed
/// and `inside_` was seen at 0.
class Threads::Crew {
 public:
  explicit Crew(int count) : places_(static_cast<std::size_t>(count)), shared_(count) {
    // More threads than cores only where asked for; the smallest of such limits holds in a process.
    if (count > tbb::info::default_concurrency()) {
      allowed_.emplace(tbb::global_control::max_allowed_parallelism, places_);
    }
    arena_.emplace(count);
  }
  /// Waits for every thread that was called, those too that have not come yet.
  ~Crew() {
    shared_.over.store(true);
    Patience patience;
    while (shared_.called.load() != 0) patience.turn();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void run(const Work& work) {
    const std::unique_lock<std::mutex> alone(one_at_a_time_, std::try_to_lock);
    if (!alone.owns_lock()) {
      for (std::int64_t i = 0; i < work.pieces; ++i) work.call(work.body, i, 0);
      return;
    }
    Shared& s = shared_;
    s.work = work;
    s.next.store(0, std::memory_order_relaxed);
    s.state.fetch_add(1);
    call_for_help(work.pieces);
    s.take_pieces(0);
    s.state.fetch_add(1);
    Patience patience;
    while (s.inside.load() != 0) patience.turn();
    if (s.thrown) std::rethrow_exception(std::exchange(s.thrown, nullptr));
  }

 private:
  /// What the caller and the lingering threads see.
  struct Shared {
    explicit Shared(int count) : seats(static_cast<std::size_t>(count)) {}

    Work work;
    alignas(64) std::atomic<std::uint64_t> state{0};
    alignas(64) std::atomic<std::int64_t> next{0};
    alignas(64) std::atomic<int> inside{0};
    alignas(64) std::atomic<int> called{0};  ///< who lingers or is about to
    std::atomic<bool> over{false};
    std::vector<std::atomic<bool>> seats;  ///< of the workers' numbers: taken?
    std::mutex guard;
    std::exception_ptr thrown;

    void take_pieces(int worker) {
      try {
        for (std::int64_t i = next.fetch_add(1); i < work.pieces; i = next.fetch_add(1))
          work.call(work.body, i, worker);
      } catch (...) {
        const std::lock_guard lock(guard);
        if (!thrown) thrown = std::current_exception();
        next.store(work.pieces);
      }
    }

    void linger() {
      using Clock = std::chrono::steady_clock;
      // The number 0 is the caller's.
      std::size_t seat = 1;
      while (seat < seats.size() && seats[seat].exchange(true)) ++seat;
      std::uint64_t served = 0;
      auto until = Clock::now() + kLinger;
      for (int looks = 0; seat < seats.size() && !over.load(); ++looks) {
        const std::uint64_t now = state.load();
        if ((now & 1U) == 0 || now == served) {
          if (looks % kLooksBetweenClocks == 0 && Clock::now() > until) break;
          pause();
          continue;
        }
        inside.fetch_add(1);
        if (state.load() == now) {
          take_pieces(static_cast<int>(seat));
          served = now;
        }
        inside.fetch_sub(1);
        until = Clock::now() + kLinger;
      }
      if (seat < seats.size()) seats[seat].store(false);
      called.fetch_sub(1);  // The last that this thread touches: the crew may be gone now.
    }
  };

  void call_for_help(std::int64_t pieces) {
    const int wanted = static_cast<int>(std::min(static_cast<std::int64_t>(places_), pieces)) - 1;
    for (int there = shared_.called.load(); there < wanted; ++there) {
      arena_->enqueue([shared = &shared_] { shared->linger(); });
      shared_.called.fetch_add(1);
    }
  }

  std::size_t places_;
  Shared shared_;
  std::optional<tbb::global_control> allowed_;
  std::optional<tbb::task_arena> arena_;
  std::mutex one_at_a_time_;
};

Threads::Threads(int count)
    : count_(count == 0 ? tbb::info::default_concurrency() : count),
      crew_(std::make_unique<Crew>(count_)) {}

Threads::~Threads() = default;

void Threads::run(const Work& work) { crew_->run(work); }

}  // namespace odeum::cpu
