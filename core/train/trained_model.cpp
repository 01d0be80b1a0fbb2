// SPDX-License-Identifier: Apache-2.0
#include "train/trained_model.hpp"

#include "model/batch_memory.hpp"
#include "plugin/registry.hpp"
#include "train/checkpoint.hpp"

namespace odeum::train {

TrainedModel::TrainedModel(const Config& root, const std::filesystem::path& checkpoint,
                           plugin::Registry& registry)
    : pipeline_(root, registry) {
  const Checkpoint loaded =
      load(checkpoint, pipeline_.parameters(), pipeline_.buffers(), pipeline_.precision());
  const auto upload = [&](const std::vector<double>& values) {
    return model::upload_flat(pipeline_.device(), values, values.size(), pipeline_.precision());
  };
  parameters_ = upload(loaded.parameters);
  buffers_ = upload(loaded.buffers);
  step_ = loaded.progress.step;
}

}  // namespace odeum::train
