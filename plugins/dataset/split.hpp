// SPDX-License-Identifier: Apache-2.0
// Which rows of a file belong to training, validation and test: by a rule, so that the same file
// and the same keys give the same rows anywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "odeum/dataset.hpp"

namespace odeum::datasets {

/// Row numbers, ascending in each split; no row is in two of them.
struct SplitRows {
  std::vector<std::int64_t> train;
  std::vector<std::int64_t> validation;
  std::vector<std::int64_t> test;

  const std::vector<std::int64_t>& of(Split split) const;
};

struct SplitRule {
  double train = 0.8;  ///< shares of the rows, together 1
  double validation = 0.1;
  double test = 0.1;
  bool shuffled = true;
  std::int64_t seed = 0;
};

/// Schema of a section `split`.
Schema split_schema();
/// The rule that such a section gives. ConfigError where the shares do not make 1.
SplitRule split_rule(const Config& split);

/// All of the rows 0 .. rows - 1, divided. Validation and test get their shares rounded down,
/// training the rest. Contiguous: training rows first, then validation, then test. Shuffled: the
/// same parts of a permutation drawn from the seed.
SplitRows split_rows(const SplitRule& rule, std::int64_t rows);

}  // namespace odeum::datasets
