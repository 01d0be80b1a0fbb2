// SPDX-License-Identifier: Apache-2.0
#include "verify/resources.hpp"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <limits>

namespace odeum::verify {
namespace {

constexpr int kWarm = 8;
constexpr int kUses = 24;
// Bytes a use: half the smallest block of the allocator, so one block lost by each use is too much.
constexpr double kSlack = 16.0;
// Of a file or a thread: one that stays for all uses together is a cache.
constexpr double kShare = 0.5;
// What the allocator's caches take up ends after some rounds of uses; what is lost goes on in each.
constexpr int kRounds = 20;

// Seconds: hundreds of longer uses would not fit into the suite's time.
constexpr double kSlow = 0.05;

struct Held {
  std::ptrdiff_t files = 0;
  std::ptrdiff_t threads = 0;
  double bytes = 0.0;
};

std::ptrdiff_t entries(const char* folder) {
  return std::distance(std::filesystem::directory_iterator(folder),
                       std::filesystem::directory_iterator());
}

Held held() {
  const struct ::mallinfo2 heap = ::mallinfo2();
  return {entries("/proc/self/fd"), entries("/proc/self/task"),
          static_cast<double>(heap.uordblks) + static_cast<double>(heap.hblkhd)};
}

/// Growth by each use.
struct Growth {
  double files = 0.0;
  double threads = 0.0;
  double bytes = 0.0;

  bool is_none() const { return files < kShare && threads < kShare && bytes < kSlack; }
};

Growth growth_over(const std::function<void()>& use) {
  const Held before = held();
  for (int i = 0; i < kUses; ++i) use();
  const Held after = held();
  return {static_cast<double>(after.files - before.files) / kUses,
          static_cast<double>(after.threads - before.threads) / kUses,
          (after.bytes - before.bytes) / kUses};
}

/// Seconds of the quickest of the first uses; zero where one fails, which the check then tells.
double quickest_use(const std::function<void()>& use) {
  using Clock = std::chrono::steady_clock;
  double quickest = std::numeric_limits<double>::infinity();
  try {
    for (int i = 0; i < kWarm; ++i) {
      const Clock::time_point begin = Clock::now();
      use();
      quickest = std::min(quickest, std::chrono::duration<double>(Clock::now() - begin).count());
      if (i == 1 && quickest > kSlow) break;
    }
  } catch (...) {
    return 0.0;
  }
  return quickest;
}

}  // namespace

void check_resources(Checks& checks, const std::function<void()>& use) {
  const char* statement = "holds no more after many uses than after a few";
  const double seconds = quickest_use(use);
  if (seconds > kSlow) {
    checks.left_out(statement, "one use takes " + shown(seconds) + " s");
    return;
  }
  checks.that(statement, [&] {
    Growth growth = growth_over(use);
    for (int round = 1; round < kRounds && !growth.is_none(); ++round) growth = growth_over(use);
    require(growth.files < kShare, "every use leaves " + shown(growth.files) + " files open");
    require(growth.threads < kShare, "every use leaves " + shown(growth.threads) + " threads");
    require(growth.bytes < kSlack, "every use leaves " + shown(growth.bytes) + " bytes of memory");
    return shown(std::max(0.0, growth.bytes)) + " bytes a use";
  });
}

}  // namespace odeum::verify
