// SPDX-License-Identifier: Apache-2.0
#include "program/stages.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "program/graph.hpp"
#include "program/primitive.hpp"

namespace odeum::program {
namespace {

bool is_computed_again(Op op) {
  return op == Op::constant || op == Op::iota || op == Op::row_count || op == Op::broadcast ||
         op == Op::reshape;
}

class Cutter {
 public:
  explicit Cutter(const Program& program) : program_(program), stage_(program.nodes.size(), 0) {
    for (std::size_t i = 0; i < program.inputs.size(); ++i) inputs_[program.inputs[i]] = i;
    std::size_t stages = 1;
    for (std::size_t id = 0; id < stage_.size(); ++id) {
      for (const ValueId operand : program.nodes[id].operands) {
        const std::size_t after_host = program[operand].op == Op::host_call ? 1 : 0;
        stage_[id] = std::max(stage_[id], stage_of(operand) + after_host);
      }
      stages = std::max(stages, stage_[id] + 1);
    }
    plan_.stages.resize(stages);
    exported_.resize(stages);
  }

  /// From the last stage to the first: what one needs from those before, they must export.
  Stages cut() {
    for (std::size_t s = plan_.stages.size(); s-- > 0;) {
      for (std::size_t id = 0; id < stage_.size(); ++id) {
        if (program_.nodes[id].op == Op::host_call && stage_[id] == s) {
          plan_.stages[s].host_steps.push_back(host_step(static_cast<ValueId>(id)));
        }
      }
      cut_piece(s);
    }
    return std::move(plan_);
  }

 private:
  std::size_t stage_of(ValueId id) const { return stage_[static_cast<std::size_t>(id)]; }

  bool is_host_result(ValueId id) const {
    return program_[id].op == Op::output && program_[program_[id].operands[0]].op == Op::host_call;
  }

  std::size_t new_crossing(const HostFunction::Value& value) {
    plan_.crossings.push_back(value);
    return plan_.crossings.size() - 1;
  }

  std::size_t crossing(ValueId id) {
    const auto found = crossings_.find(id);
    if (found != crossings_.end()) return found->second;
    const Node& node = program_[id];
    if (!is_host_result(id)) exported_[stage_of(id)].push_back(id);
    return crossings_[id] = new_crossing({node.shape, node.dtype, node.row_class});
  }

  Source source(ValueId id) {
    const auto input = inputs_.find(id);
    return input != inputs_.end() ? Source{false, input->second} : Source{true, crossing(id)};
  }

  HostStep host_step(ValueId call) {
    HostStep step;
    step.function = attribute<HostCallee>(program_[call]).function;
    for (const ValueId operand : program_[call].operands) {
      const Node& node = program_[operand];
      step.arguments.push_back(source(operand));
      step.argument_values.push_back({node.shape, node.dtype, node.row_class});
    }
    const auto values = step.function->outputs();
    step.used.assign(values.size(), false);
    step.results.resize(values.size());
    for (std::size_t id = 0; id < stage_.size(); ++id) {
      const Node& node = program_.nodes[id];
      if (node.op != Op::output || node.operands[0] != call) continue;
      const auto index = static_cast<std::size_t>(attribute<OutputIndex>(node).index);
      step.used[index] = true;
      step.results[index] = crossing(static_cast<ValueId>(id));
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      // A result that nobody reads still needs memory to be written to.
      if (!step.used[i]) step.results[i] = new_crossing(values[i]);
    }
    return step;
  }

  void cut_piece(std::size_t s) {
    Stage& stage = plan_.stages[s];
    std::vector<ValueId> wanted;
    for (std::size_t i = 0; i < program_.outputs.size(); ++i) {
      if (stage_of(program_.outputs[i]) != s) continue;
      stage.program_outputs.push_back(i);
      wanted.push_back(program_.outputs[i]);
    }
    for (const ValueId id : exported_[s]) {
      stage.crossings.push_back(crossings_.at(id));
      wanted.push_back(id);
    }
    std::vector<char> needed(stage_.size(), 0);
    std::vector<char> taken(stage_.size(), 0);
    for (const ValueId id : wanted) needed[static_cast<std::size_t>(id)] = 1;
    for (std::size_t at = stage_.size(); at-- > 0;) {
      if (needed[at] == 0) continue;
      const auto id = static_cast<ValueId>(at);
      const Node& node = program_.nodes[at];
      const bool from_before = stage_[at] != s && !is_computed_again(node.op);
      if (node.op == Op::input || is_host_result(id) || from_before) {
        taken[at] = 1;
        continue;
      }
      for (const ValueId operand : node.operands) needed[static_cast<std::size_t>(operand)] = 1;
    }
    Graph graph(Simplify::thoroughly);
    std::vector<Tensor> values(stage_.size());
    for (std::size_t at = 0; at < stage_.size(); ++at) {
      if (needed[at] == 0) continue;
      Node node = program_.nodes[at];
      if (taken[at] != 0) {
        stage.inputs.push_back(source(static_cast<ValueId>(at)));
        values[at] =
            graph.input("value" + std::to_string(at), node.shape, node.dtype, node.row_class);
        continue;
      }
      for (ValueId& operand : node.operands) {
        operand = values[static_cast<std::size_t>(operand)].id();
      }
      values[at] = graph.emit(std::move(node));
    }
    std::vector<Tensor> outputs;
    outputs.reserve(wanted.size());
    for (const ValueId id : wanted) outputs.push_back(values[static_cast<std::size_t>(id)]);
    stage.piece = graph.program(outputs, {});
  }

  const Program& program_;
  std::vector<std::size_t> stage_;
  std::map<ValueId, std::size_t> inputs_;
  std::map<ValueId, std::size_t> crossings_;
  std::vector<std::vector<ValueId>> exported_;
  Stages plan_;
};

}  // namespace

Stages cut_at_host_calls(const Program& program) { return Cutter(program).cut(); }

}  // namespace odeum::program
