// SPDX-License-Identifier: Apache-2.0
#include "program/array.hpp"

#include <utility>

namespace odeum::program {

Extents bind(const Shape& shape, std::int64_t rows) {
  Extents extents = shape.extents();
  if (shape.has_rows()) extents.front() = rows;
  return extents;
}

std::int64_t count(const Extents& extents) {
  std::int64_t elements = 1;
  for (const std::int64_t extent : extents) elements *= extent;
  return elements;
}

Extents strides(const Extents& extents) {
  Extents result(extents.size(), 1);
  for (std::size_t axis = extents.size(); axis-- > 1;) {
    result[axis - 1] = result[axis] * extents[axis];
  }
  return result;
}

Array Array::zeros(DType dtype, Extents extents) {
  Array array;
  array.dtype = dtype;
  array.extents = std::move(extents);
  const auto elements = static_cast<std::size_t>(array.size());
  if (dtype == DType::i64) {
    array.integers.resize(elements);
  } else {
    array.values.resize(elements);
  }
  return array;
}

Array Array::of(DType dtype, Extents extents, std::vector<double> values) {
  Array array;
  array.dtype = dtype;
  array.extents = std::move(extents);
  if (dtype == DType::i64) {
    array.integers.reserve(values.size());
    for (const double value : values) array.integers.push_back(static_cast<std::int64_t>(value));
  } else {
    array.values = std::move(values);
  }
  return array;
}

}  // namespace odeum::program
