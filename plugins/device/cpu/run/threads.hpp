// SPDX-License-Identifier: Apache-2.0
// The device's threads: workers of one oneTBB arena that linger a while for the next piece of work.
// A training step hands out work a thousand times a second, and waking a thread takes longer than
// some of it.
#pragma once

#include <cstdint>
#include <memory>

namespace odeum::cpu {

class Threads {
 public:
  /// 0: as many as the processor has cores.
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const { return count_; }

  /// body(i, worker) for i in [0, n); `worker` < count() is the thread's own number during the
  /// call. What a body throws is thrown here, once all have stopped. Where another call is under
  /// way already, the calling thread does all of it.
  template <class Body>
  void each(std::int64_t n, const Body& body) {
    if (n <= 1 || count_ == 1) {
      for (std::int64_t i = 0; i < n; ++i) body(i, 0);
      return;
    }
    run({n,
         [](const void* b, std::int64_t i, int worker) {
           (*static_cast<const Body*>(b))(i, worker);
         },
         &body});
  }

 private:
  struct Work {
    std::int64_t pieces = 0;
    void (*call)(const void* body, std::int64_t piece, int worker) = nullptr;
    const void* body = nullptr;
  };
  class Crew;

  void run(const Work& work);

  int count_;
  std::unique_ptr<Crew> crew_;
};

}  // namespace odeum::cpu
