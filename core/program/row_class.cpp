// SPDX-License-Identifier: Apache-2.0
#include "program/row_class.hpp"

#include <algorithm>

#include "program/primitive.hpp"

namespace odeum::program {
namespace {

RowClass output_class(const Node& call, int index, std::span<const RowClass> arguments) {
  const auto position = static_cast<std::size_t>(index);
  if (call.op == Op::host_call) {
    const bool mixed = std::any_of(arguments.begin(), arguments.end(), [](RowClass c) {
      return c == RowClass::row_sum || c == RowClass::coupled;
    });
    const auto outputs = attribute<HostCallee>(call).function->outputs();
    return mixed ? RowClass::coupled : outputs[position].row_class;
  }
  const Program& program = *attribute<Callee>(call).program;
  bool as_recorded = true;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    as_recorded = as_recorded && program[program.inputs[i]].row_class == arguments[i];
  }
  const ValueId output = program.outputs[position];
  if (as_recorded) return program[output].row_class;
  return infer_row_classes(program, arguments)[static_cast<std::size_t>(output)];
}

/// Whether the result adds up over shards when the operands of class row_sum do.
bool keeps_row_sum(const Node& node, std::span<const Node* const> operands,
                   std::span<const RowClass> classes) {
  const auto sums = std::count(classes.begin(), classes.end(), RowClass::row_sum);
  const auto sum_or_zero = [&](std::size_t k) {
    return classes[k] == RowClass::row_sum || is_zero(*operands[k]);
  };
  switch (primitive(node.op).linearity) {
    case Linearity::nonlinear:
      return false;
    case Linearity::first:
      return sums == 1 && classes[0] == RowClass::row_sum;
    case Linearity::second:
      return sums == 1 && classes[1] == RowClass::row_sum;
    case Linearity::each:
      return sums == 1;
    case Linearity::together:
      for (std::size_t k = 0; k < classes.size(); ++k) {
        if (!sum_or_zero(k)) return false;
      }
      return true;
    case Linearity::branches:
      return classes[0] == RowClass::none && sum_or_zero(1) && sum_or_zero(2);
  }
  return false;
}

}  // namespace

RowClass infer_row_class(const Node& node, std::span<const Node* const> operands,
                         std::span<const RowClass> classes) {
  switch (node.op) {
    case Op::input:
    case Op::call:
    case Op::host_call:
      return node.row_class;
    case Op::output:
      return output_class(*operands[0], attribute<OutputIndex>(node).index, classes);
    case Op::iota:
      if (attribute<Axis>(node).axis == 0 && node.shape.has_rows()) return RowClass::coupled;
      break;
    default:
      break;
  }
  bool coupled = false;
  bool sums = false;
  bool rows = false;
  for (std::size_t k = 0; k < classes.size(); ++k) {
    coupled = coupled || classes[k] == RowClass::coupled;
    sums = sums || classes[k] == RowClass::row_sum;
    rows = rows || operands[k]->shape.has_rows();
  }
  if (coupled) return RowClass::coupled;
  if (rows && !node.shape.has_rows()) {
    const bool adds =
        node.op == Op::sum || node.op == Op::dot || node.op == Op::conv_weight_gradient;
    return adds && !sums ? RowClass::row_sum : RowClass::coupled;
  }
  if (!sums) return node.shape.has_rows() ? RowClass::per_row : RowClass::none;
  if (node.shape.has_rows()) return RowClass::coupled;
  return keeps_row_sum(node, operands, classes) ? RowClass::row_sum : RowClass::coupled;
}

std::vector<RowClass> infer_row_classes(const Program& program, std::span<const RowClass> inputs) {
  std::vector<RowClass> result(program.nodes.size(), RowClass::none);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result[static_cast<std::size_t>(program.inputs[i])] = inputs[i];
  }
  std::vector<const Node*> operands;
  std::vector<RowClass> classes;
  for (std::size_t id = 0; id < program.nodes.size(); ++id) {
    const Node& node = program.nodes[id];
    if (node.op == Op::input) continue;
    operands.clear();
    classes.clear();
    for (const ValueId operand : node.operands) operands.push_back(&program[operand]);
    const Node& arguments_of = node.op == Op::output ? *operands[0] : node;
    for (const ValueId operand : arguments_of.operands) {
      classes.push_back(result[static_cast<std::size_t>(operand)]);
    }
    result[id] = infer_row_class(node, operands, classes);
  }
  return result;
}

}  // namespace odeum::program
