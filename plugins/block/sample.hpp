// SPDX-License-Identifier: Apache-2.0
// What the preprocessing blocks have in common: the shape of one sample, and the choice whether
// the block's log-determinant counts.
//
// A density is of data in some unit. With `log_determinant: count` a block is an honest change of
// variables and likelihoods are of what goes into it; with `ignore` its result is declared to be
// the data, and likelihoods are of that, as published tables of standardised data sets have them.
// Log-determinants are float64, [rows].
#pragma once

#include <string>
#include <vector>

#include "odeum/block.hpp"

namespace odeum::blocks {

/// Extents behind rows.
inline Shape sample_shape(Tensor x) {
  const std::vector<std::int64_t>& extents = x.shape().extents();
  return Shape(std::vector<std::int64_t>(extents.begin() + 1, extents.end()));
}

/// The key that `counts_log_determinant` reads.
inline Schema& declare_log_determinant(Schema& schema, const std::string& counted,
                                       const std::string& ignored) {
  return schema.text("log_determinant", "count", "count: " + counted + "; ignore: " + ignored)
      .choices({"count", "ignore"});
}

inline bool counts_log_determinant(const Config& config) {
  return config.text("log_determinant") == "count";
}

}  // namespace odeum::blocks
