// SPDX-License-Identifier: Apache-2.0
#include "program/interpreter.hpp"

#include <string>
#include <unordered_map>
#include <utility>

#include "program/primitive.hpp"
#include "program/structure.hpp"

namespace odeum::program {
namespace {

/// Host memory in an array's own type, as host functions want it.
class HostMemory {
 public:
  explicit HostMemory(const Array& array) : dtype_(array.dtype) {
    if (dtype_ == DType::f32) singles_.assign(array.values.begin(), array.values.end());
    if (dtype_ == DType::f64) doubles_ = array.values;
    if (dtype_ == DType::i64) integers_ = array.integers;
  }

  void* data() {
    switch (dtype_) {
      case DType::f32:
        return singles_.data();
      case DType::f64:
        return doubles_.data();
      case DType::i64:
        return integers_.data();
    }
    return nullptr;
  }

  void copy_to(Array& array) const {
    if (dtype_ == DType::f32) array.values.assign(singles_.begin(), singles_.end());
    if (dtype_ == DType::f64) array.values = doubles_;
    if (dtype_ == DType::i64) array.integers = integers_;
  }

 private:
  DType dtype_;
  std::vector<float> singles_;
  std::vector<double> doubles_;
  std::vector<std::int64_t> integers_;
};

std::vector<Array> run_host_function(HostFunction& function, std::int64_t rows,
                                     std::span<const Array* const> arguments) {
  std::vector<HostMemory> inputs;
  std::vector<HostMemory> outputs;
  std::vector<Array> results;
  for (const Array* argument : arguments) inputs.emplace_back(*argument);
  for (const auto& value : function.outputs()) {
    results.push_back(Array::zeros(value.dtype, bind(value.shape, rows)));
    outputs.emplace_back(results.back());
  }
  std::vector<const void*> from;
  std::vector<void*> to;
  from.reserve(inputs.size());
  to.reserve(outputs.size());
  for (HostMemory& memory : inputs) from.push_back(memory.data());
  for (HostMemory& memory : outputs) to.push_back(memory.data());
  function.run(rows, from, to);
  for (std::size_t i = 0; i < results.size(); ++i) outputs[i].copy_to(results[i]);
  return results;
}

void check_input(const Program& program, std::size_t i, std::int64_t rows, const Array& given) {
  const Node& node = program[program.inputs[i]];
  const auto elements = given.dtype == DType::i64 ? given.integers.size() : given.values.size();
  if (given.dtype != node.dtype || given.extents != bind(node.shape, rows) ||
      static_cast<std::int64_t>(elements) != given.size()) {
    refuse("interpret", "input " + program.input_names[i] + " is not " + name(node.dtype) + " " +
                            node.shape.text() + " with " + std::to_string(rows) + " rows");
  }
}

/// After which node each value is not needed any more.
std::vector<std::size_t> last_uses(const Program& program) {
  std::vector<std::size_t> last(program.nodes.size(), 0);
  for (std::size_t id = 0; id < program.nodes.size(); ++id) {
    for (const ValueId operand : program.nodes[id].operands) {
      last[static_cast<std::size_t>(operand)] = id;
    }
  }
  for (const ValueId id : program.outputs) last[static_cast<std::size_t>(id)] = last.size();
  return last;
}

}  // namespace

Array evaluate(const Node& node, std::int64_t rows, std::span<const Array* const> operands) {
  Array result = Array::zeros(node.dtype, bind(node.shape, rows));
  if (node.op == Op::row_count) {
    return Array::of(node.dtype, result.extents, {static_cast<double>(rows)});
  }
  primitive(node.op).evaluate({node, operands, result});
  return result;
}

std::vector<Array> interpret(const Program& program, std::int64_t rows,
                             std::span<const Array> inputs) {
  if (inputs.size() != program.inputs.size()) {
    refuse("interpret", std::to_string(inputs.size()) + " inputs for a program with " +
                            std::to_string(program.inputs.size()));
  }
  std::vector<Array> values(program.nodes.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check_input(program, i, rows, inputs[i]);
    values[static_cast<std::size_t>(program.inputs[i])] = inputs[i];
  }
  const std::vector<std::size_t> last = last_uses(program);
  std::unordered_map<ValueId, std::vector<Array>> calls;
  std::vector<const Array*> operands;
  for (std::size_t id = 0; id < program.nodes.size(); ++id) {
    const Node& node = program.nodes[id];
    operands.clear();
    for (const ValueId operand : node.operands) {
      operands.push_back(&values[static_cast<std::size_t>(operand)]);
    }
    if (node.op == Op::call) {
      std::vector<Array> arguments;
      arguments.reserve(operands.size());
      for (const Array* operand : operands) arguments.push_back(*operand);
      calls[static_cast<ValueId>(id)] =
          interpret(*attribute<Callee>(node).program, rows, arguments);
    } else if (node.op == Op::host_call) {
      calls[static_cast<ValueId>(id)] =
          run_host_function(*attribute<HostCallee>(node).function, rows, operands);
    } else if (node.op == Op::output) {
      const auto index = static_cast<std::size_t>(attribute<OutputIndex>(node).index);
      values[id] = calls.at(node.operands[0])[index];
    } else if (node.op != Op::input) {
      values[id] = evaluate(node, rows, operands);
    }
    for (const ValueId operand : node.operands) {
      if (last[static_cast<std::size_t>(operand)] > id) continue;
      values[static_cast<std::size_t>(operand)] = Array();
      calls.erase(operand);
    }
  }
  std::vector<Array> outputs;
  for (const ValueId id : program.outputs) outputs.push_back(values[static_cast<std::size_t>(id)]);
  return outputs;
}

}  // namespace odeum::program
