// SPDX-License-Identifier: Apache-2.0
// Transposition: cotangents pulled back through linear nodes, from the last to the first.
#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "odeum/transforms.hpp"
#include "program/derivatives.hpp"
#include "program/derived.hpp"
#include "program/host_derivative.hpp"
#include "program/primitive.hpp"
#include "program/structure.hpp"

namespace odeum {
namespace program {
namespace {

/// The cotangent of one value while its users hand in their shares. Shares of slices wait until
/// all are there, so that slices that tile the value become one concat and not a sum of pads.
class Cotangent {
 public:
  void add(Tensor share) { dense_ = add_up(dense_, share); }
  void add_slice(const Bounds& bounds, Tensor share) { slices_.push_back({bounds, share}); }

  /// The sum of all shares for a value of the given shape; empty if there are none.
  Tensor total(const Shape& shape) {
    std::stable_sort(slices_.begin(), slices_.end(), [](const Slice& a, const Slice& b) {
      return std::pair(a.bounds.axis, a.bounds.begin) < std::pair(b.bounds.axis, b.bounds.begin);
    });
    while (!slices_.empty()) dense_ = add_up(dense_, take_tiles(shape));
    return dense_;
  }

 private:
  struct Slice {
    Bounds bounds;
    Tensor share;
  };

  /// Takes slices along one axis that do not overlap, and joins them with zeros in the gaps.
  Tensor take_tiles(const Shape& shape) {
    const int axis = slices_.front().bounds.axis;
    std::vector<Tensor> parts;
    std::vector<Slice> others;
    std::int64_t filled = 0;
    const auto fill_to = [&](std::int64_t begin, Tensor like) {
      if (begin == filled) return;
      std::vector<std::int64_t> extents = shape.extents();
      extents[static_cast<std::size_t>(axis)] = begin - filled;
      parts.push_back(full(like, Shape(std::move(extents)), 0.0));
    };
    for (const Slice& slice : slices_) {
      if (slice.bounds.axis != axis || slice.bounds.begin < filled) {
        others.push_back(slice);
        continue;
      }
      fill_to(slice.bounds.begin, slice.share);
      parts.push_back(slice.share);
      filled = slice.bounds.end;
    }
    if (slices_.size() == others.size() + 1) {  // a single one: zeros around it
      const Slice only = slices_.front();
      slices_ = std::move(others);
      return pad(only.share, axis, only.bounds.begin, shape[axis] - only.bounds.end);
    }
    fill_to(shape[axis], parts.front());
    slices_ = std::move(others);
    return concat(std::move(parts), axis);
  }

  Tensor dense_;
  std::vector<Slice> slices_;
};

class PullBack {
 public:
  PullBack(Graph& graph, LinearPart linear)
      : graph_(graph), linear_(std::move(linear)), cotangents_(linear_.depends.size()) {}

  void seed(Tensor output, Tensor cotangent) {
    if (linear_(output.id())) at(output.id()).add(cotangent);
  }

  void run() {
    for (std::size_t i = cotangents_.size(); i-- > 0;) {
      const ValueId id = linear_.first + static_cast<ValueId>(i);
      if (!linear_(id) || graph_[id].op == Op::input) continue;
      if (is_call(graph_[id].op)) {
        through_call(id);
      } else if (const Tensor cotangent = at(id).total(graph_[id].shape)) {
        through(id, cotangent);
      }
    }
  }

  Tensor cotangent(Tensor placeholder) { return at(placeholder.id()).total(placeholder.shape()); }

 private:
  Cotangent& at(ValueId id) { return cotangents_[static_cast<std::size_t>(id - linear_.first)]; }

  void add(ValueId id, Tensor share) {
    if (share && !is_zero(share)) at(id).add(share);
  }

  void through(ValueId id, Tensor cotangent) {
    const Node& node = graph_[id];
    if (node.op == Op::output) {
      const ValueId call = node.operands[0];
      auto& seeds = calls_[call];
      seeds.resize(outputs_of(graph_[call]).size());
      seeds[static_cast<std::size_t>(attribute<OutputIndex>(node).index)] = cotangent;
      return;
    }
    check_linear(node);
    for (std::size_t k = 0; k < node.operands.size(); ++k) {
      const ValueId operand = node.operands[k];
      if (!linear_(operand)) continue;
      if (node.op == Op::slice) {
        at(operand).add_slice(attribute<Bounds>(node), cotangent);
      } else {
        add(operand, primitive(node.op).transpose({graph_, id, static_cast<int>(k), cotangent}));
      }
    }
  }

  /// That the node is linear in its linear operands together, with nothing added to them.
  void check_linear(const Node& node) const {
    const auto linear = [&](std::size_t k) { return linear_(node.operands[k]); };
    const auto linear_or_zero = [&](std::size_t k) {
      return linear(k) || is_zero(graph_[node.operands[k]]);
    };
    std::size_t count = 0;
    bool all = true;
    for (std::size_t k = 0; k < node.operands.size(); ++k) {
      count += linear(k) ? 1 : 0;
      all = all && linear_or_zero(k);
    }
    bool fits = false;
    switch (primitive(node.op).linearity) {
      case Linearity::nonlinear:
        break;
      case Linearity::first:
        fits = count == 1 && linear(0);
        break;
      case Linearity::second:
        fits = count == 1 && linear(1);
        break;
      case Linearity::each:
        fits = count == 1;
        break;
      case Linearity::together:
        fits = all;
        break;
      case Linearity::branches:
        fits = !linear(0) && linear_or_zero(1) && linear_or_zero(2);
        break;
    }
    if (!fits || primitive(node.op).transpose == nullptr) {
      refuse("transpose", std::string(primitive(node.op).name) + " of shape " + node.shape.text() +
                              " is not linear in the operands that are to be transposed");
    }
  }

  void through_call(ValueId id) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    if (graph_[id].op == Op::call) {
      through_program(id, found->second);
    } else {
      through_host_call(id, found->second);
    }
  }

  void through_program(ValueId id, const std::vector<Tensor>& seeds) {
    const Node& node = graph_[id];
    std::vector<int> linear;
    std::vector<int> seeded;
    std::vector<Tensor> arguments;
    for (std::size_t k = 0; k < node.operands.size(); ++k) {
      if (linear_(node.operands[k])) {
        linear.push_back(static_cast<int>(k));
      } else {
        arguments.push_back(graph_.tensor(node.operands[k]));
      }
    }
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      if (!seeds[i]) continue;
      seeded.push_back(static_cast<int>(i));
      arguments.push_back(seeds[i]);
    }
    const auto transposed =
        graph_.derived().transposed(attribute<Callee>(node).program, linear, seeded);
    const std::vector<Tensor> shares = call(transposed, arguments);
    for (std::size_t i = 0; i < linear.size(); ++i) {
      add(node.operands[static_cast<std::size_t>(linear[i])], shares[i]);
    }
  }

  void through_host_call(ValueId id, const std::vector<Tensor>& seeds) {
    const Node& node = graph_[id];
    const auto& function = attribute<HostCallee>(node).function;
    const auto* linearized = dynamic_cast<const LinearizedHost*>(function.get());
    if (linearized == nullptr) {
      refuse("transpose", "host function " + function->name() + " is not linear");
    }
    const std::size_t given = node.operands.size() - linearized->positions().size();
    std::vector<Tensor> arguments;
    std::vector<int> share_of(given, -1);  // which result of the vjp belongs to an argument
    int shares = 0;
    for (std::size_t k = 0; k < given; ++k) {
      if (linear_(node.operands[k])) {
        refuse("transpose", "host function " + function->name() + " is not linear");
      }
      arguments.push_back(graph_.tensor(node.operands[k]));
      if (is_float(arguments.back().dtype())) share_of[k] = shares++;
    }
    const auto values = function->outputs();
    for (std::size_t i = 0; i < values.size(); ++i) {
      arguments.push_back(
          seeds[i] ? seeds[i] : full(arguments.front(), values[i].shape, 0.0, values[i].dtype));
    }
    const auto result = host_call(graph_.derived().transposed(linearized->function()), arguments);
    if (static_cast<int>(result.size()) != shares) {
      refuse("vjp", "the derivative of host function " + linearized->function()->name() +
                        " gives " + std::to_string(result.size()) + " cotangents for " +
                        std::to_string(shares) + " floating-point inputs");
    }
    for (std::size_t i = 0; i < linearized->positions().size(); ++i) {
      const ValueId tangent = node.operands[given + i];
      const int share = share_of[static_cast<std::size_t>(linearized->positions()[i])];
      const Tensor cotangent = result[static_cast<std::size_t>(share)];
      if (!linear_(tangent)) continue;
      check_fits("vjp", "cotangent of a host function's input", cotangent, graph_.tensor(tangent));
      add(tangent, cotangent);
    }
  }

  Graph& graph_;
  LinearPart linear_;
  std::vector<Cotangent> cotangents_;
  std::unordered_map<ValueId, std::vector<Tensor>> calls_;
};

}  // namespace

LinearPart linear_part(const Graph& graph, std::span<const Tensor> placeholders) {
  LinearPart part;
  if (placeholders.empty()) return part;
  part.first = std::min_element(placeholders.begin(), placeholders.end(), [](Tensor a, Tensor b) {
                 return a.id() < b.id();
               })->id();
  part.depends.assign(static_cast<std::size_t>(graph.size() - part.first), 0);
  for (const Tensor& placeholder : placeholders) {
    part.depends[static_cast<std::size_t>(placeholder.id() - part.first)] = 1;
  }
  for (std::size_t i = 0; i < part.depends.size(); ++i) {
    for (const ValueId operand : graph[part.first + static_cast<ValueId>(i)].operands) {
      if (part(operand)) part.depends[i] = 1;
    }
  }
  return part;
}

std::vector<Tensor> pull_back(Graph& graph, std::span<const Tensor> placeholders,
                              std::span<const Tensor> outputs, std::span<const Tensor> cotangents) {
  PullBack pass(graph, linear_part(graph, placeholders));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] && cotangents[i] && !is_zero(cotangents[i])) {
      pass.seed(outputs[i], cotangents[i]);
    }
  }
  pass.run();
  std::vector<Tensor> result;
  for (const Tensor& placeholder : placeholders) result.push_back(pass.cotangent(placeholder));
  return result;
}

}  // namespace program

inline namespace v1 {

std::vector<Tensor> vjp(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                        std::span<const Tensor> cotangents) {
  program::check_derivative("vjp", outputs, inputs);
  if (cotangents.size() != outputs.size()) {
    program::refuse("vjp", std::to_string(cotangents.size()) + " cotangents for " +
                               std::to_string(outputs.size()) + " outputs");
  }
  if (inputs.empty()) return {};
  program::Graph& graph = *inputs.front().graph();
  std::vector<Tensor> seeded;
  std::vector<Tensor> seeds;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!cotangents[i]) continue;
    program::check_fits("vjp", "cotangent", cotangents[i], outputs[i]);
    if (program::is_zero(cotangents[i])) continue;
    seeded.push_back(outputs[i]);
    seeds.push_back(cotangents[i]);
  }
  std::vector<Tensor> placeholders;
  for (const Tensor& input : inputs) placeholders.push_back(placeholder(input));
  const auto moved =
      program::push_forward(graph, seeded, inputs, placeholders, program::Tangents::transposed);
  auto result = program::pull_back(graph, placeholders, moved, seeds);
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (!result[i]) result[i] = zeros_like(inputs[i]);
  }
  return result;
}

}  // namespace v1
}  // namespace odeum
