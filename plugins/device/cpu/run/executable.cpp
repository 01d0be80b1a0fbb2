// SPDX-License-Identifier: Apache-2.0
#include "run/executable.hpp"

#include <string>

namespace odeum::cpu {

CpuExecutable::CpuExecutable(Program program, CompileOptions options, Schedule schedule,
                             const Kernels& kernels, std::shared_ptr<Threads> threads)
    : program_(std::move(program)),
      options_(std::move(options)),
      schedule_(schedule),
      kernels_(kernels),
      threads_(std::move(threads)) {
  if (!options_.outputs.empty() && options_.outputs.size() != program_.outputs.size()) {
    bug("device cpu: " + std::to_string(options_.outputs.size()) + " output modes for the " +
        std::to_string(program_.outputs.size()) + " outputs of program '" + options_.name + "'");
  }
  add(std::vector<bool>(program_.outputs.size(), true));
}

Execution& CpuExecutable::add(std::vector<bool> wanted) {
  Plan plan = make_plan(program_, options_, wanted, schedule_, kernels_);
  auto execution =
      std::make_unique<Execution>(std::move(plan), program_.inputs.size(), kernels_, *threads_);
  variants_.push_back({std::move(wanted), std::move(execution)});
  return *variants_.back().execution;
}

Execution& CpuExecutable::variant(std::span<const View> outputs) {
  const auto matches = [&outputs](const Variant& v) {
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (v.wanted[k] != static_cast<bool>(outputs[k])) return false;
    }
    return true;
  };
  if (matches(variants_[last_])) return *variants_[last_].execution;
  for (last_ = 0; last_ < variants_.size(); ++last_) {
    if (matches(variants_[last_])) return *variants_[last_].execution;
  }
  std::vector<bool> wanted;
  for (const View& output : outputs) wanted.push_back(static_cast<bool>(output));
  return add(std::move(wanted));
}

void CpuExecutable::run(std::int64_t rows, std::span<const View> inputs,
                        std::span<const View> outputs) {
  if (rows < 0 || inputs.size() != program_.inputs.size() ||
      outputs.size() != program_.outputs.size()) {
    bug("device cpu: program '" + options_.name + "' takes " +
        std::to_string(program_.inputs.size()) + " inputs and " +
        std::to_string(program_.outputs.size()) + " outputs; given are " +
        std::to_string(inputs.size()) + " and " + std::to_string(outputs.size()) + ", with " +
        std::to_string(rows) + " rows");
  }
  variant(outputs).run(rows, inputs, outputs);
}

std::size_t CpuExecutable::scratch_bytes(std::int64_t rows) const {
  return variants_.front().execution->scratch_bytes(rows);
}

}  // namespace odeum::cpu
