// SPDX-License-Identifier: Apache-2.0
#include "node_programs.hpp"

#include <algorithm>
#include <stdexcept>

#include "odeum/random.hpp"
#include "odeum/transforms.hpp"

namespace gauss_legendre {
namespace {

constexpr std::size_t kDirections = 2;  // one alone may be nearly orthogonal to an error
constexpr std::uint64_t kSeed = 0x6b726f6e726f64;

/// The inputs of a node program and the rates there.
struct Nodes {
  Recording recording;
  Tensor weight;
  std::vector<Tensor> constants;
  State rates, cotangents;

  Nodes(const Dynamics& forward, const AdjointEquation& equation) {
    const Tensor t = recording.input("t", {kRows}, DType::f64);
    weight = recording.input("weight", {kRows}, DType::f64);
    std::vector<Tensor> states;
    for (const std::size_t s : equation.states) {
      const Member& m = forward.members[s];
      states.push_back(recording.input(m.name, m.shape, m.dtype));
    }
    for (const InputSpec& s : forward.constants) {
      constants.push_back(recording.input(s.name, s.shape, s.dtype));
    }
    const Tensor direction = recording.input("direction", {1}, DType::f64);
    rates = rates_by_time(forward, equation, t, states, constants, direction);
    for (const Member& m : forward.members) {
      cotangents.push_back(recording.input(m.name + " cotangent", m.shape, m.dtype));
    }
  }
};

/// Signs at random, the product of one vector of them along each axis: a direction whose product
/// with any array has that array's Euclidean norm as its root mean square.
Tensor direction_of(Tensor parameter, RandomStream& random) {
  const Shape& shape = parameter.shape();
  Tensor product = full(parameter, {1}, 1.0);
  for (int axis = shape.has_rows() ? 1 : 0; axis < shape.rank(); ++axis) {
    std::vector<double> signs(static_cast<std::size_t>(shape[axis]));
    for (double& sign : signs) sign = random.uniform() < 0.5 ? -1.0 : 1.0;
    std::vector<std::int64_t> extents(static_cast<std::size_t>(shape.rank()), 1);
    extents[static_cast<std::size_t>(axis)] = shape[axis];
    product = product * constant(parameter, Shape(extents), signs);
  }
  return broadcast(product, shape);
}

/// <cotangents, d rates / d chosen> along one direction, by row.
Tensor projected(const Nodes& nodes, std::span<const Tensor> chosen, RandomStream& random) {
  std::vector<Tensor> tangents;
  for (const Tensor& parameter : chosen) tangents.push_back(direction_of(parameter, random));
  const std::vector<Tensor> moved = jvp(nodes.rates, chosen, tangents);
  Tensor total = full(nodes.weight, {kRows}, 0.0);
  for (std::size_t m = 0; m < moved.size(); ++m) {
    const Tensor product = cast(moved[m], DType::f64) * cast(nodes.cotangents[m], DType::f64);
    total = total + (product.rank() > 1 ? sum_features(product) : product);
  }
  return total;
}

}  // namespace

Program record_product(const Dynamics& forward, const AdjointEquation& equation) {
  const Nodes nodes(forward, equation);
  State weighted;
  for (const Tensor& cotangent : nodes.cotangents) {
    weighted.push_back(matched(nodes.weight, cotangent) * cotangent);
  }
  std::vector<Tensor> parameters;
  for (const std::size_t p : equation.parameters) parameters.push_back(nodes.constants[p]);
  return nodes.recording.program(vjp(nodes.rates, parameters, weighted));
}

Projection record_projection(const Dynamics& forward, const AdjointEquation& equation) {
  const Nodes nodes(forward, equation);
  std::vector<Tensor> shared, by_row, outputs;
  for (const std::size_t p : equation.parameters) {
    (forward.constants[p].shape.has_rows() ? by_row : shared).push_back(nodes.constants[p]);
  }
  Projection projection;
  RandomStream random(kSeed, 0);
  for (std::size_t k = 0; k < kDirections && !shared.empty(); ++k) {
    outputs.push_back(projected(nodes, shared, random));
  }
  for (std::size_t k = 0; k < kDirections && !by_row.empty(); ++k) {
    outputs.push_back(projected(nodes, by_row, random));
    ++projection.by_row;
  }
  projection.program = nodes.recording.program(outputs);
  return projection;
}

std::string recording_refusal(const Dynamics& forward) {
  AdjointEquation all;
  for (std::size_t m = 0; m < forward.members.size(); ++m) all.states.push_back(m);
  Program program;
  try {
    const Nodes nodes(forward, all);
    program = optimize(nodes.recording.program(nodes.rates));
  } catch (const std::invalid_argument& error) {
    return std::string("evaluates all nodes at once, each row at its own time, which these ") +
           "dynamics cannot be recorded for: " + error.what();
  }
  const bool counts = std::any_of(program.nodes.begin(), program.nodes.end(), [](const Node& n) {
    return n.op == Op::row_count ||
           (n.op == Op::iota && n.shape.has_rows() && std::get<Axis>(n.attributes).axis == 0);
  });
  return counts ? "evaluates all nodes at once, as rows of one batch, but the rates depend on how "
                  "many rows there are or on a row's number: use adjoint"
                : "";
}

}  // namespace gauss_legendre
