// SPDX-License-Identifier: Apache-2.0
// TrainedModel: the pipeline of a finished run with its learned numbers, ready for evaluation and
// sampling.
#pragma once

#include <filesystem>
#include <memory>

#include "model/pipeline.hpp"
#include "odeum/config.hpp"

namespace odeum::plugin {
class Registry;
}

namespace odeum::train {

class TrainedModel {
 public:
  /// `root`: the run's configuration, possibly with other data. ConfigErrors as from Pipeline and
  /// from reading the checkpoint.
  TrainedModel(const Config& root, const std::filesystem::path& checkpoint,
               plugin::Registry& registry);

  model::Pipeline& pipeline() { return pipeline_; }
  View parameters() const { return {parameters_.get(), 0}; }
  View buffers() const { return {buffers_.get(), 0}; }
  std::int64_t step() const { return step_; }  ///< that the checkpoint was made at

 private:
  model::Pipeline pipeline_;
  std::shared_ptr<void> parameters_;
  std::shared_ptr<void> buffers_;
  std::int64_t step_ = 0;
};

}  // namespace odeum::train
