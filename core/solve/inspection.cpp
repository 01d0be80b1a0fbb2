// SPDX-License-Identifier: Apache-2.0
#include "solve/inspection.hpp"

#include <array>
#include <cmath>

#include "odeum/program.hpp"
#include "odeum/transforms.hpp"
#include "solve/error_norm.hpp"

namespace odeum::solve {
namespace {

double rounding(DType type) {
  return type == DType::f32 ? std::numeric_limits<float>::epsilon()
                            : std::numeric_limits<double>::epsilon();
}

/// Each entry moved by at most a rounding of it, not all in one direction.
Tensor moved_by_rounding(Tensor z) {
  const Shape entry = [&] {
    std::vector<std::int64_t> extents = z.shape().extents();
    extents[0] = 1;
    return Shape(extents);
  }();
  const Tensor index = iota(z, entry, z.rank() - 1, z.dtype());
  return z * (1.0 + rounding(z.dtype()) * sign(cos(2.0 * index + 1.0)));
}

/// A per-row number: the largest or the sum over what the members have.
template <class Combine>
Tensor over_members(const State& values, const Combine& combine) {
  Tensor result = values.front();
  for (std::size_t m = 1; m < values.size(); ++m) result = combine(result, values[m]);
  return result;
}

Tensor largest_entry(Tensor z) {
  std::vector<int> axes;
  for (int axis = 1; axis < z.rank(); ++axis) axes.push_back(axis);
  return axes.empty() ? cast(abs(z), DType::f64) : cast(reduce_max(abs(z), axes), DType::f64);
}

Tensor sum_of_products(const State& a, const State& b) {
  State products;
  for (std::size_t m = 0; m < a.size(); ++m) {
    products.push_back(sum_features(cast(a[m], DType::f64) * cast(b[m], DType::f64)));
  }
  return over_members(products, [](Tensor x, Tensor y) { return x + y; });
}

/// Over a number of each row, which counts as a constant.
State scaled(const State& values, Tensor unit) {
  State result;
  for (const Tensor& value : values) {
    std::vector<std::int64_t> extents(static_cast<std::size_t>(value.rank()), 1);
    extents[0] = kRows;
    const Tensor fixed = stop_gradient(max(unit, std::numeric_limits<double>::min()));
    result.push_back(cast(value, DType::f64) / reshape(fixed, Shape(extents)));
  }
  return result;
}

/// (t, members, constants) to (d ln|z| / dt, its derivative, |z| [rows]; noise [1]).
Program record_inspection(const Dynamics& dynamics, const SolveOptions& options) {
  Recording recording;
  const Tensor t = recording.input("t", {1}, DType::f64);
  State y;
  for (const Member& m : dynamics.members) y.push_back(recording.input(m.name, m.shape, m.dtype));
  std::vector<Tensor> constants;
  for (const InputSpec& s : dynamics.constants) {
    constants.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  const State rates = dynamics.rates(t, y, constants);
  const std::vector<std::size_t> coupled = coupled_members(dynamics);
  State z;
  State f;
  State moved = y;
  State sizes;
  for (const std::size_t m : coupled) {
    z.push_back(y[m]);
    f.push_back(rates[m]);
    moved[m] = moved_by_rounding(y[m]);
    sizes.push_back(largest_entry(y[m]));
  }

  // In units of the largest entry, so that squares of huge numbers do not overflow.
  const Tensor unit = over_members(sizes, [](Tensor a, Tensor b) { return max(a, b); });
  const State unit_z = scaled(z, unit);
  const std::array growth{sum_of_products(unit_z, scaled(f, unit)) /
                          sum_of_products(unit_z, unit_z)};
  const Tensor length = unit * sqrt(sum_of_products(unit_z, unit_z));
  State variables{t};
  State tangents{full(t, {1}, 1.0)};
  variables.insert(variables.end(), z.begin(), z.end());
  tangents.insert(tangents.end(), f.begin(), f.end());
  const Tensor faster = jvp(growth, variables, tangents).front();

  const DType type = dynamics.members.front().dtype;
  const State other = dynamics.rates(t * (1.0 + rounding(type)), moved, constants);
  Tensor noise = full(t, {1}, 0.0);
  for (const std::size_t m : coupled) {
    const Member& member = dynamics.members[m];
    if (!member.in_error_norm) continue;
    const Tensor ratio = (other[m] - rates[m]) / tolerance(abs(y[m]), member, options);
    noise = max(noise, root_mean_square(ratio, member.norm_weight));
  }
  const std::array outputs{broadcast(growth.front(), {kRows}), broadcast(faster, {kRows}), length,
                           noise};
  return recording.program(outputs);
}

}  // namespace

Inspection::Inspection(const Dynamics& dynamics, const SolveOptions& options,
                       std::shared_ptr<Device> device)
    : device_(std::move(device)),
      type_(dynamics.members.front().dtype),
      spectral_radius_(dynamics, device_),
      run_(device_->compile(optimize(record_inspection(dynamics, options)),
                            {.name = "inspection", .outputs = {}})),
      workspace_(*device_) {
  workspace_.add({{"t", {1}, DType::f64, RowClass::none}}, &t_);
  const auto per_row = [](const char* name) {
    return ValueSpec{name, {kRows}, DType::f64, RowClass::per_row};
  };
  workspace_.add({per_row("growth"),
                  per_row("growth_rate"),
                  per_row("magnitude"),
                  {"noise", {1}, DType::f64, RowClass::none}},
                 &measured_);
}

void Inspection::measure(Evidence& evidence, std::int64_t row, std::int64_t rows,
                         std::span<const View> members, std::span<const View> constants) {
  const std::vector<SpectralRadius::Estimate> estimates =
      spectral_radius_.at(rows, evidence.t, members, constants);
  auto at = static_cast<std::size_t>(std::max<std::int64_t>(row, 0));
  for (std::size_t i = 0; row < 0 && i < estimates.size(); ++i) {
    if (estimates[i].radius > estimates[at].radius) at = i;
  }

  workspace_.place(rows);
  device_->upload(t_.front(), &evidence.t, sizeof evidence.t);
  std::vector<View> inputs = t_;
  inputs.insert(inputs.end(), members.begin(), members.end());
  inputs.insert(inputs.end(), constants.begin(), constants.end());
  run_->run(rows, inputs, measured_);
  std::vector<double> values(static_cast<std::size_t>(rows));
  const auto read = [&](std::size_t i) {
    device_->download(values.data(), measured_[i], values.size() * sizeof(double));
    return values[at];
  };
  const double direction = evidence.h < 0.0 ? -1.0 : 1.0;
  evidence.radius = estimates[at].radius;
  evidence.direction = direction * estimates[at].direction;
  evidence.growth = direction * read(0);
  evidence.growth_rate = read(1);
  evidence.magnitude = read(2);
  device_->download(&evidence.noise, measured_[3], sizeof evidence.noise);
  evidence.largest_number =
      type_ == DType::f32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
}

}  // namespace odeum::solve
