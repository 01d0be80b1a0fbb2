// SPDX-License-Identifier: Apache-2.0
// Transforms of whole programs, each recorded into a thorough graph of its own.
#include "program/program_transforms.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "program/derivatives.hpp"
#include "program/primitive.hpp"
#include "program/structure.hpp"

namespace odeum {
namespace program {
namespace {

void check_positions(const char* operation, const Program& program,
                     const std::vector<int>& positions) {
  for (const int position : positions) {
    if (position < 0 || position >= static_cast<int>(program.inputs.size())) {
      refuse(operation, "no input " + std::to_string(position) + " in a program of " +
                            std::to_string(program.inputs.size()));
    }
  }
}

std::vector<Tensor> chosen(std::span<const Tensor> values, const std::vector<int>& positions) {
  std::vector<Tensor> result;
  result.reserve(positions.size());
  for (const int position : positions) result.push_back(values[static_cast<std::size_t>(position)]);
  return result;
}

/// The class of the cotangent of a value: what pairs with it to a sum over rows.
RowClass dual(RowClass row_class) {
  switch (row_class) {
    case RowClass::none:
      return RowClass::row_sum;
    case RowClass::row_sum:
      return RowClass::none;
    default:
      return row_class;
  }
}

Tensor cotangent_input(Graph& graph, const Program& program, std::size_t output) {
  const Node& node = program[program.outputs[output]];
  return graph.input("cotangent_" + program.output_names[output], node.shape, node.dtype,
                     dual(node.row_class));
}

std::vector<std::string> names_of(const Program& program, const char* prefix,
                                  const std::vector<int>& inputs) {
  std::vector<std::string> names;
  names.reserve(inputs.size());
  for (const int input : inputs) {
    names.push_back(prefix + program.input_names[static_cast<std::size_t>(input)]);
  }
  return names;
}

bool is_source(Op op) { return op == Op::constant || op == Op::iota || op == Op::row_count; }

/// Does every element of a contraction take but a few multiply-adds? Memory is dearer than these,
/// as in a flow's first layer, which makes wide rows of narrow ones.
bool is_short_product(const Graph& graph, const Node& node) {
  constexpr std::int64_t kFew = 4;
  if (node.op != Op::dot) return false;
  const auto& labels = std::get<Contraction>(node.attributes);
  const Shape& shape = graph[node.operands[0]].shape;
  std::int64_t terms = 1;
  for (std::size_t i = 0; i < labels.a.size(); ++i) {
    if (labels.out.find(labels.a[i]) != std::string::npos) continue;
    const std::int64_t extent = shape[static_cast<int>(i)];
    if (extent == kRows) return false;
    terms *= extent;
  }
  return terms <= kFew;
}

/// What the linear program of a linearisation computes anew instead of taking it as a residual.
bool is_recomputed(const Graph& graph, const Node& node, Residuals policy) {
  const Op op = node.op;
  if (is_source(op) || op == Op::broadcast || op == Op::reshape) return true;
  if (policy == Residuals::all) return false;
  return is_elementwise(op) || is_short_product(graph, node) || op == Op::permute ||
         op == Op::slice || op == Op::pad || op == Op::concat;
}

/// Cuts a graph that holds primal and tangent nodes in two.
class Split {
 public:
  Split(const Graph& graph, std::span<const Tensor> placeholders, std::span<const Tensor> tangents,
        Residuals policy)
      : graph_(graph), needed_(static_cast<std::size_t>(graph.size()), 0) {
    const LinearPart linear = linear_part(graph, placeholders);
    for (const Tensor& tangent : tangents) {
      if (tangent) needed_[static_cast<std::size_t>(tangent.id())] = 1;
    }
    for (ValueId id = graph.size(); id-- > 0;) {
      const Node& node = graph[id];
      if (needed_[static_cast<std::size_t>(id)] == 0 || node.op == Op::input) {
        if (needed_[static_cast<std::size_t>(id)] != 0 && !linear(id)) residuals_.push_back(id);
        continue;
      }
      if (linear(id) || is_recomputed(graph, node, policy)) {
        for (const ValueId operand : node.operands) {
          needed_[static_cast<std::size_t>(operand)] = 1;
        }
      } else {
        residuals_.push_back(id);
      }
    }
    std::reverse(residuals_.begin(), residuals_.end());
  }

  const std::vector<ValueId>& residuals() const { return residuals_; }

  /// (residuals, placeholders) to tangents; a tangent that is zero is zeros like `likes`.
  Program linear(std::span<const Tensor> placeholders, const std::vector<std::string>& names,
                 std::span<const Tensor> tangents, std::span<const Tensor> likes,
                 std::vector<std::string> output_names) const {
    Graph target(Simplify::thoroughly);
    std::vector<Tensor> values(needed_.size());
    const auto as_input = [&](ValueId id, std::string name) {
      const Node& node = graph_[id];
      values[static_cast<std::size_t>(id)] =
          target.input(std::move(name), node.shape, node.dtype, node.row_class);
    };
    for (std::size_t i = 0; i < residuals_.size(); ++i) {
      as_input(residuals_[i], "residual" + std::to_string(i));
    }
    for (std::size_t i = 0; i < placeholders.size(); ++i) as_input(placeholders[i].id(), names[i]);
    for (std::size_t id = 0; id < needed_.size(); ++id) {
      if (needed_[id] == 0 || values[id]) continue;
      Node node = graph_[static_cast<ValueId>(id)];
      for (ValueId& operand : node.operands) {
        operand = values[static_cast<std::size_t>(operand)].id();
      }
      values[id] = target.emit(std::move(node));
    }
    std::vector<Tensor> outputs;
    for (std::size_t i = 0; i < tangents.size(); ++i) {
      if (tangents[i]) {
        outputs.push_back(values[static_cast<std::size_t>(tangents[i].id())]);
      } else {
        Node zeros;
        zeros.op = Op::constant;
        zeros.shape = likes[i].shape();
        zeros.dtype = likes[i].dtype();
        zeros.attributes = ConstantValues{{0.0}};
        outputs.push_back(target.emit(std::move(zeros)));
      }
    }
    return target.program(outputs, std::move(output_names));
  }

 private:
  const Graph& graph_;
  std::vector<char> needed_;
  std::vector<ValueId> residuals_;
};

enum class Wanted { all_outputs, moving_outputs };

struct SplitProgram {
  Linearization parts;
  std::vector<int> outputs;  ///< which outputs the linear program gives
};

SplitProgram split(const Program& program, const std::vector<int>& inputs, Residuals policy,
                   Wanted wanted) {
  check_positions("linearize", program, inputs);
  Graph graph(Simplify::thoroughly);
  const std::vector<Tensor> arguments = copy_inputs(graph, program);
  const std::vector<Tensor> values = copy_into(graph, program, arguments, Calls::keep);
  const std::vector<Tensor> moving = chosen(arguments, inputs);
  check_derivative("linearize", values, moving);
  std::vector<Tensor> placeholders;
  placeholders.reserve(moving.size());
  for (const Tensor& input : moving) placeholders.push_back(placeholder(input));
  const std::vector<Tensor> tangents =
      push_forward(graph, values, moving, placeholders, Tangents::transposed);
  const Split cut(graph, placeholders, tangents, policy);

  SplitProgram result;
  result.parts.residuals = static_cast<int>(cut.residuals().size());
  std::vector<Tensor> primal = values;
  std::vector<std::string> names = program.output_names;
  for (const ValueId id : cut.residuals()) {
    names.push_back("residual" + std::to_string(primal.size() - values.size()));
    primal.push_back(graph.tensor(id));
  }
  result.parts.primal = graph.program(primal, std::move(names));

  std::vector<Tensor> wanted_tangents;
  std::vector<Tensor> likes;
  std::vector<std::string> tangent_names;
  for (std::size_t i = 0; i < tangents.size(); ++i) {
    if (wanted == Wanted::moving_outputs && !tangents[i]) continue;
    result.outputs.push_back(static_cast<int>(i));
    wanted_tangents.push_back(tangents[i]);
    likes.push_back(values[i]);
    tangent_names.push_back("d_" + program.output_names[i]);
  }
  result.parts.linear = cut.linear(placeholders, names_of(program, "d_", inputs), wanted_tangents,
                                   likes, std::move(tangent_names));
  return result;
}

}  // namespace

LinearizedCallee linearize_callee(const Program& program, const std::vector<int>& inputs) {
  SplitProgram result = split(program, inputs, Residuals::all, Wanted::moving_outputs);
  return {std::make_shared<const Program>(std::move(result.parts.primal)),
          std::make_shared<const Program>(std::move(result.parts.linear)), result.parts.residuals,
          std::move(result.outputs)};
}

Program transpose_outputs(const Program& program, const std::vector<int>& linear,
                          const std::vector<int>& seeded) {
  check_positions("transpose", program, linear);
  Graph graph(Simplify::thoroughly);
  std::vector<Tensor> arguments(program.inputs.size());
  std::vector<char> is_linear(program.inputs.size(), 0);
  for (const int position : linear) is_linear[static_cast<std::size_t>(position)] = 1;
  const auto node_of = [&program](std::size_t i) -> const Node& {
    return program[program.inputs[i]];
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (is_linear[i] != 0) continue;
    arguments[i] = graph.input(program.input_names[i], node_of(i).shape, node_of(i).dtype,
                               node_of(i).row_class);
  }
  std::vector<Tensor> cotangents(program.outputs.size());
  for (const int output : seeded) {
    const auto i = static_cast<std::size_t>(output);
    cotangents[i] = cotangent_input(graph, program, i);
  }
  std::vector<Tensor> placeholders;
  for (const int position : linear) {
    const auto i = static_cast<std::size_t>(position);
    if (!is_float(node_of(i).dtype)) {
      refuse("transpose", "input " + program.input_names[i] + " is int64");
    }
    arguments[i] = graph.placeholder(node_of(i).shape, node_of(i).dtype, node_of(i).row_class);
    placeholders.push_back(arguments[i]);
  }
  const std::vector<Tensor> outputs = copy_into(graph, program, arguments, Calls::keep);
  std::vector<Tensor> result = pull_back(graph, placeholders, outputs, cotangents);
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (!result[i]) result[i] = zeros_like(placeholders[i]);
  }
  return graph.program(result, names_of(program, "cotangent_", linear));
}

}  // namespace program

inline namespace v1 {

using program::Graph;
using program::Simplify;

Linearization linearize(const Program& program, const InputPositions& inputs, Residuals residuals) {
  return program::split(program, inputs, residuals, program::Wanted::all_outputs).parts;
}

Program transpose(const Program& linear, int first) {
  std::vector<int> positions;
  for (int i = first; i < static_cast<int>(linear.inputs.size()); ++i) positions.push_back(i);
  std::vector<int> seeded;
  for (std::size_t i = 0; i < linear.outputs.size(); ++i) seeded.push_back(static_cast<int>(i));
  return program::transpose_outputs(linear, positions, seeded);
}

Program jvp(const Program& program, const InputPositions& inputs) {
  program::check_positions("jvp", program, inputs);
  Graph graph(Simplify::thoroughly);
  const std::vector<Tensor> arguments = program::copy_inputs(graph, program);
  const std::vector<std::string> tangent_names = program::names_of(program, "d_", inputs);
  std::vector<Tensor> tangents;
  for (const int input : inputs) {
    const Node& node = program[program.inputs[static_cast<std::size_t>(input)]];
    tangents.push_back(
        graph.input(tangent_names[tangents.size()], node.shape, node.dtype, node.row_class));
  }
  std::vector<Tensor> outputs = copy_into(graph, program, arguments, Calls::keep);
  const auto moved = jvp(outputs, program::chosen(arguments, inputs), tangents);
  std::vector<std::string> names = program.output_names;
  for (std::size_t i = 0; i < moved.size(); ++i) names.push_back("d_" + program.output_names[i]);
  outputs.insert(outputs.end(), moved.begin(), moved.end());
  return graph.program(outputs, std::move(names));
}

Program vjp(const Program& program, const InputPositions& inputs) {
  program::check_positions("vjp", program, inputs);
  Graph graph(Simplify::thoroughly);
  const std::vector<Tensor> arguments = program::copy_inputs(graph, program);
  std::vector<Tensor> cotangents;
  for (std::size_t i = 0; i < program.outputs.size(); ++i) {
    cotangents.push_back(program::cotangent_input(graph, program, i));
  }
  std::vector<Tensor> outputs = copy_into(graph, program, arguments, Calls::keep);
  const auto pulled = vjp(outputs, program::chosen(arguments, inputs), cotangents);
  std::vector<std::string> names = program.output_names;
  for (auto& name : program::names_of(program, "cotangent_", inputs)) {
    names.push_back(std::move(name));
  }
  outputs.insert(outputs.end(), pulled.begin(), pulled.end());
  return graph.program(outputs, std::move(names));
}

}  // namespace v1
}  // namespace odeum
