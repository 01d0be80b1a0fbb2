// SPDX-License-Identifier: Apache-2.0
// A device for tests that runs programs through the reference interpreter.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>

#include "odeum/device.hpp"
#include "program/interpreter.hpp"

namespace odeum::testing {

class InterpreterExecutable final : public Executable {
 public:
  InterpreterExecutable(Program program, CompileOptions options)
      : program_(std::move(program)), options_(std::move(options)) {}

  void run(std::int64_t rows, std::span<const View> inputs,
           std::span<const View> outputs) override {
    std::vector<program::Array> arrays;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Node& node = program_[program_.inputs[i]];
      arrays.push_back(read(node, rows, inputs[i]));
    }
    const std::vector<program::Array> results = program::interpret(program_, rows, arrays);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i]) continue;
      const bool add = !options_.outputs.empty() && options_.outputs[i] == OutputMode::accumulate;
      write(results[i], outputs[i], add);
    }
  }
  std::size_t scratch_bytes(std::int64_t) const override { return 0; }

 private:
  static program::Array read(const Node& node, std::int64_t rows, View view) {
    program::Array array = program::Array::zeros(node.dtype, program::bind(node.shape, rows));
    const auto count = static_cast<std::size_t>(array.size());
    for (std::size_t i = 0; i < count; ++i) {
      if (node.dtype == DType::f32) array.values[i] = view.host<float>()[i];
      if (node.dtype == DType::f64) array.values[i] = view.host<double>()[i];
      if (node.dtype == DType::i64) array.integers[i] = view.host<std::int64_t>()[i];
    }
    return array;
  }
  static void write(const program::Array& array, View view, bool add) {
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

  Program program_;
  CompileOptions options_;
};

class InterpreterDevice final : public Device {
 public:
  std::string probe() const override { return ""; }
  bool host_addressable() const override { return true; }
  std::shared_ptr<void> allocate(std::size_t bytes) override {
    ++allocations;
    const std::size_t rounded = (bytes + 63) / 64 * 64;
    return {std::aligned_alloc(64, rounded), std::free};
  }
  void upload(View to, const void* from, std::size_t bytes) override {
    std::memcpy(to.host<char>(), from, bytes);
  }
  void download(void* to, View from, std::size_t bytes) override {
    std::memcpy(to, from.host<char>(), bytes);
  }
  void copy(View to, View from, std::size_t bytes) override {
    std::memcpy(to.host<char>(), from.host<char>(), bytes);
  }
  void fill_zero(View to, std::size_t bytes) override { std::memset(to.host<char>(), 0, bytes); }
  std::unique_ptr<Executable> compile(const Program& program,
                                      const CompileOptions& options) override {
    return std::make_unique<InterpreterExecutable>(program, options);
  }
  void synchronize() override {}

  int allocations = 0;
};

}  // namespace odeum::testing
