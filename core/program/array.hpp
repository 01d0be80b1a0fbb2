// SPDX-License-Identifier: Apache-2.0
// Host arrays of the reference interpreter: float64 for both floating-point types, int64 exact.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "odeum/shape.hpp"

namespace odeum::program {

using Extents = std::vector<std::int64_t>;

Extents bind(const Shape& shape, std::int64_t rows);
std::int64_t count(const Extents& extents);
/// Row-major strides, in elements.
Extents strides(const Extents& extents);

/// A contiguous row-major array: `values` holds the elements of float32 and float64 arrays (both
/// computed in double), `integers` those of int64 ones.
struct Array {
  DType dtype = DType::f64;
  Extents extents;
  std::vector<double> values;
  std::vector<std::int64_t> integers;

  static Array zeros(DType dtype, Extents extents);
  static Array of(DType dtype, Extents extents, std::vector<double> values);
  std::int64_t size() const { return count(extents); }
};

/// Calls visit(offsets) for every index of `extents`, last axis fastest, with the N offsets that
/// the index has under N sets of strides.
template <std::size_t N, class Visit>
void for_each_offset(const Extents& extents, const std::array<Extents, N>& strides, Visit&& visit) {
  const std::int64_t total = count(extents);
  std::array<std::int64_t, N> offsets{};
  Extents index(extents.size(), 0);
  for (std::int64_t done = 0; done < total; ++done) {
    visit(offsets);
    for (std::size_t axis = extents.size(); axis-- > 0;) {
      const bool wraps = ++index[axis] == extents[axis];
      for (std::size_t n = 0; n < N; ++n) {
        offsets[n] += wraps ? -strides[n][axis] * (extents[axis] - 1) : strides[n][axis];
      }
      if (!wraps) break;
      index[axis] = 0;
    }
  }
}

/// Calls f(result elements, operand elements) with vectors of the type that both arrays have.
template <class F>
void with_elements(Array& result, const Array& operand, F&& f) {
  if (operand.dtype == DType::i64) {
    f(result.integers, operand.integers);
  } else {
    f(result.values, operand.values);
  }
}

}  // namespace odeum::program
