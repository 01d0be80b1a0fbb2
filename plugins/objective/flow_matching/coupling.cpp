// SPDX-License-Identifier: Apache-2.0
#include "coupling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "assignment.hpp"
#include "odeum/program.hpp"

namespace odeum::objectives {
namespace {

// An assignment of so many rows takes some 20 ms, of eight times as many the 500-fold.
constexpr std::int64_t kMostTogether = 256;

/// Of |x_i - e_j|^2 only -2 x_i e_j depends on how rows are coupled.
std::vector<double> costs(const std::vector<double>& x, const std::vector<double>& base,
                          std::size_t rows) {
  const std::size_t width = x.size() / rows;
  std::vector<double> cost(rows * rows);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < rows; ++j) {
      cost[i * rows + j] =
          -std::inner_product(&x[i * width], &x[i * width] + width, &base[j * width], 0.0);
    }
  }
  return cost;
}

class OptimalCoupling final : public HostFunction {
 public:
  OptimalCoupling(Shape shape, DType type) : shape_(std::move(shape)), type_(type) {}

  std::string name() const override { return "optimal coupling of a batch"; }
  std::vector<Value> outputs() const override { return {{shape_, type_, RowClass::coupled}}; }

  void run(std::int64_t rows, std::span<const void* const> inputs,
           std::span<void* const> outputs) override {
    if (type_ == DType::f32) {
      couple<float>(rows, inputs, outputs);
    } else {
      couple<double>(rows, inputs, outputs);
    }
  }

 private:
  template <class T>
  void couple(std::int64_t rows, std::span<const void* const> inputs,
              std::span<void* const> outputs) const {
    const auto width = static_cast<std::size_t>(shape_.elements_per_row());
    const auto* x = static_cast<const T*>(inputs[0]);
    const auto* base = static_cast<const T*>(inputs[1]);
    auto* result = static_cast<T*>(outputs[0]);
    for (std::int64_t begin = 0; begin < rows; begin += kMostTogether) {
      const auto n = static_cast<std::size_t>(std::min(kMostTogether, rows - begin));
      const std::size_t at = static_cast<std::size_t>(begin) * width;
      couple_group(x + at, base + at, result + at, n, width);
    }
  }

  template <class T>
  static void couple_group(const T* x, const T* base, T* result, std::size_t n, std::size_t width) {
    const std::size_t count = n * width;
    const std::vector<double> cost = costs({x, x + count}, {base, base + count}, n);
    if (!std::all_of(cost.begin(), cost.end(), [](double one) { return std::isfinite(one); })) {
      std::copy(base, base + count, result);
      return;
    }
    const std::vector<std::size_t> chosen = cheapest_assignment(cost, n);
    for (std::size_t i = 0; i < n; ++i) {
      const T* from = base + chosen[i] * width;
      std::copy(from, from + width, result + i * width);
    }
  }

  Shape shape_;
  DType type_;
};

}  // namespace

Tensor optimally_coupled(Tensor x, Tensor base) {
  const std::array arguments{stop_gradient(x), stop_gradient(base)};
  return host_call(std::make_shared<OptimalCoupling>(base.shape(), base.dtype()), arguments)
      .front();
}

}  // namespace odeum::objectives
