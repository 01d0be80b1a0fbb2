// SPDX-License-Identifier: Apache-2.0
// Inference: what a trained model gives for rows in memory: its values, their log-densities,
// samples. It has no data set and needs no targets, and compiles each of the three when it is first
// asked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/batch_memory.hpp"
#include "model/chain.hpp"
#include "model/recorder.hpp"
#include "odeum/config.hpp"
#include "odeum/objective.hpp"

namespace odeum::train {

class Inference {
 public:
  /// `root`: the run's configuration. ConfigErrors as from a Pipeline; those about the checkpoint's
  /// arrays come from what compiles first.
  Inference(const Config& root, std::filesystem::path checkpoint, const plugin::Registry& registry);

  const Shape& input_shape() const { return input_; }  ///< of a row
  Shape output_shape() const;                          ///< of a row's value
  DType precision() const { return precision_; }
  std::string why_no_log_density() const;  ///< empty: there is one
  std::string why_no_samples() const;      ///< empty: there are

  /// Of `rows` [n, input_shape], which count as the samples `first`, ... in what evaluation draws.
  /// A call's rows are solved together. SolveFailure where a solve fails; `out` is untouched then.
  template <class Real>
  void values(std::span<const Real> rows, std::int64_t first, std::span<Real> out);
  /// In nats, [n].
  template <class In, class Out>
  void log_density(std::span<const In> rows, std::int64_t first, std::span<Out> out);
  /// Samples `first`, ... of a key, [n, input_shape], at most samples_at_once() of them.
  template <class Real>
  void sample(std::uint64_t key, std::int64_t first, std::span<Real> out);
  std::int64_t samples_at_once() const;

  void compile_values();
  /// The solves of the last call, a failed one included.
  const model::SolveLog& log() const { return *log_; }

 private:
  void compile_log_density();
  void compile_sampling();
  std::unique_ptr<model::BoundProgram> compile(const model::Recorder& recorder, Tensor output,
                                               const std::string& name);
  void load_numbers();
  template <class In, class Out>
  void run(model::BoundProgram& program, DType type, std::uint64_t noise_seed, std::int64_t first,
           std::int64_t count, std::span<const In> rows, std::span<Out> out);

  std::filesystem::path checkpoint_;
  std::uint64_t seed_;
  DType precision_;
  std::shared_ptr<Device> device_;
  std::shared_ptr<const Objective> objective_;  ///< under its `evaluate:` settings
  Shape input_;
  std::shared_ptr<model::SolveLog> log_ = std::make_shared<model::SolveLog>();
  std::vector<std::string> warnings_;
  std::unique_ptr<model::Chain> chain_;
  model::Layout parameters_, buffers_;
  std::int64_t loaded_parameters_ = -1, loaded_buffers_ = -1;  ///< elements of the layouts then
  std::shared_ptr<void> parameter_memory_, buffer_memory_;
  std::unique_ptr<model::BoundProgram> values_, log_density_, sampling_;
  std::vector<std::int64_t> samples_;
  model::BatchMemory memory_;
};

}  // namespace odeum::train
