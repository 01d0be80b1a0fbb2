// SPDX-License-Identifier: Apache-2.0
// Writes straight-line code: room in the arena, numbers, lists and instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "plan/straight.hpp"

namespace odeum::cpu {

/// The places of a value's elements, row-major: byte offsets in the arena.
using Places = std::vector<std::uint32_t>;

/// What calling a kernel costs, in additions of elements.
inline constexpr double kStraightCall = 16.0;

bool all_one(const Places& x);                  ///< one element, any number of times
bool consecutive(const Places& x, DType type);  ///< one after another

class StraightWriter {
 public:
  explicit StraightWriter(const Kernels& kernels) : kernels_(kernels) {}

  /// Room for `n` elements in whole vectors, uninitialised. `constant`: to be filled before the
  /// first run.
  std::uint32_t room(std::size_t n, DType type, bool constant);
  /// n rounded up to vectors of the instruction set.
  std::size_t in_vectors(std::size_t n, DType type) const;
  Places run_of(std::uint32_t at, std::size_t n, DType type) const;
  bool is_constant(const Places& x) const;

  /// The place of one number, kPadding bytes full of it.
  std::uint32_t number(double value, DType type);
  Places numbers(const std::vector<double>& values, DType type);

  /// Where the elements stand one after another, gathered there if they do not.
  std::uint32_t in_a_run(const Places& x, DType type);
  /// One number from elements by their addresses.
  std::uint32_t reduced(ElementKernel kernel, DType type, const Places& a, const Places* b);
  /// An instruction that takes as long as `work` additions of elements.
  void emit(const StraightInstruction& instruction, bool constant, double work);
  void take_in(std::size_t position, std::uint32_t at, std::size_t n, DType type);
  void hand_out(std::size_t position, std::uint32_t at, std::size_t n, DType type);

  double work() const { return work_; }  ///< so far, about a tenth of a nanosecond each
  StraightCode finish() { return std::move(code_); }

 private:
  void put(std::uint32_t at, DType type, double value);
  std::uint32_t list(const Places& x, DType type);

  const Kernels& kernels_;
  StraightCode code_;
  double work_ = 0;
  std::vector<bool> constant_;  ///< of the arena's vectors: filled before the first run
  std::map<Places, std::uint32_t> runs_;
};

}  // namespace odeum::cpu
