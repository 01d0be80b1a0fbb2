// SPDX-License-Identifier: Apache-2.0
// The `train:` section, with what it leaves open filled in from the data.
#pragma once

#include <cstdint>

#include "odeum/config.hpp"
#include "odeum/dataset.hpp"

namespace odeum::train {

struct Settings {
  std::int64_t steps = 0;
  std::int64_t read_ahead = 0;
  std::int64_t log_every = 10;
  std::int64_t evaluate_every = 0;
  std::int64_t evaluate_samples = 0;
  std::int64_t evaluate_batch = 0;
  std::int64_t test_samples = 0;
  std::int64_t checkpoint_every = 0;
  std::int64_t keep = 0;
  std::int64_t patience = 0;
  double min_delta = 0.0;

  /// A ConfigError where the section and the data do not fit: neither `steps` nor
  /// `epochs`, epochs of endless data, a validation without validation rows, no test rows.
  Settings(const Config& root, const Dataset& dataset);
};

}  // namespace odeum::train
