// SPDX-License-Identifier: Apache-2.0
// Predictor: what a trained model gives for rows of data, at the end of its blocks. The objective
// has no part in it, so rows need no targets.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/batch_memory.hpp"
#include "model/chain.hpp"
#include "model/recorder.hpp"
#include "odeum/config.hpp"
#include "odeum/dataset.hpp"

namespace odeum::train {

class Predictor {
 public:
  /// `root`: the run's configuration, with the rows as its data. ConfigErrors as from a Pipeline
  /// and from reading the checkpoint; one at `data` where rows are not shaped as those of training.
  Predictor(const Config& root, const std::filesystem::path& checkpoint,
            const plugin::Registry& registry);

  std::int64_t rows() const;                      ///< of the data
  std::int64_t elements() const;                  ///< of a row's value
  DType precision() const { return precision_; }  ///< of the model
  /// The values of all rows, [rows, elements()], `batch` rows at a time. A RunError where a solve
  /// fails.
  std::vector<double> values(std::int64_t batch);

 private:
  std::vector<double> values_of(const model::Batch& rows);

  std::uint64_t seed_;
  DType precision_;
  std::shared_ptr<Device> device_;
  std::shared_ptr<const Dataset> dataset_;
  std::vector<bool> wanted_;  ///< by column: the model's input
  std::shared_ptr<model::SolveLog> log_ = std::make_shared<model::SolveLog>();
  std::vector<std::string> warnings_;
  std::unique_ptr<model::Chain> chain_;
  model::Layout parameters_, buffers_;
  std::unique_ptr<model::BoundProgram> program_;
  std::shared_ptr<void> parameter_memory_, buffer_memory_;
  model::BatchMemory memory_;
};

}  // namespace odeum::train
