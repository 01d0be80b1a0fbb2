// SPDX-License-Identifier: Apache-2.0
// A dataset of numbers that say which row they are.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "odeum/dataset.hpp"

namespace odeum::train {

/// One column {2}: sample i is (i, key of the stream). `rows` in every split; 0: endless.
class Counting final : public Dataset {
 public:
  explicit Counting(std::int64_t rows) : rows_(rows) {}
  std::vector<Column> columns() const override { return {{"points", {2}}, {"label", {}}}; }
  std::optional<std::int64_t> count(Split) const override {
    return rows_ == 0 ? std::nullopt : std::optional(rows_);
  }
  void read(Split, std::uint64_t key, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const override {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (!out[0].empty()) {
        out[0][2 * i] = static_cast<double>(samples[i]);
        out[0][2 * i + 1] = static_cast<double>(key % 1000);
      }
      if (!out[1].empty()) out[1][i] = 10.0 * static_cast<double>(samples[i]);
    }
  }

 private:
  std::int64_t rows_;
};

}  // namespace odeum::train
