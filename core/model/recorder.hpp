// SPDX-License-Identifier: Apache-2.0
// Recorder: a program in the making whose inputs know where their values come from; and
// BoundProgram: the compiled result, run by giving it those sources.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/declarations.hpp"
#include "model/scope.hpp"
#include "odeum/device.hpp"
#include "odeum/program.hpp"
#include "program/staged.hpp"

namespace odeum::model {

/// Where an input of an outer program comes from.
struct Binding {
  enum class Source : std::uint8_t {
    parameter,
    buffer,
    column,
    noise_key,
    sample_index,
    scalar,
    draw
  };
  Source source = Source::parameter;
  int index = 0;           ///< of the parameter, buffer, column or scalar
  std::uint64_t name = 0;  ///< of a noise or a draw: name_key
};

class Recorder {
 public:
  /// New parameters and buffers are appended to the layouts.
  Recorder(Layout& parameters, Layout& buffers, DType precision);

  Tensor parameter(const std::string& name, const Shape& shape, Initializer initializer);
  Tensor buffer(const std::string& name, const Shape& shape, double initial);
  /// Random numbers of the pipeline's type, keyed by the name, the run's seed and the step.
  Tensor noise(const std::string& name, const Shape& shape, Distribution distribution);
  /// One random number for the whole batch, uniform in (0, 1), float64 [1], keyed as noise.
  Tensor draw(const std::string& name);
  Tensor column(int index, const Shape& shape);
  /// A number given at each run, float64 [1].
  Tensor scalar(int index);

  /// A scope that prefixes names with "prefix." and binds to this recorder. `inputs`: what
  /// Scope::input hands out, by name.
  NamedScope scope(const std::string& prefix, Mode mode, std::map<std::string, Tensor> inputs = {});
  /// What a buffer is behind the program; the last one counts.
  void set_next(const std::string& buffer, Tensor next) { next_[buffer] = next; }
  /// By index in the buffers' layout: those that were set, or observed by blocks.
  std::vector<std::pair<int, Tensor>> next_buffers() const;
  DType precision() const { return precision_; }
  const Recording& recording() const { return recording_; }
  const std::vector<Binding>& bindings() const { return bindings_; }
  /// A value of the recording, float of the pipeline's type.
  Tensor anchor();

  /// The recorded parameters by their index in the layout; an empty Tensor: not used.
  std::vector<Tensor> used_parameters() const;
  /// The same with their names, the used ones only.
  std::vector<std::pair<std::string, Tensor>> named_parameters() const;

 private:
  Tensor bind(Binding binding, const std::string& name, const Shape& shape, DType type);

  void observe(const std::string& prefix, const Observation& seen);

  Layout& parameters_;
  Layout& buffers_;
  std::map<std::string, Tensor> next_;  ///< by the buffer's full name
  DType precision_;
  Recording recording_;
  std::vector<Binding> bindings_;
  std::vector<Tensor> inputs_;
};

/// The sources of one run.
struct Sources {
  std::int64_t rows = 0;
  View parameters;
  View buffers;
  std::vector<View> columns;  ///< in the pipeline's type
  View sample_index;          ///< int64 [rows]
  std::uint64_t noise_seed = 0;
  std::int64_t step = 0;
  std::vector<double> scalars;
};

class BoundProgram {
 public:
  BoundProgram(const Recorder& recorder, const Program& program, const std::string& name,
               std::shared_ptr<Device> device, const Layout& parameters, const Layout& buffers);
  ~BoundProgram();

  void run(const Sources& sources, std::span<const View> outputs);
  const Program& program() const { return program_; }
  std::size_t scratch_bytes(std::int64_t rows) const;

 private:
  Program program_;
  std::vector<Binding> bindings_;
  std::vector<std::size_t> offsets_;  ///< bytes into the flat buffer, by binding
  std::shared_ptr<Device> device_;
  std::unique_ptr<program::Staged> staged_;
  std::shared_ptr<void> small_;  ///< keys and scalars, 16 bytes a binding
  std::vector<View> views_;
};

}  // namespace odeum::model
