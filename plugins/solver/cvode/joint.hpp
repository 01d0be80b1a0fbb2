// SPDX-License-Identifier: Apache-2.0
// Some members of a state as one vector of doubles: first the members with rows, sample by sample,
// [rows, n]; behind them those without, one after another.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "odeum/solve.hpp"

namespace odeum::cvode {

class Joint {
 public:
  Joint() = default;
  Joint(std::span<const Member> all, std::vector<std::size_t> members);

  const std::vector<std::size_t>& members() const { return members_; }
  std::int64_t per_row() const { return per_row_; }  ///< n
  std::int64_t without_rows() const { return without_rows_; }
  std::int64_t entries(std::int64_t rows) const { return rows * per_row_ + without_rows_; }

  /// Entries of each part that there is.
  std::vector<std::int64_t> parts(std::int64_t rows) const;

  /// Inputs of a program that stand for the vector: none, one or both of [rows, n] and [m],
  /// float64.
  std::vector<Tensor> declare(Recording& recording, const std::string& name) const;
  /// The same values from members (of the whole state).
  std::vector<Tensor> join(const State& y) const;
  /// The members' values, in their own types and shapes, put in their places of `y`.
  void separate(std::span<const Tensor> joined, State& y) const;

  /// Where an entry of the vector belongs.
  struct Entry {
    std::size_t member = 0;
    std::int64_t sample = -1;  ///< -1: a member without rows
    std::int64_t component = 0;
  };
  Entry entry(std::int64_t index, std::int64_t rows) const;
  /// For each entry of the vector, the value of its member and component.
  template <class Value>
  std::vector<double> by_entry(std::int64_t rows, const Value& value) const {
    std::vector<double> values;
    for (std::int64_t i = 0; i < entries(rows); ++i) values.push_back(value(entry(i, rows)));
    return values;
  }

 private:
  std::span<const Member> all_;
  std::vector<std::size_t> members_;
  std::int64_t per_row_ = 0, without_rows_ = 0;
};

/// Host values on the device: one allocation for each part of a joint vector.
class JointBuffer {
 public:
  JointBuffer(Device& device, const Joint& joint) : device_(device), joint_(joint) {}
  void place(std::int64_t rows);
  void upload(const double* values);
  void download(double* values);
  const std::vector<View>& views() const { return views_; }  ///< as Joint::declare

 private:
  Device& device_;
  const Joint& joint_;
  std::int64_t rows_ = -1;
  std::vector<std::shared_ptr<void>> memory_;
  std::vector<View> views_;
};

}  // namespace odeum::cvode
