// SPDX-License-Identifier: Apache-2.0
#include "solve/spectral_radius.hpp"

#include <cmath>

#include "odeum/program.hpp"
#include "odeum/random.hpp"
#include "odeum/transforms.hpp"

namespace odeum::solve {
namespace {

// The ratio of the two largest eigenvalues to this power is what the estimate is wrong by; the
// growth over the last ones is averaged, for it oscillates where the largest are a complex pair.
constexpr int kIterations = 32;
constexpr int kAveraged = 12;
constexpr double kVanishing = 1e-300;

Tensor along_rows(Tensor per_row, const Shape& shape) {
  std::vector<std::int64_t> extents(static_cast<std::size_t>(shape.rank()), 1);
  extents[0] = kRows;
  return reshape(per_row, Shape(extents));
}

Tensor inner_product(const State& a, const State& b) {
  Tensor total;
  for (std::size_t m = 0; m < a.size(); ++m) {
    const Tensor product = sum_features(cast(a[m], DType::f64) * cast(b[m], DType::f64));
    total = total ? total + product : product;
  }
  return total;
}

/// (t, members, constants, v) to (J v / |J v|, |J v|, v^T J v).
Program record_power(const Dynamics& dynamics) {
  Recording recording;
  const Tensor t = recording.input("t", {1}, DType::f64);
  State y;
  for (const Member& m : dynamics.members) y.push_back(recording.input(m.name, m.shape, m.dtype));
  std::vector<Tensor> constants;
  for (const InputSpec& s : dynamics.constants) {
    constants.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  State v;
  State variables;
  State outputs;
  const State rates = dynamics.rates(t, y, constants);
  for (const std::size_t m : coupled_members(dynamics)) {
    const Member& member = dynamics.members[m];
    v.push_back(recording.input("tangent of " + member.name, member.shape, member.dtype));
    variables.push_back(y[m]);
    outputs.push_back(rates[m]);
  }
  const State product = jvp(outputs, variables, v);
  const Tensor length = sqrt(inner_product(product, product));
  State results;
  for (const Tensor& one : product) {
    const Tensor scale = cast(1.0 / max(length, kVanishing), one.dtype());
    results.push_back(one * along_rows(scale, one.shape()));
  }
  results.push_back(length);
  results.push_back(inner_product(v, product));
  return recording.program(results);
}

void upload_unit_vectors(Device& device, std::int64_t rows, const std::vector<ValueSpec>& specs,
                         std::span<const View> to) {
  for (std::size_t m = 0; m < specs.size(); ++m) {
    RandomStream random(stream_key(0, Purpose::probe, m), 0);
    const auto count = static_cast<std::size_t>(specs[m].shape.elements(rows));
    const double scale = 1.0 / std::sqrt(static_cast<double>(specs[m].shape.elements_per_row()) *
                                         static_cast<double>(specs.size()));
    std::vector<double> values(count);
    for (double& value : values) value = scale * random.normal();
    if (specs[m].dtype == DType::f64) {
      device.upload(to[m], values.data(), count * sizeof(double));
    } else {
      const std::vector<float> single(values.begin(), values.end());
      device.upload(to[m], single.data(), count * sizeof(float));
    }
  }
}

}  // namespace

std::vector<std::size_t> coupled_members(const Dynamics& dynamics) {
  const std::vector<bool> quadrature = quadratures(dynamics);
  std::vector<std::size_t> members;
  for (std::size_t m = 0; m < quadrature.size(); ++m) {
    if (!quadrature[m] && dynamics.members[m].shape.has_rows()) members.push_back(m);
  }
  return members;
}

SpectralRadius::SpectralRadius(const Dynamics& dynamics, std::shared_ptr<Device> device)
    : device_(std::move(device)),
      run_(device_->compile(optimize(record_power(dynamics)),
                            {.name = "spectral radius", .outputs = {}})),
      workspace_(*device_) {
  for (const std::size_t m : coupled_members(dynamics)) {
    const Member& member = dynamics.members[m];
    tangents_.push_back({member.name, member.shape, member.dtype, RowClass::per_row});
  }
  workspace_.add({{"t", {1}, DType::f64, RowClass::none}}, &t_);
  workspace_.add(tangents_, &from_);
  workspace_.add(tangents_, &to_);
  workspace_.add({{"length", {kRows}, DType::f64, RowClass::per_row},
                  {"product", {kRows}, DType::f64, RowClass::per_row}},
                 &measured_);
}

std::vector<SpectralRadius::Estimate> SpectralRadius::at(std::int64_t rows, double t,
                                                         std::span<const View> members,
                                                         std::span<const View> constants) {
  workspace_.place(rows);
  device_->upload(t_.front(), &t, sizeof t);
  upload_unit_vectors(*device_, rows, tangents_, from_);

  const auto count = static_cast<std::size_t>(rows);
  std::vector<double> length(count);
  std::vector<double> product(count);
  std::vector<double> logarithms(count, 0.0);
  for (int i = 0; i < kIterations; ++i) {
    std::vector<View> inputs{t_.front()};
    inputs.insert(inputs.end(), members.begin(), members.end());
    inputs.insert(inputs.end(), constants.begin(), constants.end());
    inputs.insert(inputs.end(), from_.begin(), from_.end());
    std::vector<View> outputs = to_;
    outputs.insert(outputs.end(), measured_.begin(), measured_.end());
    run_->run(rows, inputs, outputs);
    std::swap(from_, to_);
    if (i < kIterations - kAveraged) continue;
    device_->download(length.data(), measured_[0], count * sizeof(double));
    for (std::size_t row = 0; row < count; ++row) {
      logarithms[row] += std::log(std::max(length[row], kVanishing)) / kAveraged;
    }
  }
  device_->download(product.data(), measured_[1], count * sizeof(double));
  std::vector<Estimate> estimates(count);
  for (std::size_t row = 0; row < count; ++row) {
    const double radius = std::exp(logarithms[row]);
    if (radius < 1e-200) continue;
    estimates[row] = {radius, product[row] / radius};
    if (!std::isfinite(length[row])) estimates[row].radius = std::nan("");
  }
  return estimates;
}

}  // namespace odeum::solve
