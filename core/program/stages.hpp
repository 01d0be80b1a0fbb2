// SPDX-License-Identifier: Apache-2.0
// A program cut at its host calls, as a plan: what to compute, what to call, what to keep.
//
// A stage is a piece of the program and then the host functions whose arguments are complete after
// it. A value belongs to the first stage in which it can be computed. What a later stage or a host
// function reads of it crosses, in memory of its own; constants, indices, reshapes and broadcasts
// are cheaper to compute again than to keep.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "odeum/program.hpp"

namespace odeum::program {

/// Where an argument comes from: a crossing value, or an input of the whole program.
struct Source {
  bool crossing = false;
  std::size_t index = 0;
};

struct HostStep {
  std::shared_ptr<HostFunction> function;
  std::vector<Source> arguments;
  std::vector<HostFunction::Value> argument_values;
  std::vector<std::size_t> results;  ///< crossing values
  std::vector<bool> used;            ///< results that anyone reads
};

struct Stage {
  Program piece;  ///< no outputs: nothing to compute
  std::vector<Source> inputs;
  std::vector<std::size_t> program_outputs;  ///< the piece's first outputs are these of the program
  std::vector<std::size_t> crossings;        ///< its other outputs
  std::vector<HostStep> host_steps;          ///< afterwards
};

struct Stages {
  std::vector<Stage> stages;
  std::vector<HostFunction::Value> crossings;
};

/// Cuts a program whose calls are inlined.
Stages cut_at_host_calls(const Program& program);

}  // namespace odeum::program
