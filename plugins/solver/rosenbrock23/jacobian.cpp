// SPDX-License-Identifier: Apache-2.0
#include "jacobian.hpp"

#include "odeum/transforms.hpp"

namespace odeum::rosenbrock {
namespace {

/// [rows, ...] with one more axis of extent n behind rows.
Shape mapped_shape(const Shape& shape, std::int64_t n) {
  std::vector<std::int64_t> extents = shape.extents();
  extents.insert(extents.begin() + 1, n);
  return Shape(std::move(extents));
}

/// Columns [begin, end) of the unit matrix of size n, for each row: [rows, n, ...].
Tensor basis(Tensor like, std::int64_t n, std::int64_t begin, std::int64_t end) {
  const Tensor row = iota(like, Shape{n, end - begin}, 0, like.dtype());
  const Tensor column = iota(like, Shape{n, end - begin}, 1, like.dtype());
  const Tensor unit = equal(row, column + static_cast<double>(begin));
  const Shape shape = mapped_shape(like.shape(), n);
  std::vector<std::int64_t> one_row = shape.extents();
  one_row[0] = 1;
  return broadcast(reshape(unit, Shape(std::move(one_row))), shape);
}

}  // namespace

Joined::Joined(const Rates& rates, const State& y) {
  for (std::size_t m = 0; m < y.size(); ++m) {
    if (rates.quadrature(m)) continue;
    members_.push_back(m);
    sizes_.push_back(y[m].shape().elements_per_row());
    size_ += sizes_.back();
  }
}

Tensor Joined::join(const State& values) const {
  std::vector<Tensor> parts;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    parts.push_back(reshape(values[members_[i]], {kRows, sizes_[i]}));
  }
  return concat(std::move(parts));
}

void Joined::separate(Tensor joined, const State& like, State& to) const {
  const std::vector<Tensor> parts = split(joined, sizes_);
  for (std::size_t i = 0; i < members_.size(); ++i) {
    to[members_[i]] = reshape(parts[i], like[members_[i]].shape());
  }
}

Tensor jacobian(const Joined& joined, const State& rates, const State& y) {
  const std::int64_t n = joined.size();
  State outputs, inputs, tangents, directions;
  std::int64_t begin = 0;
  for (const std::size_t m : joined.members()) {
    const std::int64_t size = y[m].shape().elements_per_row();
    outputs.push_back(rates[m]);
    inputs.push_back(y[m]);
    // A tangent that the whole basis is put in place of.
    tangents.push_back(placeholder(y[m]));
    directions.push_back(basis(y[m], n, begin, begin + size));
    begin += size;
  }
  std::vector<Tensor> columns = vmap(jvp(outputs, inputs, tangents), tangents, directions);
  for (Tensor& column : columns) {
    const std::int64_t size = column.shape().elements_per_row() / n;
    column = reshape(column, {kRows, n, size});
  }
  return permute(concat(std::move(columns)), {0, 2, 1});
}

}  // namespace odeum::rosenbrock
