// SPDX-License-Identifier: Apache-2.0
// Checking a recorded function in float64: its derivatives of first and second order against
// central differences, its batched forms against loops, and the forms of whole programs against
// those.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "odeum/program.hpp"
#include "odeum/random.hpp"
#include "odeum/tensor.hpp"
#include "odeum/transforms.hpp"
#include "program/interpreter.hpp"

namespace odeum::program::test {

using Values = std::vector<double>;

/// An input of a checked function, filled with uniform numbers of an interval; int64 inputs get
/// whole numbers of [low, high).
struct Range {
  Shape shape;
  double low = -1.0;
  double high = 1.0;
  DType dtype = DType::f64;
};

class Checked {
 public:
  Checked(std::vector<Range> inputs, const Body& body, std::int64_t rows = 3)
      : ranges_(std::move(inputs)), rows_(rows) {
    std::vector<InputSpec> specs;
    RandomStream stream(7, 11);
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      const Range& range = ranges_[i];
      specs.push_back({"x" + std::to_string(i), range.shape, range.dtype});
      points_.push_back(draw(range, stream));
      directions_.push_back(draw({range.shape, -1, 1, range.dtype}, stream));
      others_.push_back(draw({range.shape, -1, 1, range.dtype}, stream));
      if (range.dtype != DType::i64) moving_.push_back(static_cast<int>(i));
    }
    program_ = record(specs, body);
    for (const ValueId id : program_.outputs) {
      weights_.push_back(draw({program_[id].shape, -1, 1, program_[id].dtype}, stream));
    }
  }

  const Program& program() const { return program_; }
  std::vector<Array> values() const { return interpret(program_, rows_, points_); }
  const std::vector<Array>& points() const { return points_; }

  /// Everything below.
  void check_all() const {
    check_first_derivatives();
    check_second_derivatives();
    check_linearization();
    check_batching(program_, points_);
    check_batching(vjp(program_, moving_), joined(points_, weights_));
  }

  /// <w, dF/dx d> by jvp, and <vjp(w), d>, against differences of fourth order.
  void check_first_derivatives() const {
    const double truth = difference([this](double s) {
      return inner(weights_, interpret(program_, rows_, moved(points_, directions_, s)));
    });
    const auto forward =
        interpret(jvp(program_, moving_), rows_, joined(points_, moving(directions_)));
    const std::vector<Array> tangents(forward.end() - static_cast<long>(weights_.size()),
                                      forward.end());
    expect_close(inner(weights_, tangents), truth, "jvp");
    const auto reverse = interpret(vjp(program_, moving_), rows_, joined(points_, weights_));
    const std::vector<Array> cotangents(reverse.begin() + static_cast<long>(weights_.size()),
                                        reverse.end());
    expect_close(inner(cotangents, moving(directions_)), truth, "vjp");
  }

  /// The second derivative along two directions: jvp of jvp, vjp of jvp and jvp of vjp against
  /// differences of the first.
  void check_second_derivatives() const {
    const Program first = jvp(program_, moving_);
    const auto along = moving(directions_);
    const auto first_at = [&](double s) {
      const auto out = interpret(first, rows_, joined(moved(points_, others_, s), along));
      return inner(weights_, {out.end() - static_cast<long>(weights_.size()), out.end()});
    };
    const double truth = difference(first_at);
    const auto twice =
        interpret(jvp(first, moving_), rows_, joined(joined(points_, along), moving(others_)));
    expect_close(inner(weights_, {twice.end() - static_cast<long>(weights_.size()), twice.end()}),
                 truth, "jvp of jvp");
    std::vector<Array> seeds;
    for (const Array& weight : weights_)
      seeds.push_back(Array::zeros(weight.dtype, weight.extents));
    const auto over = interpret(vjp(first, moving_), rows_,
                                joined(joined(points_, along), joined(seeds, weights_)));
    expect_close(
        inner({over.end() - static_cast<long>(moving_.size()), over.end()}, moving(others_)), truth,
        "vjp of jvp");
    const Program reverse = vjp(program_, moving_);
    const auto under =
        interpret(jvp(reverse, moving_), rows_, joined(joined(points_, weights_), moving(others_)));
    expect_close(inner({under.end() - static_cast<long>(moving_.size()), under.end()}, along),
                 truth, "jvp of vjp");
  }

  /// linearize with either kind of residuals gives jvp, its transpose vjp.
  void check_linearization() const {
    const auto reference = interpret(vjp(program_, moving_), rows_, joined(points_, weights_));
    const auto forward =
        interpret(jvp(program_, moving_), rows_, joined(points_, moving(directions_)));
    for (const Residuals policy : {Residuals::all, Residuals::products}) {
      const Linearization parts = linearize(program_, moving_, policy);
      const auto primal = interpret(parts.primal, rows_, points_);
      const std::vector<Array> residuals(primal.end() - parts.residuals, primal.end());
      const auto tangents = interpret(parts.linear, rows_, joined(residuals, moving(directions_)));
      for (std::size_t i = 0; i < tangents.size(); ++i) {
        expect_equal(tangents[i], forward[weights_.size() + i], "linear program");
      }
      const auto cotangents =
          interpret(transpose(parts.linear, parts.residuals), rows_, joined(residuals, weights_));
      for (std::size_t i = 0; i < cotangents.size(); ++i) {
        expect_equal(cotangents[i], reference[weights_.size() + i], "transposed linear program");
      }
    }
  }

  /// vmap over every set of inputs against a loop.
  void check_batching(const Program& program, const std::vector<Array>& at) const {
    const auto count = static_cast<unsigned>(program.inputs.size());
    for (unsigned mask = 1; mask < (1U << count); ++mask) check_batching(program, at, mask);
  }

  static void expect_close(double value, double truth, const char* what) {
    // Differences of fourth order with steps of 1e-3 leave 1e-12 of truncation and 1e-13 of
    // rounding, times the size of high derivatives.
    EXPECT_NEAR(value, truth, 2e-8 * (1.0 + std::abs(truth))) << what;
  }

  static void expect_equal(const Array& value, const Array& truth, const char* what) {
    ASSERT_EQ(value.extents, truth.extents) << what;
    ASSERT_EQ(value.dtype, truth.dtype) << what;
    EXPECT_EQ(value.integers, truth.integers) << what;
    for (std::size_t i = 0; i < value.values.size(); ++i) {
      ASSERT_NEAR(value.values[i], truth.values[i], 1e-11 * (1.0 + std::abs(truth.values[i])))
          << what << ", element " << i;
    }
  }

  static std::vector<Array> joined(std::vector<Array> a, const std::vector<Array>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

 private:
  Array draw(const Range& range, RandomStream& stream) const {
    Array array = Array::zeros(range.dtype, bind(range.shape, rows_));
    for (double& value : array.values) {
      value = range.low + (range.high - range.low) * stream.uniform();
    }
    for (std::int64_t& value : array.integers) {
      value = static_cast<std::int64_t>(
          std::floor(range.low + (range.high - range.low) * stream.uniform()));
    }
    return array;
  }

  std::vector<Array> moving(const std::vector<Array>& all) const {
    std::vector<Array> result;
    for (const int i : moving_) result.push_back(all[static_cast<std::size_t>(i)]);
    return result;
  }

  std::vector<Array> moved(std::vector<Array> from, const std::vector<Array>& along,
                           double step) const {
    for (const int i : moving_) {
      Array& array = from[static_cast<std::size_t>(i)];
      for (std::size_t k = 0; k < array.values.size(); ++k) {
        array.values[k] += step * along[static_cast<std::size_t>(i)].values[k];
      }
    }
    return from;
  }

  static double inner(const std::vector<Array>& a, const std::vector<Array>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      for (std::size_t k = 0; k < a[i].values.size(); ++k) sum += a[i].values[k] * b[i].values[k];
    }
    return sum;
  }

  static double difference(const std::function<double(double)>& f) {
    constexpr double h = 1e-3;
    const double near = f(h) - f(-h);
    const double far = f(2 * h) - f(-2 * h);
    const double farther = f(3 * h) - f(-3 * h);
    return (45 * near - 9 * far + farther) / (60 * h);
  }

  static int map_axis(const Shape& shape) { return shape.has_rows() ? 1 : 0; }

  /// Slice i of an array along the batching axis of values of the given shape.
  static Array take(const Array& batched, const Shape& shape, std::int64_t i) {
    Extents extents = batched.extents;
    const auto axis = static_cast<std::size_t>(map_axis(shape));
    const std::int64_t n = extents[axis];
    extents.erase(extents.begin() + static_cast<long>(axis));
    Array result = Array::zeros(batched.dtype, extents);
    const std::int64_t outer = axis == 1 ? extents[0] : 1;
    const std::int64_t inside = outer == 0 ? 0 : result.size() / outer;
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t k = 0; k < inside; ++k) {
        const auto to = static_cast<std::size_t>(o * inside + k);
        const auto from = static_cast<std::size_t>((o * n + i) * inside + k);
        if (batched.dtype == DType::i64) {
          result.integers[to] = batched.integers[from];
        } else {
          result.values[to] = batched.values[from];
        }
      }
    }
    return result;
  }

  void check_batching(const Program& program, const std::vector<Array>& at, unsigned mask) const {
    constexpr std::int64_t kCopies = 2;
    std::vector<int> mapped;
    std::vector<Array> batched = at;
    for (std::size_t i = 0; i < at.size(); ++i) {
      if ((mask >> i & 1U) == 0) continue;
      mapped.push_back(static_cast<int>(i));
      const Shape& shape = program[program.inputs[i]].shape;
      Extents extents = at[i].extents;
      const auto axis = static_cast<std::size_t>(map_axis(shape));
      extents.insert(extents.begin() + static_cast<long>(axis), kCopies);
      batched[i] = Array::zeros(at[i].dtype, extents);
      // Copies differ: reversed order of elements is another point of the same range.
      const std::int64_t outer = axis == 1 ? extents[0] : 1;
      const std::int64_t inside = outer == 0 ? 0 : at[i].size() / outer;
      for (std::int64_t k = 0; k < at[i].size(); ++k) {
        const auto from = static_cast<std::size_t>(k);
        const auto back = static_cast<std::size_t>(at[i].size() - 1 - k);
        const std::int64_t base = (k / inside) * kCopies * inside + k % inside;
        const auto first = static_cast<std::size_t>(base);
        const auto second = static_cast<std::size_t>(base + inside);
        if (at[i].dtype == DType::i64) {
          batched[i].integers[first] = at[i].integers[from];
          batched[i].integers[second] = at[i].integers[back];
        } else {
          batched[i].values[first] = at[i].values[from];
          batched[i].values[second] = at[i].values[back];
        }
      }
    }
    const Program form = vmap(program, mapped, kCopies);
    const auto together = interpret(form, rows_, batched);
    for (std::int64_t copy = 0; copy < kCopies; ++copy) {
      std::vector<Array> one = at;
      for (const int i : mapped) {
        const auto k = static_cast<std::size_t>(i);
        one[k] = take(batched[k], program[program.inputs[k]].shape, copy);
      }
      const auto alone = interpret(program, rows_, one);
      for (std::size_t o = 0; o < alone.size(); ++o) {
        expect_equal(take(together[o], program[program.outputs[o]].shape, copy), alone[o],
                     ("vmap of inputs " + std::to_string(mask)).c_str());
      }
    }
  }

  std::vector<Range> ranges_;
  std::int64_t rows_;
  Program program_;
  std::vector<Array> points_, directions_, others_, weights_;
  std::vector<int> moving_;
};

/// Runs a function of one float64 array of the given static shape.
inline Array apply(const Shape& shape, Values values, const std::function<Tensor(Tensor)>& f) {
  const InputSpec spec{"x", shape, DType::f64};
  const Program program =
      record({&spec, 1}, [&f](std::span<const Tensor> in) { return std::vector{f(in[0])}; });
  const Array x = Array::of(DType::f64, bind(shape, 0), std::move(values));
  return interpret(program, 0, {&x, 1}).front();
}

inline std::size_t count_ops(const Program& program, Op op) {
  std::size_t count = 0;
  for (const Node& node : program.nodes) count += node.op == op ? 1 : 0;
  return count;
}

}  // namespace odeum::program::test
