// SPDX-License-Identifier: Apache-2.0
// Array: what stands in a file of numbers, with its shape and element type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "odeum/shape.hpp"

namespace odeum::io {

struct Array {
  DType dtype = DType::f64;
  std::vector<std::int64_t> shape;  ///< empty: a scalar
  std::vector<std::byte> bytes;     ///< little-endian, row-major, elements() * size_of(dtype)

  std::int64_t elements() const;
  bool operator==(const Array&) const = default;
};

/// The values as `dtype`, rounded to nearest.
Array make_array(DType dtype, std::vector<std::int64_t> shape, std::span<const double> values);

/// The values, exact for float32, float64 and integers up to 2^53.
std::vector<double> values(const Array& array);

}  // namespace odeum::io
