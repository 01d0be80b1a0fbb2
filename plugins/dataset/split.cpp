// SPDX-License-Identifier: Apache-2.0
#include "split.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include "odeum/random.hpp"

namespace odeum::datasets {
namespace {

std::vector<std::int64_t> ascending(std::int64_t rows) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  return order;
}

std::vector<std::int64_t> permutation(std::int64_t rows, std::int64_t seed) {
  std::vector<std::int64_t> order = ascending(rows);
  RandomStream random(stream_key(static_cast<std::uint64_t>(seed), Purpose::split, 0), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

/// Rounded down; shares of decimals that fall a rounding error short of a whole number count
/// as that number.
std::int64_t share(double fraction, std::int64_t rows) {
  return static_cast<std::int64_t>(std::floor(fraction * static_cast<double>(rows) + 1e-6));
}

}  // namespace

const std::vector<std::int64_t>& SplitRows::of(Split split) const {
  switch (split) {
    case Split::train:
      return train;
    case Split::validation:
      return validation;
    case Split::test:
      return test;
  }
  bug("a split that is none of train, validation, test");
}

Schema split_schema() {
  const SplitRule usual;
  Schema s("Shares of the rows; together 1");
  s.number("train", usual.train, "share of the rows for training [1]").at_least(0).at_most(1);
  s.number("validation", usual.validation, "share for choosing a checkpoint and stopping [1]")
      .at_least(0)
      .at_most(1);
  s.number("test", usual.test, "share for the final figures [1]").at_least(0).at_most(1);
  s.text("rule", "shuffled",
         "shuffled: rows are assigned by a permutation drawn from `seed`; contiguous: training "
         "rows first in the "
         "file, then validation, then test")
      .choices({"shuffled", "contiguous"});
  s.integer("seed", usual.seed, "of the permutation; independent of the run's seed").at_least(0);
  return s;
}

SplitRule split_rule(const Config& split) {
  const SplitRule rule{split.number("train"), split.number("validation"), split.number("test"),
                       split.text("rule") == "shuffled", split.integer("seed")};
  const double total = rule.train + rule.validation + rule.test;
  if (std::abs(total - 1.0) > 1e-9) {
    std::ostringstream message;
    message << "train " << rule.train << ", validation " << rule.validation << " and test "
            << rule.test << " make " << total << "; together they must make 1";
    split.fail("train", message.str());
  }
  return rule;
}

SplitRows split_rows(const SplitRule& rule, std::int64_t rows) {
  const std::vector<std::int64_t> order =
      rule.shuffled ? permutation(rows, rule.seed) : ascending(rows);
  const std::int64_t validation = share(rule.validation, rows);
  const std::int64_t test = share(rule.test, rows);
  const auto first_validation = order.begin() + (rows - validation - test);
  const auto first_test = order.begin() + (rows - test);
  SplitRows result{
      {order.begin(), first_validation}, {first_validation, first_test}, {first_test, order.end()}};
  for (auto* part : {&result.train, &result.validation, &result.test})
    std::sort(part->begin(), part->end());
  return result;
}

}  // namespace odeum::datasets
