// SPDX-License-Identifier: Apache-2.0
// A chain of blocks alone, without data and objective, forward and back.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/chain.hpp"
#include "model/recorder.hpp"
#include "pipeline_of.hpp"

namespace odeum::model_tests {

/// A model's chain, recorded and run with initial parameters and given buffers.
class RecordedChain {
 public:
  explicit RecordedChain(const std::string& yaml, const std::vector<std::string>& sets = {})
      : config_(configuration(yaml, sets)),
        device_(plugin::registry().create<Device>(config_.component("device"))) {}

  std::unique_ptr<model::Chain> chain(const Shape& input) {
    return std::make_unique<model::Chain>(config_.components("model"), input, DType::f64,
                                          plugin::registry(), device_, log_, warnings_);
  }

  using Body = std::function<std::vector<Tensor>(model::Recorder&, Tensor x)>;
  /// Outputs, float64, one after another, for the rows in x.
  std::vector<Values> run(const Body& body, const Shape& shape, const Values& x) {
    model::Recorder recorder(parameters_, buffers_, DType::f64);
    const std::vector<Tensor> outputs = body(recorder, recorder.column(0, shape));
    const Program program = recorder.recording().program(outputs);
    model::BoundProgram bound(recorder, program, "test", device_, parameters_, buffers_);

    const std::int64_t width = shape.elements_per_row();
    const model::Batch batch = rows_of(x, width);
    model::BatchMemory memory(DType::f64);
    memory.use(device_);
    memory.load(batch);
    const auto theta = model::upload_flat(
        *device_, parameters.empty() ? model::initial_values(parameters_, 4) : parameters,
        static_cast<std::size_t>(parameters_.size), DType::f64);
    Values kept = model::initial_values(buffers_, 4);
    for (const auto& [name, values] : fitted) model::store(buffers_, name, values, kept);
    const auto state =
        model::upload_flat(*device_, kept, static_cast<std::size_t>(buffers_.size), DType::f64);
    std::vector<std::shared_ptr<void>> places;
    std::vector<View> views;
    for (const Tensor& output : outputs) {
      const auto count = static_cast<std::size_t>(output.shape().elements(batch.rows));
      places.push_back(device_->allocate(count * sizeof(double)));
      views.push_back({places.back().get(), 0});
    }
    model::Sources sources;
    sources.rows = batch.rows;
    sources.parameters = {theta.get(), 0};
    sources.buffers = {state.get(), 0};
    sources.columns = memory.columns();
    sources.sample_index = memory.sample_index();
    sources.noise_seed = 9;
    bound.run(sources, views);
    std::vector<Values> results;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      results.emplace_back();
      model::append_flat(*device_, views[i],
                         static_cast<std::size_t>(outputs[i].shape().elements(batch.rows)),
                         DType::f64, results.back());
    }
    return results;
  }

  std::map<std::string, Values> fitted;
  Values parameters;  ///< empty: initial ones

 private:
  Config config_;
  std::shared_ptr<Device> device_;
  std::shared_ptr<model::SolveLog> log_ = std::make_shared<model::SolveLog>();
  std::vector<std::string> warnings_;
  model::Layout parameters_;
  model::Layout buffers_;
};

}  // namespace odeum::model_tests
