// SPDX-License-Identifier: Apache-2.0
#include "odeum/reference.hpp"

#include <vector>

#include "program/interpreter.hpp"

namespace odeum::inline v1 {
namespace {

using program::Array;

Array read(const Node& node, std::int64_t rows, View view) {
  Array array = Array::zeros(node.dtype, program::bind(node.shape, rows));
  const auto count = static_cast<std::size_t>(array.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (node.dtype == DType::f32) array.values[i] = view.host<float>()[i];
    if (node.dtype == DType::f64) array.values[i] = view.host<double>()[i];
    if (node.dtype == DType::i64) array.integers[i] = view.host<std::int64_t>()[i];
  }
  return array;
}

void write(const Array& array, View view, OutputMode mode) {
  const bool add = mode == OutputMode::accumulate;
  for (std::size_t i = 0; i < static_cast<std::size_t>(array.size()); ++i) {
    if (array.dtype == DType::i64) {
      view.host<std::int64_t>()[i] = array.integers[i];
    } else if (array.dtype == DType::f64) {
      double& to = view.host<double>()[i];
      to = array.values[i] + (add ? to : 0.0);
    } else {
      float& to = view.host<float>()[i];
      to = static_cast<float>(array.values[i] + (add ? to : 0.0F));
    }
  }
}

class ReferenceExecutable final : public Executable {
 public:
  ReferenceExecutable(Program program, CompileOptions options)
      : program_(std::move(program)), options_(std::move(options)) {}

  void run(std::int64_t rows, std::span<const View> inputs,
           std::span<const View> outputs) override {
    std::vector<Array> arrays;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      arrays.push_back(read(program_[program_.inputs[i]], rows, inputs[i]));
    }
    const std::vector<Array> results = program::interpret(program_, rows, arrays);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i]) continue;
      write(results[i], outputs[i],
            options_.outputs.empty() ? OutputMode::overwrite : options_.outputs[i]);
    }
  }
  std::size_t scratch_bytes(std::int64_t) const override { return 0; }

 private:
  Program program_;
  CompileOptions options_;
};

}  // namespace

std::unique_ptr<Executable> compile_for_reference(const Program& program,
                                                  const CompileOptions& options) {
  return std::make_unique<ReferenceExecutable>(program, options);
}

}  // namespace odeum::inline v1
