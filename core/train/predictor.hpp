// SPDX-License-Identifier: Apache-2.0
// Predictor: what a trained model gives for rows of a data set, at the end of its blocks. The
// objective has no part in it, so rows need no targets.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "odeum/config.hpp"
#include "odeum/dataset.hpp"
#include "train/inference.hpp"

namespace odeum::train {

class Predictor {
 public:
  /// `root`: the run's configuration, with the rows as its data. ConfigErrors as from a Pipeline
  /// and from reading the checkpoint; one at `data` where rows are not shaped as those of training.
  Predictor(const Config& root, const std::filesystem::path& checkpoint,
            const plugin::Registry& registry);

  std::int64_t rows() const;                                  ///< of the data
  std::int64_t elements() const;                              ///< of a row's value
  DType precision() const { return inference_.precision(); }  ///< of the model
  /// The values of all rows, [rows, elements()], `batch` rows at a time. A RunError where a solve
  /// fails.
  std::vector<double> values(std::int64_t batch);

 private:
  std::uint64_t seed_;
  std::shared_ptr<const Dataset> dataset_;
  std::size_t input_;  ///< position of the model's column
  Inference inference_;
};

}  // namespace odeum::train
