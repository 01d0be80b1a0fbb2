// SPDX-License-Identifier: Apache-2.0
// Binomial checkpoints take as few steps again as any placement does.
#include "odeum/checkpoints.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace odeum::testing {
namespace {

using Table = std::vector<std::vector<std::int64_t>>;

constexpr std::int64_t kMostSteps = 60, kMostFree = 7;

/// Steps taken again to reverse l steps with s free records, by a search over all placements.
Table fewest() {
  Table cost(kMostSteps + 1, std::vector<std::int64_t>(kMostFree + 1));
  for (std::int64_t l = 2; l <= kMostSteps; ++l) {
    cost[l][0] = l * (l - 1) / 2;
    for (std::int64_t s = 1; s <= kMostFree; ++s) {
      cost[l][s] = cost[l][0];
      for (std::int64_t m = 1; m < l; ++m) {
        cost[l][s] = std::min(cost[l][s], m + cost[l - m][s - 1] + cost[m][s]);
      }
    }
  }
  return cost;
}

std::int64_t taken(std::int64_t l, std::int64_t s) {
  if (l <= 1) return 0;
  if (s == 0) return l * (l - 1) / 2;
  const std::int64_t m = steps_to_checkpoint(l, s);
  EXPECT_GE(m, 1);
  EXPECT_LT(m, l);
  return m + taken(l - m, s - 1) + taken(m, s);
}

TEST(Checkpoints, AreWhereASearchOverAllPlacementsPutsThem) {
  const Table best = fewest();
  for (std::int64_t l = 1; l <= kMostSteps; ++l) {
    for (std::int64_t s = 0; s <= kMostFree; ++s) {
      EXPECT_EQ(taken(l, s), best[l][s]) << l << " steps, " << s << " free records";
    }
  }
}

TEST(Checkpoints, TakeEachStepOnceAgainWhereAllFit) {
  EXPECT_EQ(taken(50, 48), 49);
  EXPECT_EQ(steps_to_checkpoint(2, 1), 1);
}

}  // namespace
}  // namespace odeum::testing
