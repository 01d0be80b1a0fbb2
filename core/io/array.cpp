// SPDX-License-Identifier: Apache-2.0
#include "io/array.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include "odeum/error.hpp"

namespace odeum::io {
namespace {

static_assert(std::endian::native == std::endian::little, "files hold little-endian numbers");

template <class T>
void store(std::span<const double> from, std::vector<std::byte>& to) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const T value = static_cast<T>(from[i]);
    std::memcpy(to.data() + i * sizeof(T), &value, sizeof(T));
  }
}

template <class T>
void load(const std::vector<std::byte>& from, std::vector<double>& to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    T value;
    std::memcpy(&value, from.data() + i * sizeof(T), sizeof(T));
    to[i] = static_cast<double>(value);
  }
}

}  // namespace

std::int64_t Array::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) product *= extent;
  return product;
}

Array make_array(DType dtype, std::vector<std::int64_t> shape, std::span<const double> values) {
  Array array{dtype, std::move(shape), {}};
  if (static_cast<std::size_t>(array.elements()) != values.size()) {
    bug("make_array: " + std::to_string(values.size()) + " values for " +
        std::to_string(array.elements()) + " elements");
  }
  array.bytes.resize(values.size() * size_of(dtype));
  if (dtype == DType::f32) store<float>(values, array.bytes);
  if (dtype == DType::f64) store<double>(values, array.bytes);
  if (dtype == DType::i64) {
    std::vector<double> rounded(values.begin(), values.end());
    for (double& v : rounded) v = std::nearbyint(v);
    store<std::int64_t>(rounded, array.bytes);
  }
  return array;
}

std::vector<double> values(const Array& array) {
  std::vector<double> result(static_cast<std::size_t>(array.elements()));
  if (array.dtype == DType::f32) load<float>(array.bytes, result);
  if (array.dtype == DType::f64) load<double>(array.bytes, result);
  if (array.dtype == DType::i64) load<std::int64_t>(array.bytes, result);
  return result;
}

}  // namespace odeum::io
