// SPDX-License-Identifier: Apache-2.0
// What a Pipeline is made of; for its own sources.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/batch_memory.hpp"
#include "model/chain.hpp"
#include "model/ode_solve.hpp"
#include "model/pipeline.hpp"
#include "model/recorder.hpp"
#include "odeum/random.hpp"

namespace odeum::model {

/// A compiled program and what its outputs mean.
struct Compiled {
  std::unique_ptr<BoundProgram> program;
  std::vector<std::string> metrics;
  std::vector<std::string> costs;
  std::vector<Schedule> weights;
  std::vector<int> gradients;  ///< parameter indices of the outputs behind metrics and costs
  std::vector<int> next;       ///< buffer indices of the outputs behind those
};

struct Pipeline::Parts {
  Config root;
  std::uint64_t seed = 0;
  DType precision = DType::f32;
  std::shared_ptr<Device> device;
  std::shared_ptr<const Dataset> dataset;
  std::shared_ptr<const Objective> objective;
  std::shared_ptr<const Objective> evaluation_objective;  ///< under its `evaluate:` settings
  std::vector<Column> columns;
  std::map<std::string, int> roles;  ///< to column
  int main_column = 0;
  std::shared_ptr<SolveLog> log = std::make_shared<SolveLog>();
  std::unique_ptr<Chain> chain;
  Layout parameters;
  Layout buffers;
  Compiled training;
  Compiled evaluation;
  std::unique_ptr<BoundProgram> sampling;
  BatchMemory memory;
  std::shared_ptr<void> next_buffers;  ///< what a training step makes of the buffers
  std::vector<std::string> warnings;

  Parts(const Config& config, const plugin::Registry& registry);
  /// A ConfigError where the chain lacks what the objective uses, or the other way round.
  void require_what_is_needed() const;
  void bind_roles();
  Objective::Losses record_losses(const Objective& of, Recorder& recorder, Use use,
                                  RecordedModel& model);
  void compile_training();
  void compile_evaluation();
  void compile_sampling();
  std::unique_ptr<BoundProgram> compile(const Recorder& recorder, std::span<const Tensor> outputs,
                                        std::vector<std::string> names, const std::string& name);
  Sources sources(const Batch& batch, Purpose purpose, std::int64_t step, View parameter_values,
                  View buffer_values);
};

}  // namespace odeum::model
