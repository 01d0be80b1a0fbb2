// SPDX-License-Identifier: Apache-2.0
// Values that come from nothing but the recording: constants, indices, the row count, randomness.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "odeum/random.hpp"
#include "program/primitive.hpp"

namespace odeum {
namespace program {
namespace {

void infer_constant(const Graph&, Node& node) {
  auto& values = std::get<ConstantValues>(node.attributes).values;
  const std::int64_t elements = node.shape.has_rows() ? -1 : node.shape.elements(0);
  const auto given = static_cast<std::int64_t>(values.size());
  if (given != 1 && given != elements) {
    refuse("constant", std::to_string(given) + " values for shape " + node.shape.text());
  }
  if (node.dtype == DType::i64) {
    for (const double value : values) {
      if (value != std::floor(value)) {
        refuse("constant", std::to_string(value) + " is not an int64; cast the tensor first");
      }
    }
  }
  const auto same_bits = [&values](double value) {
    return value == values.front() && std::signbit(value) == std::signbit(values.front());
  };
  if (values.size() > 1 && std::all_of(values.begin(), values.end(), same_bits)) values.resize(1);
  if (values.empty()) values.assign(1, 0.0);
}

void infer_iota(const Graph&, Node& node) {
  const int axis = attribute<Axis>(node).axis;
  node.attributes = Axis{normal_axis("iota", node.shape, axis)};
}

void infer_row_count(const Graph&, Node& node) { node.shape = Shape{1}; }

void infer_random(const Graph& graph, Node& node) {
  const Node& key = graph[node.operands[0]];
  const Node& sample = graph[node.operands[1]];
  if (key.dtype != DType::i64 || key.shape != Shape{2}) {
    refuse("random",
           "the key is int64 [2], not " + std::string(name(key.dtype)) + " " + key.shape.text());
  }
  if (sample.dtype != DType::i64 || sample.shape.rank() != 1) {
    refuse("random", "sample_index is int64 [rows], not " + std::string(name(sample.dtype)) + " " +
                         sample.shape.text());
  }
  if (node.shape.rank() == 0 || node.shape[0] != sample.shape[0]) {
    refuse("random", "shape " + node.shape.text() + " does not lead with the extent of " +
                         sample.shape.text());
  }
  if (!is_float(node.dtype)) refuse("random", "draws are floating-point numbers");
}

template <class T>
T constant_at(const std::vector<double>& values, std::size_t i) {
  return static_cast<T>(values.size() == 1 ? values[0] : values[i]);
}

void evaluate_constant(const Evaluation& e) {
  const auto& values = attribute<ConstantValues>(e.node).values;
  for (std::size_t i = 0; i < e.result.values.size(); ++i) {
    e.result.values[i] = constant_at<double>(values, i);
  }
  for (std::size_t i = 0; i < e.result.integers.size(); ++i) {
    e.result.integers[i] = constant_at<std::int64_t>(values, i);
  }
}

void evaluate_iota(const Evaluation& e) {
  Extents along(e.result.extents.size(), 0);
  along[static_cast<std::size_t>(attribute<Axis>(e.node).axis)] = 1;
  std::size_t i = 0;
  for_each_offset<1>(e.result.extents, {along}, [&](const auto& offset) {
    if (e.node.dtype == DType::i64) {
      e.result.integers[i++] = offset[0];
    } else {
      e.result.values[i++] = static_cast<double>(offset[0]);
    }
  });
}

double draw(const RandomElement& element, Distribution distribution, DType dtype) {
  const bool single = dtype == DType::f32;
  switch (distribution) {
    case Distribution::uniform:
      return single ? element.uniform_f32() : element.uniform();
    case Distribution::normal: {
      const double value = element.normal();
      return single ? static_cast<double>(static_cast<float>(value)) : value;
    }
    case Distribution::rademacher:
      return element.rademacher();
  }
  return 0;
}

void evaluate_random(const Evaluation& e) {
  const auto& key = e.operand(0).integers;
  const auto& samples = e.operand(1).integers;
  const std::uint64_t stream = stream_key(static_cast<std::uint64_t>(key[0]), Purpose::user,
                                          static_cast<std::uint64_t>(key[1]));
  const auto distribution = attribute<Randomness>(e.node).distribution;
  if (samples.empty()) return;
  const std::size_t per_row = std::max<std::size_t>(e.result.values.size() / samples.size(), 1);
  for (std::size_t i = 0; i < e.result.values.size(); ++i) {
    const RandomElement element(stream, static_cast<std::uint64_t>(samples[i / per_row]),
                                i % per_row);
    e.result.values[i] = draw(element, distribution, e.node.dtype);
  }
}

// The row count has no evaluation of its own: only the interpreter knows it.
constexpr std::array<Primitive, 5> kEntries{{
    {.op = Op::input, .name = "input", .infer = nullptr},
    {.op = Op::constant,
     .name = "constant",
     .infer = infer_constant,
     .evaluate = evaluate_constant},
    {.op = Op::iota, .name = "iota", .infer = infer_iota, .evaluate = evaluate_iota},
    {.op = Op::row_count, .name = "row_count", .infer = infer_row_count},
    {.op = Op::random, .name = "random", .infer = infer_random, .evaluate = evaluate_random},
}};

Tensor source(Tensor like, Op op, Shape shape, DType type, Attributes attributes) {
  if (!like) refuse(primitive(op).name, "an operand is empty");
  Node node;
  node.op = op;
  node.dtype = type;
  node.shape = std::move(shape);
  node.attributes = std::move(attributes);
  return like.graph()->emit(std::move(node));
}

}  // namespace

std::span<const Primitive> source_primitives() { return kEntries; }

}  // namespace program

inline namespace v1 {

Tensor constant(Tensor like, Shape shape, std::vector<double> values) {
  return program::source(like, Op::constant, std::move(shape), like.dtype(),
                         ConstantValues{std::move(values)});
}

Tensor full(Tensor like, Shape shape, double value, DType type) {
  return program::source(like, Op::constant, std::move(shape), type, ConstantValues{{value}});
}

Tensor full(Tensor like, Shape shape, double value) {
  return full(like, std::move(shape), value, like.dtype());
}

Tensor zeros_like(Tensor x) { return full(x, x.shape(), 0.0); }
Tensor ones_like(Tensor x) { return full(x, x.shape(), 1.0); }

Tensor iota(Tensor like, Shape shape, int axis, DType type) {
  return program::source(like, Op::iota, std::move(shape), type, Axis{axis});
}

Tensor row_count(Tensor like, DType type) {
  return program::source(like, Op::row_count, Shape{1}, type, {});
}

Tensor random(Distribution distribution, Tensor key, Tensor sample_index, Shape shape, DType type) {
  return program::emit(Op::random, {key, sample_index}, Randomness{distribution}, std::move(shape),
                       type);
}

}  // namespace v1
}  // namespace odeum
