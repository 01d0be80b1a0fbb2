// SPDX-License-Identifier: Apache-2.0
#include "sensitivity_equation.hpp"

#include "odeum/program.hpp"
#include "odeum/transforms.hpp"

namespace forward_sensitivity {
namespace {

using Tensors = std::vector<Tensor>;

/// The shape with an axis for the tangents behind the rows.
Shape with_tangents(const Shape& shape, std::int64_t tangents) {
  std::vector<std::int64_t> extents = shape.extents();
  extents.insert(extents.begin() + (shape.has_rows() ? 1 : 0), tangents);
  return Shape(extents);
}

/// Row i of the result is 1 at the entry that tangent i moves, in the block's own place, else 0.
Tensor unit_tangents(Tensor constant, const Block& block, std::int64_t tangents) {
  const Shape& shape = constant.shape();
  const Shape table{tangents, block.entries};
  const Tensor tangent = iota(constant, table, 0, constant.dtype());
  const Tensor entry = iota(constant, table, 1, constant.dtype());
  const Tensor units = equal(tangent, entry + static_cast<double>(block.first));
  const Shape full_shape = with_tangents(shape, tangents);
  std::vector<std::int64_t> extents = full_shape.extents();
  if (shape.has_rows()) extents[0] = 1;
  return broadcast(reshape(units, Shape(extents)), full_shape);
}

/// Derivatives of rates along all tangents. Empty entries of `rates` have none.
class Tangents {
 public:
  Tangents(const Dynamics& forward, const SensitivityEquation& equation, const State& y,
           std::span<const Tensor> constants) {
    const std::size_t members = forward.members.size();
    for (const Block& block : equation.blocks) {
      const bool initial = block.kind == Block::Kind::initial;
      const Tensor variable = initial ? y[block.index] : constants[block.index];
      variables_.push_back(variable);
      placeholders_.push_back(placeholder(variable));
      mapped_.push_back(initial ? y[members + block.index]
                                : unit_tangents(variable, block, equation.tangents));
    }
  }

  State of(const State& rates) const {
    Tensors present;
    for (const Tensor& rate : rates) {
      if (rate) present.push_back(rate);
    }
    const Tensors moved = vmap(jvp(present, variables_, placeholders_), placeholders_, mapped_);
    State result;
    std::size_t next = 0;
    for (const Tensor& rate : rates) result.push_back(rate ? moved[next++] : Tensor());
    return result;
  }

 private:
  Tensors variables_, placeholders_, mapped_;
};

void append(State& to, const State& values) { to.insert(to.end(), values.begin(), values.end()); }

/// The tangents' contribution by block, [rows, tangents] in float64.
Tensor products(const Dynamics& forward, const Tensors& tangents, const Tensors& cotangents) {
  Tensor total;
  for (std::size_t m = 0; m < forward.members.size(); ++m) {
    const Shape shape = tangents[m].shape();
    std::vector<std::int64_t> beside = shape.extents();
    beside[1] = 1;
    const Tensor cotangent = cast(reshape(cotangents[m], Shape(beside)), DType::f64);
    Tensor product = cast(tangents[m], DType::f64) * cotangent;
    std::vector<int> axes;
    for (int axis = 2; axis < shape.rank(); ++axis) axes.push_back(axis);
    if (!axes.empty()) product = sum(product, axes);
    total = total ? total + product : product;
  }
  return total;
}

}  // namespace

std::int64_t count_tangents(const Dynamics& forward, const std::vector<std::size_t>& states,
                            const std::vector<std::size_t>& parameters) {
  std::int64_t count = 0;
  for (const std::size_t s : states) count += forward.members[s].shape.elements_per_row();
  for (const std::size_t p : parameters) count += forward.constants[p].shape.elements_per_row();
  return count;
}

SensitivityEquation make_sensitivity_equation(const Dynamics& forward,
                                              const AdjointEquation& indices, Norm norm) {
  SensitivityEquation equation;
  const auto add = [&](Block::Kind kind, std::size_t index, const Shape& shape) {
    const std::int64_t entries = shape.elements_per_row();
    equation.blocks.push_back({kind, index, equation.tangents, entries});
    equation.tangents += entries;
  };
  for (const std::size_t s : indices.states) {
    add(Block::Kind::initial, s, forward.members[s].shape);
  }
  for (const std::size_t p : indices.parameters) {
    add(Block::Kind::constant, p, forward.constants[p].shape);
  }

  Dynamics& dynamics = equation.dynamics;
  dynamics.members = forward.members;
  dynamics.constants = forward.constants;
  for (const Member& m : forward.members) {
    Member tangents = m;
    tangents.name += " tangents";
    tangents.shape = with_tangents(m.shape, equation.tangents);
    tangents.in_error_norm = m.in_error_norm && norm == Norm::state_and_tangents;
    dynamics.members.push_back(tangents);
  }

  const auto layout = std::make_shared<SensitivityEquation>(equation);
  dynamics.rates = [&forward, layout](Tensor t, const State& y, std::span<const Tensor> constants) {
    const State own(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(forward.members.size()));
    State rates = forward.rates(t, own, constants);
    append(rates, Tangents(forward, *layout, y, constants).of(rates));
    return rates;
  };
  if (!forward.parts) return equation;
  dynamics.parts = [&forward, layout](Tensor t, const State& y, std::span<const Tensor> constants) {
    const State own(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(forward.members.size()));
    Rates::Parts parts = forward.parts(t, own, constants);
    const Tangents tangents(forward, *layout, y, constants);
    append(parts.rest, tangents.of(parts.rest));
    append(parts.stiff, tangents.of(parts.stiff));
    return parts;
  };
  return equation;
}

Program record_contraction(const Dynamics& forward, const AdjointEquation& indices,
                           const SensitivityEquation& equation) {
  Recording recording;
  Tensors tangents, cotangents;
  for (const Member& m : forward.members) {
    tangents.push_back(
        recording.input(m.name + " tangents", with_tangents(m.shape, equation.tangents), m.dtype));
  }
  for (const Member& m : forward.members) {
    cotangents.push_back(recording.input(m.name + " cotangent", m.shape, m.dtype));
  }
  const Tensor all = products(forward, tangents, cotangents);

  Tensors initial(forward.members.size()), constants(forward.constants.size());
  for (const std::size_t q : indices.quadratures) initial[q] = cotangents[q];
  for (const Block& block : equation.blocks) {
    const Tensor part = slice(all, 1, block.first, block.first + block.entries);
    if (block.kind == Block::Kind::initial) {
      const Member& m = forward.members[block.index];
      initial[block.index] = cast(reshape(part, m.shape), m.dtype);
      continue;
    }
    const InputSpec& constant = forward.constants[block.index];
    const Tensor gathered = constant.shape.has_rows() ? part : sum_rows(part);
    constants[block.index] = cast(reshape(gathered, constant.shape), constant.dtype);
  }
  Tensors outputs = initial;
  for (const std::size_t p : indices.parameters) outputs.push_back(constants[p]);
  return recording.program(outputs);
}

}  // namespace forward_sensitivity
