// SPDX-License-Identifier: Apache-2.0
// Matrix products of few terms, which have a kernel of their own: for tails of every
// kind, special numbers and sums over few rows.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "plugins/cpu_device_bits.hpp"

namespace odeum {
namespace {

using cpu_device_tests::Array;
using cpu_device_tests::Bytes;
using cpu_device_tests::cpu;
using Tensors = std::vector<Tensor>;

/// The sum over p < k of a[at_a + p a_p] b[at_b + p b_p]; of the finite terms' magnitudes.
struct Sum {
  long double value = 0, magnitude = 0;
};
Sum sum_of(const Array& a, std::int64_t at_a, std::int64_t a_p, const Array& b, std::int64_t at_b,
           std::int64_t b_p, std::int64_t k) {
  Sum sum;
  for (std::int64_t p = 0; p < k; ++p) {
    const long double term =
        static_cast<long double>(a.values[static_cast<std::size_t>(at_a + p * a_p)]) *
        b.values[static_cast<std::size_t>(at_b + p * b_p)];
    sum.value += term;
    if (std::isfinite(term)) sum.magnitude += std::abs(term);
  }
  return sum;
}

/// Each term and each addition is rounded at most once. Where that may overflow, all is well.
template <class T>
void expect_near(T given, const Sum& sum, std::int64_t k, const std::string& what) {
  using Limits = std::numeric_limits<T>;
  if (sum.magnitude > 0.99L * Limits::max()) return;
  if (!std::isfinite(sum.value)) {
    ASSERT_EQ(std::isnan(given), std::isnan(sum.value)) << what;
    if (std::isnan(given)) return;
    ASSERT_EQ(static_cast<long double>(given), sum.value) << what;
    return;
  }
  const long double rounding = sum.magnitude * Limits::epsilon() / 2 + Limits::denorm_min();
  ASSERT_LE(std::abs(static_cast<long double>(given) - sum.value), 2 * k * rounding) << what;
}

/// x w' of k terms, and the sum over few rows of g' x.
template <class T>
void check(DType type, std::int64_t k, std::int64_t n, std::int64_t rows) {
  const std::vector<InputSpec> specs{
      {"x", {kRows, k}, type}, {"w", {n, k}, type}, {"g", {kRows, n}, type}};
  const Program program = record(specs, [](std::span<const Tensor> in) {
    return Tensors{dot("ri,oi->ro", in[0], in[1]), dot("ro,ri->oi", in[2], in[0])};
  });
  auto inputs = cpu_device_tests::special_inputs(program, rows, static_cast<unsigned>(n + k));
  for (Array& array : inputs) {
    for (double& v : array.values) v = static_cast<double>(static_cast<T>(v));
  }
  for (const char* instructions : {"avx512", "avx2", "generic"}) {
    const Bytes results =
        device_tests::run(*cpu("rows", instructions)->compile(program), program, rows, inputs);
    const std::string what = std::string(instructions) + ": " + std::to_string(rows) + " x " +
                             std::to_string(n) + ", " + std::to_string(k) + " terms";
    const T* y = reinterpret_cast<const T*>(results[0].data());
    for (std::int64_t i = 0; i < rows * n; ++i)
      expect_near(y[i], sum_of(inputs[0], i / n * k, 1, inputs[1], i % n * k, 1, k), k, what);
    const T* w = reinterpret_cast<const T*>(results[1].data());
    for (std::int64_t i = 0; i < n * k; ++i)
      expect_near(w[i], sum_of(inputs[2], i / k, n, inputs[0], i % k, k, rows), rows,
                  what + ", sums");
  }
}

TEST(CpuDevice, MultipliesFewTermsToARoundingEach) {
  for (const std::int64_t k : {1, 2, 3, 4, 5}) {
    for (const std::int64_t n : {15, 16, 33, 64, 71, 144}) {
      for (const std::int64_t rows : {1, 3, 4, 37, 150}) {
        check<float>(DType::f32, k, n, rows);
        check<double>(DType::f64, k, n, rows);
      }
    }
  }
}

}  // namespace
}  // namespace odeum
