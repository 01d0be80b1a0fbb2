// SPDX-License-Identifier: Apache-2.0
#include "machine/lifetimes.hpp"

#include <limits>

namespace odeum::cpu {
namespace {

using Kind = StraightInstruction::Kind;
constexpr std::uint32_t kSize = sizeof(double);
/// Neighbours from which on `add_rows` adds otherwise than one by one.
constexpr std::uint32_t kManyNeighbours = 16;

bool is_written_function(Fn fn) {
  switch (fn) {
    case Fn::neg:
    case Fn::abs:
    case Fn::floor:
    case Fn::sqrt:
    case Fn::add:
    case Fn::sub:
    case Fn::mul:
    case Fn::div:
    case Fn::max:
    case Fn::min:
    case Fn::less:
    case Fn::equal:
    case Fn::mul_add:
    case Fn::mul_sub:
    case Fn::sub_mul:
    case Fn::select:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool is_written(const StraightInstruction& x) {
  if (x.type != DType::f64 || x.count == 0 || x.count > kMostWritten) return false;
  if (x.kind == Kind::sum) return x.lists || x.count < kManyNeighbours;
  return x.kind == Kind::element ? is_written_function(x.fn) : x.kind != Kind::other;
}
bool is_written(const StraightCode::Transfer& x) {
  return x.type == DType::f64 && x.elements <= kMostWritten;
}

Lifetimes lifetimes(const StraightCode& code) {
  Lifetimes result;
  result.last_use.assign(code.arena.size() / kSize + kMostWritten, 0);
  result.written.assign(code.arena.size() / kPadding + 1, false);
  const auto mark = [&](std::uint32_t place, std::uint32_t elements) {
    const std::size_t end =
        std::min<std::size_t>(code.arena.size(), place + std::max(elements, 1U) * kSize);
    for (std::size_t cell = place / kPadding; cell * kPadding < end; ++cell)
      result.written[cell] = true;
  };
  for (std::size_t i = 0; i < code.code.size(); ++i) {
    const StraightInstruction& x = code.code[i];
    each_read(x, code,
              [&](std::uint32_t place) { result.last_use[result.element(place)] = i + 1; });
    mark(x.out, std::max(x.n, x.count));
  }
  for (const auto& x : code.inputs) mark(x.at, x.elements);
  for (const auto& x : code.outputs) {
    for (std::uint32_t k = 0; k < x.elements; ++k)
      result.last_use[result.element(x.at + k * kSize)] = std::numeric_limits<std::size_t>::max();
  }
  return result;
}

}  // namespace odeum::cpu
