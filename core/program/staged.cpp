// SPDX-License-Identifier: Apache-2.0
#include "program/staged.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace odeum::program {
namespace {

std::size_t bytes_of(const HostFunction::Value& value, std::int64_t rows) {
  return static_cast<std::size_t>(value.shape.elements(rows)) * size_of(value.dtype);
}

/// Options of one piece: the program's own output modes first, crossing values overwrite.
CompileOptions options_of(const Stage& stage, const CompileOptions& whole,
                          const std::string& which) {
  CompileOptions options;
  options.name = whole.name + which;
  for (const std::size_t i : stage.program_outputs) {
    options.outputs.push_back(whole.outputs.empty() ? OutputMode::overwrite : whole.outputs[i]);
  }
  options.outputs.resize(stage.piece.outputs.size(), OutputMode::overwrite);
  return options;
}

}  // namespace

Staged::Staged(const Program& program, Device& device, const CompileOptions& options)
    : device_(device) {
  const Program whole = optimize(program, Calls::inlined);
  const bool calls_host = std::any_of(whole.nodes.begin(), whole.nodes.end(),
                                      [](const Node& node) { return node.op == Op::host_call; });
  if (!calls_host) {
    pieces_.emplace_back();
    pieces_.back().executable = device.compile(whole, options);
    return;
  }
  Stages plan = cut_at_host_calls(whole);
  crossings_ = std::move(plan.crossings);
  memory_.resize(crossings_.size());
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    const std::string which =
        " (piece " + std::to_string(s + 1) + " of " + std::to_string(plan.stages.size()) + ")";
    Piece piece;
    piece.stage = std::move(plan.stages[s]);
    if (!piece.stage.piece.outputs.empty()) {
      piece.executable = device.compile(piece.stage.piece, options_of(piece.stage, options, which));
    }
    pieces_.push_back(std::move(piece));
  }
}

Staged::~Staged() = default;

void Staged::run(std::int64_t rows, std::span<const View> inputs, std::span<const View> outputs) {
  if (pieces_.size() == 1) {
    pieces_.front().executable->run(rows, inputs, outputs);
    return;
  }
  reserve(rows);
  for (const Piece& piece : pieces_) {
    if (piece.executable) {
      from_.clear();
      to_.clear();
      for (const Source& source : piece.stage.inputs) from_.push_back(view(source, inputs));
      for (const std::size_t i : piece.stage.program_outputs) to_.push_back(outputs[i]);
      for (const std::size_t i : piece.stage.crossings) to_.push_back({memory_[i].device.get(), 0});
      piece.executable->run(rows, from_, to_);
    }
    for (const HostStep& step : piece.stage.host_steps) run_host(step, rows, inputs);
  }
}

void Staged::reserve(std::int64_t rows) {
  for (std::size_t i = 0; i < memory_.size(); ++i) {
    const std::size_t bytes = std::max<std::size_t>(bytes_of(crossings_[i], rows), 1);
    if (bytes <= memory_[i].capacity) continue;
    memory_[i].device = device_.allocate(bytes);
    memory_[i].capacity = bytes;
  }
}

View Staged::view(const Source& source, std::span<const View> inputs) const {
  return source.crossing ? View{memory_[source.index].device.get(), 0} : inputs[source.index];
}

void Staged::gather_views(const HostStep& step, std::span<const View> inputs) {
  from_.clear();
  to_.clear();
  for (const Source& argument : step.arguments) from_.push_back(view(argument, inputs));
  for (const std::size_t i : step.results) to_.push_back({memory_[i].device.get(), 0});
}

void Staged::run_host(const HostStep& step, std::int64_t rows, std::span<const View> inputs) {
  gather_views(step, inputs);
  if (step.function->on_device()) {
    for (std::size_t i = 0; i < to_.size(); ++i) {
      if (!step.used[i]) to_[i] = View{};
    }
    step.function->run_on_device(rows, from_, to_);
    return;
  }
  if (!device_.host_addressable()) {
    run_with_copies(step, rows);
    return;
  }
  device_.synchronize();
  host_from_.clear();
  host_to_.clear();
  for (const View& from : from_) host_from_.push_back(from.host<std::byte>());
  for (const View& to : to_) host_to_.push_back(to.host<std::byte>());
  step.function->run(rows, host_from_, host_to_);
}

void Staged::run_with_copies(const HostStep& step, std::int64_t rows) {
  host_from_.clear();
  host_to_.clear();
  arguments_.resize(std::max(arguments_.size(), step.arguments.size()));
  for (std::size_t i = 0; i < step.arguments.size(); ++i) {
    const std::size_t bytes = bytes_of(step.argument_values[i], rows);
    if (arguments_[i].size() < bytes + 1) arguments_[i].resize(bytes + 1);
    device_.download(arguments_[i].data(), from_[i], bytes);
    host_from_.push_back(arguments_[i].data());
  }
  for (const std::size_t i : step.results) {
    memory_[i].host.resize(memory_[i].capacity);
    host_to_.push_back(memory_[i].host.data());
  }
  step.function->run(rows, host_from_, host_to_);
  for (std::size_t i = 0; i < step.results.size(); ++i) {
    if (!step.used[i]) continue;
    const std::size_t result = step.results[i];
    device_.upload(to_[i], memory_[result].host.data(), bytes_of(crossings_[result], rows));
  }
}

std::size_t Staged::scratch_bytes(std::int64_t rows) const {
  std::size_t bytes = 0;
  for (const HostFunction::Value& crossing : crossings_) bytes += bytes_of(crossing, rows);
  for (const Piece& piece : pieces_) {
    if (piece.executable) bytes += piece.executable->scratch_bytes(rows);
  }
  return bytes;
}

}  // namespace odeum::program
