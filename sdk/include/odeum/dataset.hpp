// SPDX-License-Identifier: Apache-2.0
// Dataset: named columns, by sample. A sample is a function of (split, index) alone, so batches
// can be made on any thread, in any order, and again after a resume.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "odeum/plugin.hpp"

namespace odeum::inline v1 {

enum class Split : std::uint8_t { train, validation, test };

struct Column {
  std::string name;                 ///< "points", or as the file's header says
  std::vector<std::int64_t> shape;  ///< of one sample; {2} for points in the plane, {} for a scalar
};

class Dataset {
 public:
  virtual ~Dataset();

  virtual std::vector<Column> columns() const = 0;
  /// The column that an objective uses where the configuration has no `bind:`.
  virtual std::string main_column() const { return columns().front().name; }

  /// Samples of a split; nullopt for a generator without end (fresh samples for every index).
  virtual std::optional<std::int64_t> count(Split split) const = 0;

  /// Writes the given samples: out[c] is row-major [samples, shape of column c], in columns()
  /// order; an empty span means that the column is not wanted. `key` is the run's stream for this
  /// split (random.hpp): generators draw sample i from RandomStream(key, i), so do jitters. Samples
  /// past the end of a finite split start over: i is row i mod count, with noise of its own.
  /// Thread-safe.
  virtual void read(Split split, std::uint64_t key, std::span<const std::int64_t> samples,
                    std::span<const std::span<double>> out) const = 0;

  /// Differential entropy of the main column in nats, where it is known: no test NLL can be lower.
  virtual std::optional<double> entropy() const { return std::nullopt; }
};

}  // namespace odeum::inline v1
