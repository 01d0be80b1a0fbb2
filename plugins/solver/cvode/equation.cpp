// SPDX-License-Identifier: Apache-2.0
#include "equation.hpp"

#include "odeum/transforms.hpp"

namespace odeum::cvode {
namespace {

std::vector<std::size_t> members_where(const Dynamics& dynamics, bool quadrature) {
  const std::vector<bool> is_quadrature = quadratures(dynamics);
  std::vector<std::size_t> members;
  for (std::size_t m = 0; m < is_quadrature.size(); ++m) {
    if (is_quadrature[m] == quadrature) members.push_back(m);
  }
  return members;
}

void append(std::vector<View>& to, const std::vector<View>& views) {
  to.insert(to.end(), views.begin(), views.end());
}

/// The n unit vectors for each row, [rows, n, n].
Tensor basis(Tensor like, std::int64_t n) {
  const Tensor unit =
      equal(iota(like, Shape{n, n}, 0, like.dtype()), iota(like, Shape{n, n}, 1, like.dtype()));
  return broadcast(reshape(unit, {1, n, n}), {kRows, n, n});
}

}  // namespace

Equation::Equation(Dynamics dynamics, std::shared_ptr<Device> device)
    : dynamics_(std::move(dynamics)),
      device_(std::move(device)),
      states_(dynamics_.members, members_where(dynamics_, false)),
      quadratures_(dynamics_.members, members_where(dynamics_, true)),
      control_(device_->allocate(2 * sizeof(double))),
      y_(*device_, states_),
      v_(*device_, states_),
      out_(*device_, states_),
      q_(*device_, quadratures_) {}

void Equation::bind(std::int64_t rows, std::span<const View> constants, double direction) {
  if (!read_) {
    read_ = compile_read();
    write_ = compile_write();
  }
  rows_ = rows;
  direction_ = direction;
  evaluations_ = 0;
  constants_.assign(constants.begin(), constants.end());
  for (JointBuffer* buffer : {&y_, &v_, &out_, &q_}) buffer->place(rows);
}

std::unique_ptr<Executable> Equation::compile_read() const {
  Recording recording;
  State members;
  for (const Member& m : dynamics_.members) {
    members.push_back(recording.input(m.name, m.shape, m.dtype));
  }
  std::vector<Tensor> outputs = states_.join(members);
  for (const Tensor& part : quadratures_.join(members)) outputs.push_back(part);
  return device_->compile(optimize(recording.program(outputs)),
                          {.name = "members to CVODE's vectors", .outputs = {}});
}

std::unique_ptr<Executable> Equation::compile_write() const {
  Recording recording;
  State members(dynamics_.members.size());
  states_.separate(states_.declare(recording, "states"), members);
  quadratures_.separate(quadratures_.declare(recording, "quadratures"), members);
  return device_->compile(optimize(recording.program(members)),
                          {.name = "CVODE's vectors to members", .outputs = {}});
}

void Equation::read(std::span<const View> members, double* states, double* quadratures) {
  std::vector<View> outputs = y_.views();
  append(outputs, q_.views());
  read_->run(rows_, members, outputs);
  y_.download(states);
  q_.download(quadratures);
}

void Equation::write(const double* states, const double* quadratures,
                     std::span<const View> members) {
  y_.upload(states);
  q_.upload(quadratures);
  std::vector<View> inputs = y_.views();
  append(inputs, q_.views());
  write_->run(rows_, inputs, members);
}

/// (control [t, direction], states, along, constants) to what `outputs` makes of the rates; `along`
/// is a direction in the states' space.
std::unique_ptr<Executable> Equation::compile(const char* name, Outputs outputs) const {
  Recording recording;
  const Tensor control = recording.input("control", {2}, DType::f64);
  const std::vector<Tensor> joined = states_.declare(recording, "states");
  const std::vector<Tensor> along = states_.declare(recording, "along");
  std::vector<Tensor> constants;
  for (const InputSpec& s : dynamics_.constants) {
    constants.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  State y(dynamics_.members.size());
  states_.separate(joined, y);
  for (const std::size_t q : quadratures_.members()) {
    const Member& member = dynamics_.members[q];
    y[q] = full(control, member.shape, 0.0, member.dtype);
  }
  State rates = dynamics_.rates(slice(control, 0, 0, 1), y, constants);
  for (std::size_t m = 0; m < rates.size(); ++m) {
    if (!dynamics_.members[m].along_absolute_time) continue;
    rates[m] = cast(slice(control, 0, 1, 2), rates[m].dtype()) * rates[m];
  }
  return device_->compile(optimize(recording.program((this->*outputs)(joined, rates, along))),
                          {.name = name, .outputs = {}});
}

std::vector<Tensor> Equation::state_rates(const State&, const State& rates,
                                          std::span<const Tensor>) const {
  return states_.join(rates);
}

std::vector<Tensor> Equation::rates_of_quadratures(const State&, const State& rates,
                                                   std::span<const Tensor>) const {
  return quadratures_.join(rates);
}

std::vector<Tensor> Equation::product_with_jacobian(const State& joined, const State& rates,
                                                    std::span<const Tensor> along) const {
  return jvp(states_.join(rates), joined, along);
}

std::vector<Tensor> Equation::jacobian_columns(const State& joined, const State& rates,
                                               std::span<const Tensor>) const {
  const Tensor tangent = placeholder(joined.front());
  const Tensor unit = basis(tangent, states_.per_row());
  const std::span<const Tensor> along(&tangent, 1);
  return vmap(jvp(states_.join(rates), joined, along), along, std::span<const Tensor>(&unit, 1));
}

/// Inputs of a program recorded by `compile`, for (t, y).
std::vector<View> Equation::inputs_at(double t, const double* y) {
  const double control[2] = {t, direction_};
  device_->upload({control_.get(), 0}, control, sizeof control);
  y_.upload(y);
  return inputs();
}

std::vector<View> Equation::inputs() const {
  std::vector<View> views{{control_.get(), 0}};
  append(views, y_.views());
  append(views, v_.views());
  append(views, constants_);
  return views;
}

void Equation::rates(double t, const double* y, double* rates) {
  if (!rates_) rates_ = compile("right-hand side of CVODE", &Equation::state_rates);
  rates_->run(rows_, inputs_at(t, y), out_.views());
  out_.download(rates);
  ++evaluations_;
}

void Equation::quadrature_rates(double t, const double* y, double* rates) {
  if (!quadrature_rates_) {
    quadrature_rates_ = compile("quadratures of CVODE", &Equation::rates_of_quadratures);
  }
  quadrature_rates_->run(rows_, inputs_at(t, y), q_.views());
  q_.download(rates);
  ++evaluations_;
}

void Equation::jacobian(double t, const double* y, double* blocks) {
  if (!jacobian_) jacobian_ = compile("Jacobian for CVODE", &Equation::jacobian_columns);
  const auto bytes =
      static_cast<std::size_t>(rows_ * states_.per_row() * states_.per_row()) * sizeof(double);
  if (bytes > jacobian_bytes_) {
    jacobian_memory_ = device_->allocate(bytes);
    jacobian_bytes_ = bytes;
  }
  const View view{jacobian_memory_.get(), 0};
  jacobian_->run(rows_, inputs_at(t, y), std::span(&view, 1));
  device_->download(blocks, view, bytes);
}

void Equation::linearize(double t, const double* y) {
  if (!product_) product_ = compile("Jacobian times vector", &Equation::product_with_jacobian);
  inputs_at(t, y);
}

void Equation::product(const double* v, double* product) {
  v_.upload(v);
  product_->run(rows_, inputs(), out_.views());
  out_.download(product);
}

}  // namespace odeum::cvode
