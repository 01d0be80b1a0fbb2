// SPDX-License-Identifier: Apache-2.0
// Random programs on the CPU device against the float64 interpreter: shapes, views, fusion, phases
// and memory in combinations that nobody thought of.
#include <gtest/gtest.h>

#include <random>

#include "device/compare.hpp"
#include "loaded.hpp"

namespace odeum {
namespace {

/// Grows a program by one random operation at a time.
class Growth {
 public:
  Growth(unsigned seed, DType type) : random_(seed), type_(type) {
    values_.reserve(100);
    for (const Shape& shape :
         {Shape{kRows, 3, 4}, Shape{kRows, 12}, Shape{kRows, 1}, Shape{3, 4}, Shape{4}, Shape{1}}) {
      values_.push_back(recording_.input("x" + std::to_string(values_.size()), shape, type));
    }
  }

  Program program(int operations) {
    for (int i = 0; i < operations; ++i) {
      const Tensor next = operation();
      // Bounded values keep rounding errors comparable through long chains.
      values_.push_back(below(3) == 0 ? next : tanh(next));
    }
    std::vector<Tensor> outputs;
    outputs.reserve(6);
    for (int k = 0; k < 6; ++k)
      outputs.push_back(values_[values_.size() - 1 - below(values_.size() / 2)]);
    return recording_.program(outputs);
  }

 private:
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }
  Tensor any() { return values_[below(values_.size())]; }
  Tensor with_rank(int rank) {
    for (int attempt = 0; attempt < 50; ++attempt) {
      const Tensor x = any();
      if (x.rank() >= rank) return x;
    }
    return values_[0];
  }
  /// A value that broadcasts with x, or x itself.
  Tensor beside(Tensor x) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      const Tensor y = any();
      bool fits = y.rank() <= x.rank();
      for (int axis = 1; fits && axis <= y.rank(); ++axis) {
        const std::int64_t a = x.shape()[x.rank() - axis], b = y.shape()[y.rank() - axis];
        fits = a == b || b == 1;
      }
      if (fits) return y;
    }
    return x;
  }
  int axis_of(Tensor x) {
    const int first = x.shape().has_rows() ? 1 : 0;
    return x.rank() > first
               ? first + static_cast<int>(below(static_cast<std::size_t>(x.rank() - first)))
               : -1;
  }

  Tensor operation() {
    switch (below(12)) {
      case 0:
        return unary(any());
      case 1:
      case 2:
      case 3:
        return binary();
      case 4: {
        const Tensor x = any();
        const int axis = axis_of(x);
        if (axis < 0 || x.extent(axis) < 2) return -x;
        const auto begin =
            static_cast<std::int64_t>(below(static_cast<std::size_t>(x.extent(axis)) - 1));
        return slice(
            x, axis, begin,
            begin + 1 +
                static_cast<std::int64_t>(below(static_cast<std::size_t>(x.extent(axis) - begin))));
      }
      case 5: {
        const Tensor x = with_rank(2);
        const int axis = axis_of(x);
        return axis < 0 || x.shape().elements_per_row() > 40
                   ? -x
                   : pad(x, axis, static_cast<std::int64_t>(below(2)), 1);
      }
      case 6: {
        const Tensor x = with_rank(2);
        const int axis = axis_of(x);
        return axis < 0 || x.shape().elements_per_row() > 40 ? sin(x)
                                                             : concat({x, 0.5 * x, cos(x)}, axis);
      }
      case 7: {
        const Tensor x = with_rank(3);
        std::vector<int> axes =
            x.shape().has_rows() ? std::vector<int>{0, 2, 1} : std::vector<int>{2, 0, 1};
        return x.rank() == 3 ? permute(x, axes)
                             : (x.rank() == 2 && !x.shape().has_rows() ? permute(x, {1, 0}) : -x);
      }
      case 8: {
        const Tensor x = any();
        const std::int64_t n = x.shape().elements_per_row();
        return x.shape().has_rows()
                   ? reshape(x, below(2) == 0 ? Shape{kRows, n} : Shape{kRows, n, 1})
                   : reshape(x, {n});
      }
      case 9: {
        const Tensor x = with_rank(2);
        const int axis = axis_of(x);
        return axis < 0 ? abs(x) : (below(4) == 0 ? reduce_max(x, {axis}) : 0.3 * sum(x, {axis}));
      }
      case 10: {
        const Tensor x = any();
        return x.shape().has_rows() ? (below(3) == 0 ? reduce_max(x, {0}) : mean(x, {0}))
                                    : square(x);
      }
      default: {
        const Tensor x = with_rank(2), y = with_rank(2);
        const bool rows = x.shape().has_rows() && y.shape().has_rows();
        if (rows && x.rank() == 2 && y.rank() == 2)
          return 0.01 * dot(below(2) == 0 ? "ri,rj->ij" : "ri,rj->rij", x, y);
        if (x.extent(-1) == y.extent(-1) && !y.shape().has_rows() && y.rank() == 2)
          return 0.3 * linear(x, y);
        return x - 0.5;
      }
    }
  }
  Tensor unary(Tensor x) {
    switch (below(6)) {
      case 0:
        return sin(x);
      case 1:
        return exp(0.1 * x);
      case 2:
        return softplus(x);
      case 3:
        return square(x);
      case 4:
        return sqrt(abs(x) + 1.0);
      default:
        return sigmoid(x);
    }
  }
  Tensor binary() {
    const Tensor x = any();
    const Tensor y = beside(x);
    switch (below(5)) {
      case 0:
        return x + y;
      case 1:
        return x - y;
      case 2:
        return x * y + x;
      case 3:
        return max(x, y) - y * 0.5;
      default:
        return y / (2.0 + square(x));
    }
  }

  std::mt19937 random_;
  DType type_;
  Recording recording_;
  std::vector<Tensor> values_;
};

class RandomPrograms : public testing::TestWithParam<DType> {};

TEST_P(RandomPrograms, AgreeWithTheReference) {
  const std::vector<std::shared_ptr<Device>> devices = {
      plugin_tests::make<Device>("cpu", "threads: 2\nplan: rows\n"),
      plugin_tests::make<Device>("cpu", "threads: 2\nplan: tasks\n"),
      plugin_tests::make<Device>("cpu", "threads: 2\nplan: straight\n")};
  for (unsigned seed = 1; seed <= 150; ++seed) {
    const Program program = Growth(seed, GetParam()).program(10 + static_cast<int>(seed % 40));
    for (const std::int64_t rows : {1, 37, 300}) {
      // Kinks and large sums amplify roundings; a wrong element is off by far more.
      device_tests::expect_reference(devices, program, rows,
                                     device_tests::random_inputs(program, rows, seed),
                                     {3e-3, 1e-10}, "seed " + std::to_string(seed));
      if (HasFailure()) {
        ADD_FAILURE() << program.text();
        return;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(CpuDevice, RandomPrograms, testing::Values(DType::f32, DType::f64),
                         [](const auto& type) { return std::string(name(type.param)); });

}  // namespace
}  // namespace odeum
