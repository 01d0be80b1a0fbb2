// SPDX-License-Identifier: Apache-2.0
#include "plan/straight_writer.hpp"

#include <algorithm>
#include <cstring>

#include "steps/step.hpp"

namespace odeum::cpu {
namespace {

/// What fetching an element by its address costs.
constexpr double kFetch = 8.0;

std::uint32_t narrow(std::size_t x) { return static_cast<std::uint32_t>(x); }

}  // namespace

bool all_one(const Places& x) {
  return std::all_of(x.begin(), x.end(), [&x](std::uint32_t at) { return at == x.front(); });
}

bool consecutive(const Places& x, DType type) {
  for (std::size_t i = 1; i < x.size(); ++i) {
    if (x[i] != x[i - 1] + size_of(type)) return false;
  }
  return true;
}

std::size_t StraightWriter::in_vectors(std::size_t n, DType type) const {
  const auto lanes =
      static_cast<std::size_t>(type == DType::f32 ? kernels_.f32.lanes : kernels_.f64.lanes);
  return (n + lanes - 1) / lanes * lanes;
}

std::uint32_t StraightWriter::room(std::size_t n, DType type, bool constant) {
  const std::size_t bytes = std::max(padded(n * size_of(type)), kPadding);
  const std::uint32_t at = narrow(code_.arena.size());
  code_.arena.resize(code_.arena.size() + bytes);
  constant_.resize(code_.arena.size() / kPadding, constant);
  return at;
}

Places StraightWriter::run_of(std::uint32_t at, std::size_t n, DType type) const {
  Places result(n);
  for (std::size_t i = 0; i < n; ++i) result[i] = at + narrow(i * size_of(type));
  return result;
}

bool StraightWriter::is_constant(const Places& x) const {
  return std::all_of(x.begin(), x.end(),
                     [this](std::uint32_t at) { return constant_[at / kPadding]; });
}

void StraightWriter::put(std::uint32_t at, DType type, double value) {
  std::byte* to = code_.arena.data() + at;
  if (type == DType::f32) {
    const auto x = static_cast<float>(value);
    std::memcpy(to, &x, sizeof x);
  } else if (type == DType::f64) {
    std::memcpy(to, &value, sizeof value);
  } else {
    const auto x = static_cast<std::int64_t>(value);
    std::memcpy(to, &x, sizeof x);
  }
}

std::uint32_t StraightWriter::number(double value, DType type) {
  const std::uint32_t at = room(1, type, true);
  for (const std::uint32_t lane : run_of(at, kPadding / size_of(type), type))
    put(lane, type, value);
  return at;
}

Places StraightWriter::numbers(const std::vector<double>& values, DType type) {
  Places result = run_of(room(values.size(), type, true), values.size(), type);
  for (std::size_t i = 0; i < values.size(); ++i) put(result[i], type, values[i]);
  return result;
}

std::uint32_t StraightWriter::list(const Places& x, DType type) {
  const std::size_t at = code_.pointers.size();
  code_.pointers.insert(code_.pointers.end(), x.begin(), x.end());
  code_.pointers.resize(at + in_vectors(x.size(), type), x.back());
  return narrow(at);
}

void StraightWriter::emit(const StraightInstruction& instruction, bool constant, double work) {
  (constant ? code_.once : code_.code).push_back(instruction);
  work_ += kStraightCall + work;
}

std::uint32_t StraightWriter::in_a_run(const Places& x, DType type) {
  // A load across two stores waits for both to reach memory: short runs that start inside a vector
  // are put together anew.
  constexpr std::size_t kLong = 16;
  if (consecutive(x, type) && (x.front() % kPadding == 0 || x.size() > kLong)) return x.front();
  const auto known = runs_.find(x);
  if (known != runs_.end()) return known->second;
  const bool constant = is_constant(x);
  const std::uint32_t at = room(x.size(), type, constant);
  const std::uint32_t first = list(x, type);
  StraightInstruction gather{kernels_.straight.gather[index(type)],
                             at,
                             first,
                             first,
                             at,
                             narrow(x.size()),
                             true,
                             nullptr,
                             narrow(x.size())};
  gather.kind = StraightInstruction::Kind::gather;
  gather.type = type;
  gather.count = gather.n;
  emit(gather, constant, kFetch * static_cast<double>(x.size()));
  return runs_[x] = at;
}

std::uint32_t StraightWriter::reduced(ElementKernel kernel, DType type, const Places& a,
                                      const Places* b) {
  const bool constant = is_constant(a) && (b == nullptr || is_constant(*b));
  const std::uint32_t at = room(1, type, constant);
  const std::uint32_t first = list(a, type);
  const std::uint32_t second = b == nullptr ? first : list(*b, type);
  StraightInstruction instruction{kernel,           at,   first,   second,          at,
                                  narrow(a.size()), true, nullptr, narrow(a.size())};
  if (kernel == kernels_.straight.sum[index(type)])
    instruction.kind = StraightInstruction::Kind::sum;
  instruction.type = type;
  instruction.count = instruction.n;
  emit(instruction, constant, (b == nullptr ? 1.0 : 2.0) * kFetch * static_cast<double>(a.size()));
  return at;
}

void StraightWriter::take_in(std::size_t position, std::uint32_t at, std::size_t n, DType type) {
  code_.inputs.push_back({position, at, narrow(n), type});
  work_ += kStraightCall + static_cast<double>(n);
}

void StraightWriter::hand_out(std::size_t position, std::uint32_t at, std::size_t n, DType type) {
  code_.outputs.push_back({position, at, narrow(n), type});
  work_ += kStraightCall + static_cast<double>(n);
}

}  // namespace odeum::cpu
