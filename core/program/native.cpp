// SPDX-License-Identifier: Apache-2.0
#include "odeum/native.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "odeum/error.hpp"
#include "odeum/program.hpp"

namespace odeum::inline v1 {
namespace {

// The cube root of the rounding: where truncation and rounding of central differences balance.
constexpr double kStep = 6e-6;

/// The arguments of one call, sample by sample.
struct Batch {
  std::int64_t rows;
  std::size_t features;
  std::size_t parameter_count;
  const double* t;
  const double* z;
  const double* parameters;

  std::span<const double> state(std::int64_t row) const {
    return {z + static_cast<std::size_t>(row) * features, features};
  }
  std::span<const double> all_parameters() const { return {parameters, parameter_count}; }
};

double inner(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// cotangent^T d rate / d (t, z, parameters) by central differences.
void differences(const NativeRate& code, double t, std::span<const double> z,
                 std::span<const double> parameters, std::span<const double> cotangent,
                 double& of_t, std::span<double> of_z, std::span<double> of_parameters) {
  std::vector<double> point(z.begin(), z.end());
  std::vector<double> theta(parameters.begin(), parameters.end());
  std::vector<double> above(z.size());
  std::vector<double> below(z.size());
  const auto slope = [&](double& entry) {
    const double value = entry;
    const double h = kStep * std::max(1.0, std::abs(value));
    entry = value + h;
    code.rate(t, point, theta, above);
    entry = value - h;
    code.rate(t, point, theta, below);
    entry = value;
    return (inner(cotangent, above) - inner(cotangent, below)) / (2.0 * h);
  };
  of_t = slope(t);
  for (std::size_t i = 0; i < point.size(); ++i) of_z[i] = slope(point[i]);
  for (std::size_t i = 0; i < theta.size(); ++i) of_parameters[i] = slope(theta[i]);
}

struct Sizes {
  std::int64_t features;
  std::int64_t parameters;
};

Batch batch_of(Sizes sizes, std::int64_t rows, std::span<const void* const> inputs) {
  return {rows,
          static_cast<std::size_t>(sizes.features),
          static_cast<std::size_t>(sizes.parameters),
          static_cast<const double*>(inputs[0]),
          static_cast<const double*>(inputs[1]),
          sizes.parameters > 0 ? static_cast<const double*>(inputs[2]) : nullptr};
}

/// (t, z, parameters, cotangents of the rate) to the cotangents of the first three.
class NativeVjp final : public HostFunction {
 public:
  NativeVjp(std::shared_ptr<const NativeRate> code, Sizes sizes)
      : code_(std::move(code)), sizes_(sizes) {}

  std::string name() const override { return "derivative of " + code_->name(); }
  std::vector<Value> outputs() const override {
    std::vector<Value> values{{{kRows, 1}, DType::f64, RowClass::per_row},
                              {{kRows, sizes_.features}, DType::f64, RowClass::per_row}};
    if (sizes_.parameters > 0) {
      values.push_back({{sizes_.parameters}, DType::f64, RowClass::row_sum});
    }
    return values;
  }
  void run(std::int64_t rows, std::span<const void* const> inputs,
           std::span<void* const> outputs) override {
    const Batch batch = batch_of(sizes_, rows, inputs);
    const auto* cotangents = static_cast<const double*>(inputs.back());
    auto* of_t = static_cast<double*>(outputs[0]);
    auto* of_z = static_cast<double*>(outputs[1]);
    std::vector<double> of_parameters(batch.parameter_count);
    std::vector<double> total(batch.parameter_count, 0.0);
    const bool own = code_->derivative() == NativeRate::Derivative::own;
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::size_t at = static_cast<std::size_t>(row) * batch.features;
      const std::span<const double> cotangent(cotangents + at, batch.features);
      const std::span<double> target(of_z + at, batch.features);
      if (own) {
        code_->vjp(batch.t[row], batch.state(row), batch.all_parameters(), cotangent, of_t[row],
                   target, of_parameters);
      } else {
        differences(*code_, batch.t[row], batch.state(row), batch.all_parameters(), cotangent,
                    of_t[row], target, of_parameters);
      }
      for (std::size_t i = 0; i < total.size(); ++i) total[i] += of_parameters[i];
    }
    if (!total.empty()) std::copy(total.begin(), total.end(), static_cast<double*>(outputs[2]));
  }

 private:
  std::shared_ptr<const NativeRate> code_;
  Sizes sizes_;
};

class NativeCall final : public HostFunction {
 public:
  NativeCall(std::shared_ptr<const NativeRate> code, Sizes sizes)
      : code_(std::move(code)), sizes_(sizes) {}

  std::string name() const override { return code_->name(); }
  std::vector<Value> outputs() const override {
    return {{{kRows, sizes_.features}, DType::f64, RowClass::per_row}};
  }
  void run(std::int64_t rows, std::span<const void* const> inputs,
           std::span<void* const> outputs) override {
    const Batch batch = batch_of(sizes_, rows, inputs);
    auto* rates = static_cast<double*>(outputs[0]);
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::size_t at = static_cast<std::size_t>(row) * batch.features;
      code_->rate(batch.t[row], batch.state(row), batch.all_parameters(),
                  {rates + at, batch.features});
    }
  }
  std::shared_ptr<HostFunction> vjp() override {
    if (code_->derivative() == NativeRate::Derivative::none) return nullptr;
    return std::make_shared<NativeVjp>(code_, sizes_);
  }

 private:
  std::shared_ptr<const NativeRate> code_;
  Sizes sizes_;
};

}  // namespace

NativeRate::~NativeRate() = default;

void NativeRate::vjp(double, std::span<const double>, std::span<const double>,
                     std::span<const double>, double&, std::span<double>, std::span<double>) const {
  bug("NativeRate::vjp was called on '" + name() + "', which says to have its own and has none");
}

Tensor native_rate(std::shared_ptr<const NativeRate> code, Tensor t, Tensor z, Tensor parameters) {
  if (z.rank() != 2) {
    throw std::invalid_argument("native_rate: states are [rows, features], this one is " +
                                z.shape().text());
  }
  const Sizes sizes{z.extent(1), parameters ? parameters.extent(0) : 0};
  std::vector<Tensor> arguments{broadcast(cast(t, DType::f64), {kRows, 1}), cast(z, DType::f64)};
  if (parameters) arguments.push_back(cast(parameters, DType::f64));
  const auto function = std::make_shared<NativeCall>(std::move(code), sizes);
  return cast(host_call(function, arguments).front(), z.dtype());
}

}  // namespace odeum::inline v1
