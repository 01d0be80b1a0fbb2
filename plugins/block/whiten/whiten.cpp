// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "../sample.hpp"
#include "odeum/block.hpp"
#include "odeum/plugin.hpp"

namespace odeum::blocks {
namespace {

/// Square matrices, row-major.
using Matrix = std::vector<double>;

/// The lower triangular L with L L^T = a. Returns the first row without a positive pivot, or n.
std::size_t factorise(Matrix& a, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i != j) {
        a[i * n + j] = sum / a[j * n + j];
        continue;
      }
      // A direction without variance beyond rounding.
      if (!(sum > 1e-12 * a[i * n + i])) return i;
      a[i * n + i] = std::sqrt(sum);
    }
    for (std::size_t j = i + 1; j < n; ++j) a[i * n + j] = 0.0;
  }
  return n;
}

Matrix inverse_of_lower(const Matrix& l, std::size_t n) {
  Matrix inverse(n * n, 0.0);
  for (std::size_t column = 0; column < n; ++column) {
    for (std::size_t i = column; i < n; ++i) {
      double sum = i == column ? 1.0 : 0.0;
      for (std::size_t k = column; k < i; ++k) sum -= l[i * n + k] * inverse[k * n + column];
      inverse[i * n + column] = sum / l[i * n + i];
    }
  }
  return inverse;
}

class Whiten final : public Block {
 public:
  static Schema schema() {
    Schema s(
        "Mean 0 and covariance 1: L^-1 (x - mean), with L the Cholesky factor of the training "
        "rows' "
        "covariance, kept with the model. A flow behind it starts from the full-covariance "
        "Gaussian");
    declare_log_determinant(s, "-ln det L, so that likelihoods are of the data in their own units",
                            "likelihoods are of the whitened data");
    return s;
  }

  explicit Whiten(const Config& config)
      : config_(config), counts_(counts_log_determinant(config)) {}

  Output forward(Scope& scope, Tensor x) const override {
    const std::int64_t n = x.shape().elements_per_row();
    const Tensor centred = x - scope.buffer("mean", sample_shape(x), 0.0);
    const Tensor y =
        linear(reshape(centred, {kRows, n}), scope.buffer("inverse_factor", {n, n}, 0.0));
    scope.buffer("factor", {n, n},
                 0.0);  // of the inverse: a model's buffers are those of its forward
    Output output{reshape(y, x.shape()), {}};
    if (counts_) {
      const Tensor determinant = cast(scope.buffer("log_determinant", {1}, 0.0), DType::f64);
      output.log_determinant = broadcast(determinant, Shape{kRows});
    }
    return output;
  }

  Tensor inverse(Scope& scope, Tensor y) const override {
    const std::int64_t n = y.shape().elements_per_row();
    const Tensor x = linear(reshape(y, {kRows, n}), scope.buffer("factor", {n, n}, 0.0));
    return reshape(x, y.shape()) + scope.buffer("mean", sample_shape(y), 0.0);
  }

  bool needs_moments() const override { return true; }
  bool needs_covariance() const override { return true; }

  std::map<std::string, std::vector<double>> fit(const Moments& moments) const override {
    const std::size_t n = moments.mean.size();
    Matrix factor = moments.covariance;
    const std::size_t row = factorise(factor, n);
    if (row != n) {
      config_.fail("", "feature " + std::to_string(row) +
                           " is constant over the training rows, or a combination of those before "
                           "it, and cannot be whitened; leave it out of the data's columns");
    }
    double determinant = 0.0;
    for (std::size_t i = 0; i < n; ++i) determinant -= std::log(factor[i * n + i]);
    return {{"mean", moments.mean},
            {"factor", factor},
            {"inverse_factor", inverse_of_lower(factor, n)},
            {"log_determinant", {determinant}}};
  }

 private:
  Config config_;
  bool counts_;
};

ODEUM_PLUGIN(block, "whiten", Whiten, "1.0.0", "Mean 0 and covariance 1")

}  // namespace
}  // namespace odeum::blocks
