// SPDX-License-Identifier: Apache-2.0
#include "joint.hpp"

#include <algorithm>

namespace odeum::cvode {

Joint::Joint(std::span<const Member> all, std::vector<std::size_t> members)
    : all_(all), members_(std::move(members)) {
  for (const std::size_t m : members_) {
    (all_[m].shape.has_rows() ? per_row_ : without_rows_) += all_[m].shape.elements_per_row();
  }
}

std::vector<Tensor> Joint::declare(Recording& recording, const std::string& name) const {
  std::vector<Tensor> inputs;
  if (per_row_ > 0) inputs.push_back(recording.input(name, {kRows, per_row_}, DType::f64));
  if (without_rows_ > 0) {
    inputs.push_back(recording.input(name + " without rows", {without_rows_}, DType::f64));
  }
  return inputs;
}

std::vector<Tensor> Joint::join(const State& y) const {
  std::vector<Tensor> with_rows, others;
  for (const std::size_t m : members_) {
    const std::int64_t size = all_[m].shape.elements_per_row();
    const bool has_rows = all_[m].shape.has_rows();
    const Tensor flat = reshape(y[m], has_rows ? Shape{kRows, size} : Shape{size});
    (has_rows ? with_rows : others).push_back(cast(flat, DType::f64));
  }
  std::vector<Tensor> joined;
  if (!with_rows.empty()) joined.push_back(concat(std::move(with_rows)));
  if (!others.empty()) joined.push_back(concat(std::move(others)));
  return joined;
}

void Joint::separate(std::span<const Tensor> joined, State& y) const {
  std::int64_t at_row = 0, at_other = 0;
  for (const std::size_t m : members_) {
    const Member& member = all_[m];
    const std::int64_t size = member.shape.elements_per_row();
    std::int64_t& at = member.shape.has_rows() ? at_row : at_other;
    const Tensor part = member.shape.has_rows() ? joined.front() : joined.back();
    y[m] = cast(reshape(slice(part, -1, at, at + size), Shape(member.shape)), member.dtype);
    at += size;
  }
}

Joint::Entry Joint::entry(std::int64_t index, std::int64_t rows) const {
  const bool in_rows = index < rows * per_row_;
  Entry entry;
  entry.sample = in_rows ? index / per_row_ : -1;
  entry.component = in_rows ? index % per_row_ : index - rows * per_row_;
  for (const std::size_t m : members_) {
    if (all_[m].shape.has_rows() != in_rows) continue;
    entry.member = m;
    const std::int64_t size = all_[m].shape.elements_per_row();
    if (entry.component < size) return entry;
    entry.component -= size;
  }
  bug("a joint vector has no entry " + std::to_string(index));
}

std::vector<std::int64_t> Joint::parts(std::int64_t rows) const {
  std::vector<std::int64_t> counts;
  if (per_row_ > 0) counts.push_back(rows * per_row_);
  if (without_rows_ > 0) counts.push_back(without_rows_);
  return counts;
}

void JointBuffer::place(std::int64_t rows) {
  if (rows == rows_) return;
  rows_ = rows;
  memory_.clear();
  views_.clear();
  for (const std::int64_t count : joint_.parts(rows)) {
    const auto entries = static_cast<std::size_t>(std::max<std::int64_t>(1, count));
    memory_.push_back(device_.allocate(entries * sizeof(double)));
    views_.push_back({memory_.back().get(), 0});
  }
}

void JointBuffer::upload(const double* values) {
  std::size_t part = 0;
  for (const std::int64_t count : joint_.parts(rows_)) {
    device_.upload(views_[part++], values, static_cast<std::size_t>(count) * sizeof(double));
    values += count;
  }
}

void JointBuffer::download(double* values) {
  std::size_t part = 0;
  for (const std::int64_t count : joint_.parts(rows_)) {
    device_.download(values, views_[part++], static_cast<std::size_t>(count) * sizeof(double));
    values += count;
  }
}

}  // namespace odeum::cvode
