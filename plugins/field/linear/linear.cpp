// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "odeum/field.hpp"
#include "odeum/plugin.hpp"

namespace odeum::fields {
namespace {

class Linear final : public VectorField {
 public:
  static Schema schema() {
    Schema s("dz/dt = A z + b + c t, for a constant matrix A");
    s.numbers("matrix", "entries of A, row by row").size(1);
    s.numbers("bias", {}, "entries of b; left out: zeros");
    s.numbers("slope", "entries of c; left out: no such term").size(1).optional();
    s.flag("learn", false,
           "whether A, b and, where it is given, c are trained from these values: they become A + "
           "matrix_change, b + bias_change and c + slope_change, with parameters that start at "
           "zero");
    return s;
  }

  explicit Linear(const Config& config)
      : matrix_(config.numbers("matrix")),
        bias_(config.numbers("bias")),
        slope_(config.has("slope") ? config.numbers("slope") : std::vector<double>{}),
        features_(std::llround(std::sqrt(static_cast<double>(matrix_.size())))),
        learn_(config.flag("learn")) {
    if (features_ * features_ != static_cast<std::int64_t>(matrix_.size())) {
      config.fail("matrix",
                  "has " + std::to_string(matrix_.size()) +
                      " entries, which is no square; write all rows of A, one after another");
    }
    if (!bias_.empty() && static_cast<std::int64_t>(bias_.size()) != features_) {
      config.fail("bias", "has " + std::to_string(bias_.size()) + " entries; the matrix has " +
                              std::to_string(features_) + " rows");
    }
    if (!slope_.empty() && static_cast<std::int64_t>(slope_.size()) != features_) {
      config.fail("slope", "has " + std::to_string(slope_.size()) + " entries; the matrix has " +
                               std::to_string(features_) + " rows");
    }
  }

  Tensor operator()(Scope& scope, Tensor t, Tensor z) const override {
    const Tensor rate = autonomous(scope, z);
    if (slope_.empty()) return rate;
    return rate + t * value(scope, z, "slope_change", {features_}, slope_);
  }

  std::int64_t features() const override { return features_; }

 private:
  Tensor autonomous(Scope& scope, Tensor z) const {
    Tensor a = value(scope, z, "matrix_change", {features_, features_}, matrix_);
    if (bias_.empty() && !learn_) return odeum::linear(z, a);
    const std::vector<double> zeros(static_cast<std::size_t>(features_), 0.0);
    return odeum::linear(
        z, a, value(scope, z, "bias_change", {features_}, bias_.empty() ? zeros : bias_));
  }

  Tensor value(Scope& scope, Tensor like, const std::string& change, const Shape& shape,
               const std::vector<double>& start) const {
    Tensor fixed = constant(like, shape, start);
    if (!learn_) return fixed;
    return fixed + scope.parameter(change, shape, Initializer::constant(0.0));
  }

  std::vector<double> matrix_;
  std::vector<double> bias_;
  std::vector<double> slope_;
  std::int64_t features_;
  bool learn_;
};

ODEUM_PLUGIN(field, "linear", Linear, "1.0.0", "dz/dt = A z + b + c t")

}  // namespace
}  // namespace odeum::fields
