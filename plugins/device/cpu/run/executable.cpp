// SPDX-License-Identifier: Apache-2.0
#include "run/executable.hpp"

#include <limits>
#include <string>

namespace odeum::cpu {
namespace {

/// Work (about a tenth of a nanosecond each) up to which straight-line code is made.
constexpr double kLittleWork = 2e4;
/// The same where it is asked for: code and its memory grow with the work.
constexpr double kMostWork = 4e6;

}  // namespace

CpuExecutable::CpuExecutable(Program program, CompileOptions options, Schedule schedule,
                             MachineCodeUse machine_code, std::shared_ptr<const Kernels> kernels,
                             std::shared_ptr<Threads> threads)
    : program_(std::move(program)),
      options_(std::move(options)),
      schedule_(schedule),
      machine_code_(machine_code),
      kernels_(std::move(kernels)),
      threads_(std::move(threads)) {
  if (!options_.outputs.empty() && options_.outputs.size() != program_.outputs.size()) {
    bug("device cpu: " + std::to_string(options_.outputs.size()) + " output modes for the " +
        std::to_string(program_.outputs.size()) + " outputs of program '" + options_.name + "'");
  }
  if (is_straight(program_)) {
    if (schedule_ == Schedule::automatic) most_straight_ = kLittleWork;
    if (schedule_ == Schedule::straight) most_straight_ = kMostWork;
  }
  // What cannot be planned is refused now.
  Variant& all = add(std::vector<bool>(program_.outputs.size(), true));
  all.execution = planned(all.wanted);
}

CpuExecutable::Variant& CpuExecutable::add(std::vector<bool> wanted) {
  variants_.emplace_back();
  variants_.back().wanted = std::move(wanted);
  if (most_straight_ > 0) variants_.back().many_rows = std::numeric_limits<std::int64_t>::max();
  return variants_.back();
}

std::unique_ptr<Execution> CpuExecutable::planned(const std::vector<bool>& wanted) const {
  Plan plan = make_plan(program_, options_, wanted, schedule_, *kernels_, machine_code_);
  return std::make_unique<Execution>(std::move(plan), program_.inputs.size(), *kernels_, *threads_);
}

CpuExecutable::Variant& CpuExecutable::variant(std::span<const View> outputs) {
  const auto matches = [&outputs](const Variant& v) {
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (v.wanted[k] != static_cast<bool>(outputs[k])) return false;
    }
    return true;
  };
  if (matches(variants_[last_])) return variants_[last_];
  for (last_ = 0; last_ < variants_.size(); ++last_) {
    if (matches(variants_[last_])) return variants_[last_];
  }
  std::vector<bool> wanted;
  for (const View& output : outputs) wanted.push_back(static_cast<bool>(output));
  return add(std::move(wanted));
}

const StraightLine* CpuExecutable::straight(Variant& variant, std::int64_t rows) const {
  if (rows == 0 || rows >= variant.many_rows) return nullptr;
  const auto i = static_cast<std::size_t>(rows - 1);
  if (i < variant.straight.size() && variant.straight[i]) return variant.straight[i].get();
  if (!variant.work) variant.work = expected_work(program_, options_, variant.wanted);
  if (variant.work->on(rows) > most_straight_) {
    variant.many_rows = rows;
    return nullptr;
  }
  const auto code =
      make_straight(program_, options_, variant.wanted, rows, *kernels_, most_straight_);
  if (!code) {
    variant.many_rows = rows;
    return nullptr;
  }
  if (i >= variant.straight.size()) variant.straight.resize(i + 1);
  variant.straight[i] =
      std::make_unique<const StraightLine>(*code, *kernels_, program_.inputs.size(), machine_code_);
  return variant.straight[i].get();
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
  Variant& chosen = variant(outputs);
  if (const StraightLine* code = straight(chosen, rows)) {
    code->run(inputs, outputs);
    return;
  }
  if (!chosen.execution) chosen.execution = planned(chosen.wanted);
  chosen.execution->run(rows, inputs, outputs);
}

std::size_t CpuExecutable::scratch_bytes(std::int64_t rows) const {
  return variants_.front().execution->scratch_bytes(rows);
}

}  // namespace odeum::cpu
