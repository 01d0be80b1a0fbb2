// SPDX-License-Identifier: Apache-2.0
#include "odeum/shape.hpp"

#include <stdexcept>
#include <utility>

namespace odeum::inline v1 {
namespace {

void check(const std::vector<std::int64_t>& extents) {
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    if (extents[axis] >= 0 || (axis == 0 && extents[axis] == kRows)) continue;
    throw std::invalid_argument("shape: extent " + std::to_string(extents[axis]) + " of axis " +
                                std::to_string(axis) +
                                "; extents are not negative, and only the first may be rows");
  }
}

}  // namespace

const char* name(DType type) {
  switch (type) {
    case DType::f32:
      return "float32";
    case DType::f64:
      return "float64";
    case DType::i64:
      return "int64";
  }
  return "unknown";
}

const char* name(RowClass row_class) {
  switch (row_class) {
    case RowClass::none:
      return "none";
    case RowClass::per_row:
      return "per_row";
    case RowClass::row_sum:
      return "row_sum";
    case RowClass::coupled:
      return "coupled";
  }
  return "unknown";
}

Shape::Shape(std::initializer_list<std::int64_t> extents) : extents_(extents) { check(extents_); }

Shape::Shape(std::vector<std::int64_t> extents) : extents_(std::move(extents)) { check(extents_); }

std::int64_t Shape::elements(std::int64_t rows) const {
  return has_rows() ? rows * elements_per_row() : elements_per_row();
}

std::int64_t Shape::elements_per_row() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : extents_) {
    if (extent != kRows) product *= extent;
  }
  return product;
}

std::string Shape::text() const {
  std::string result = "[";
  for (std::size_t axis = 0; axis < extents_.size(); ++axis) {
    if (axis > 0) result += ", ";
    result += extents_[axis] == kRows ? "rows" : std::to_string(extents_[axis]);
  }
  return result + "]";
}

}  // namespace odeum::inline v1
