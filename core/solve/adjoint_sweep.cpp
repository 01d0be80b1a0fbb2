// SPDX-License-Identifier: Apache-2.0
#include "odeum/adjoint_sweep.hpp"

#include <algorithm>

namespace odeum::inline v1 {

View DeviceBuffer::reserve(Device& device, std::size_t bytes) {
  if (bytes > capacity_ || !memory_) {
    memory_.reset();
    capacity_ = std::max(bytes, aligned(1));
    memory_ = device.allocate(capacity_);
  }
  return View{memory_.get(), 0};
}

std::size_t bytes_of(const Shape& shape, DType dtype, std::int64_t rows) {
  return static_cast<std::size_t>(shape.elements(rows)) * size_of(dtype);
}

std::unique_ptr<Executable> compile_addition(const SolveSetting& setting, const Shape& shape,
                                             DType dtype) {
  Recording recording;
  const Tensor value = recording.input("cotangent", shape, dtype);
  return setting.compile(recording.program(std::span(&value, 1)),
                         {.name = "add cotangents", .outputs = {OutputMode::accumulate}});
}

void count(SolveReport& total, const SolveReport& part) {
  SolveReport sum = part;
  sum.evaluations += total.evaluations;
  sum.accepted += total.accepted;
  sum.rejected += total.rejected;
  total = std::move(sum);
}

TimeCotangent::TimeCotangent(const SolveSetting& setting, const AdjointEquation& equation)
    : setting_(setting), equation_(equation), zeros_(setting.dynamics().members.size()) {}

void TimeCotangent::open(const SolveCall& call) {
  Device& device = setting_.device();
  zero_views_.clear();
  for (std::size_t m = 0; m < zeros_.size(); ++m) {
    const Member& member = setting_.dynamics().members[m];
    const std::size_t bytes = bytes_of(member.shape, member.dtype, call.rows);
    zero_views_.push_back(zeros_[m].reserve(device, bytes));
    device.fill_zero(zero_views_.back(), bytes);
  }
  t_ = scalars_.reserve(device, 3 * aligned(sizeof(double)));
  direction_ = t_ + aligned(sizeof(double));
  result_ = direction_ + aligned(sizeof(double));
  const double direction = call.times.back() >= call.times.front() ? 1.0 : -1.0;
  device.upload(direction_, &direction, sizeof direction);
}

double TimeCotangent::at(double t, const SolveCall& call, std::span<const View> states,
                         std::span<const View> cotangents) {
  Device& device = setting_.device();
  if (!run_) {
    run_ = setting_.compile(record_time_cotangent(setting_.dynamics(), equation_),
                            {.name = "derivative by a time", .outputs = {}});
  }
  device.upload(t_, &t, sizeof t);
  std::vector<View> arguments{t_};
  arguments.insert(arguments.end(), states.begin(), states.end());
  arguments.insert(arguments.end(), call.constants.begin(), call.constants.end());
  arguments.push_back(direction_);
  for (std::size_t m = 0; m < cotangents.size(); ++m) {
    arguments.push_back(cotangents[m] ? cotangents[m] : zero_views_[m]);
  }
  run_->run(call.rows, arguments, std::span(&result_, 1));
  double value = 0.0;
  device.download(&value, result_, sizeof value);
  return value;
}

AdjointSweep::AdjointSweep(const SolveSetting& setting, const AdjointEquation& equation)
    : setting_(setting), equation_(equation), time_(setting, equation) {
  const Dynamics& dynamics = setting_.dynamics();
  for (const Member& m : dynamics.members) {
    add_members_.push_back(compile_addition(setting_, m.shape, m.dtype));
  }
  cotangents_.resize(dynamics.members.size());
  if (!equation_.integrates_parameters) return;
  for (const std::size_t p : equation_.parameters) {
    const InputSpec& constant = dynamics.constants[p];
    add_parameters_.push_back(compile_addition(setting_, constant.shape, constant.dtype));
  }
  parameters_.resize(equation_.parameters.size());
}

std::size_t AdjointSweep::bytes(std::size_t member, std::int64_t rows) const {
  const Member& m = setting_.dynamics().members[member];
  return bytes_of(m.shape, m.dtype, rows);
}

View AdjointSweep::state(std::size_t time, std::size_t state) const {
  return kept_[(time - 1) * equation_.states.size() + state];
}

std::size_t AdjointSweep::kept_bytes(std::int64_t rows, std::int64_t results) const {
  std::size_t per_time = 0;
  for (const std::size_t s : equation_.states) per_time += aligned(bytes(s, rows));
  return static_cast<std::size_t>(results) * per_time;
}

SolveReport AdjointSweep::forward(Integrator& integrator, const SolveCall& call) {
  const std::size_t members = setting_.dynamics().members.size();
  const std::size_t times = call.times.size() - 1;
  kept_bytes_ = kept_bytes(call.rows, static_cast<std::int64_t>(times));
  View place = states_.reserve(setting_.device(), kept_bytes_);

  SolveCall own = call;
  std::vector<View> results(call.results.begin(), call.results.end());
  kept_.clear();
  for (std::size_t i = 0; i < times; ++i) {
    for (const std::size_t s : equation_.states) {
      kept_.push_back(place);
      results[i * members + s] = place;
      place = place + aligned(bytes(s, call.rows));
    }
  }
  own.results = results;
  SolveReport report = integrator.integrate(own);
  const auto reached = static_cast<std::size_t>(report.reached);
  for (std::size_t i = 1; i < reached; ++i) {
    for (std::size_t s = 0; s < equation_.states.size(); ++s) {
      const std::size_t m = equation_.states[s];
      const View result = call.results[(i - 1) * members + m];
      if (result) setting_.device().copy(result, state(i, s), bytes(m, call.rows));
    }
  }
  return report;
}

SolveReport AdjointSweep::backward(const SolveCall& call, std::span<const View> result_cotangents,
                                   const CotangentTargets& targets, const Interval& interval) {
  const std::size_t members = setting_.dynamics().members.size();
  const bool times = !targets.times.empty();
  clear(call.rows);
  time_.open(call);
  std::fill(targets.times.begin(), targets.times.end(), 0.0);

  SolveReport report;
  for (std::size_t i = call.times.size() - 1; i > 0; --i) {
    add_result_cotangents(call, i, result_cotangents);
    if (times) {
      targets.times[i] = time_.at(call.times[i], call, states_at(call, i),
                                  result_cotangents.subspan((i - 1) * members, members));
      ++report.evaluations;
    }
    if (call.times[i] == call.times[i - 1]) continue;
    count(report, interval(i));
    if (!report.ok()) return report;
  }
  if (times && call.times.size() > 1) {
    targets.times[0] = -time_.at(call.times.front(), call, states_at(call, 0), cotangent_views_);
    ++report.evaluations;
  }
  deliver(call, targets);
  report.t = call.times.front();
  report.reached = static_cast<std::int64_t>(call.times.size());
  return report;
}

/// Makes room for this many rows and sets all cotangents to zero.
void AdjointSweep::clear(std::int64_t rows) {
  Device& device = setting_.device();
  const Dynamics& dynamics = setting_.dynamics();
  cotangent_views_.clear();
  parameter_views_.clear();
  for (std::size_t m = 0; m < dynamics.members.size(); ++m) {
    cotangent_views_.push_back(cotangents_[m].reserve(device, bytes(m, rows)));
    device.fill_zero(cotangent_views_.back(), bytes(m, rows));
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const InputSpec& constant = dynamics.constants[equation_.parameters[i]];
    const std::size_t size = bytes_of(constant.shape, constant.dtype, rows);
    parameter_views_.push_back(parameters_[i].reserve(device, size));
    device.fill_zero(parameter_views_.back(), size);
  }
}

void AdjointSweep::add_result_cotangents(const SolveCall& call, std::size_t time,
                                         std::span<const View> all) {
  const std::size_t members = setting_.dynamics().members.size();
  for (std::size_t m = 0; m < members; ++m) {
    const View cotangent = all[(time - 1) * members + m];
    if (!cotangent) continue;
    add_members_[m]->run(call.rows, std::span(&cotangent, 1), std::span(&cotangent_views_[m], 1));
  }
}

std::vector<View> AdjointSweep::members(std::size_t time) const {
  std::vector<View> views;
  for (std::size_t s = 0; equation_.integrates_states && s < equation_.states.size(); ++s) {
    views.push_back(state(time, s));
  }
  for (const std::size_t s : equation_.states) views.push_back(cotangent_views_[s]);
  views.insert(views.end(), parameter_views_.begin(), parameter_views_.end());
  return views;
}

std::vector<View> AdjointSweep::results() const {
  std::vector<View> views(equation_.integrates_states ? equation_.states.size() : 0);
  for (const std::size_t s : equation_.states) views.push_back(cotangent_views_[s]);
  views.insert(views.end(), parameter_views_.begin(), parameter_views_.end());
  return views;
}

std::vector<View> AdjointSweep::constants(const SolveCall& call) const {
  std::vector<View> views(call.constants.begin(), call.constants.end());
  for (const std::size_t q : equation_.quadratures) views.push_back(cotangent_views_[q]);
  views.push_back(direction());
  return views;
}

/// The states at any of the call's times, the first included.
std::vector<View> AdjointSweep::states_at(const SolveCall& call, std::size_t time) const {
  std::vector<View> views;
  for (std::size_t s = 0; s < equation_.states.size(); ++s) {
    views.push_back(time > 0 ? state(time, s) : call.initial[equation_.states[s]]);
  }
  return views;
}

void AdjointSweep::deliver(const SolveCall& call, const CotangentTargets& targets) {
  for (std::size_t m = 0; m < cotangent_views_.size() && m < targets.initial.size(); ++m) {
    if (!targets.initial[m]) continue;
    setting_.device().copy(targets.initial[m], cotangent_views_[m], bytes(m, call.rows));
  }
  for (std::size_t i = 0; i < parameter_views_.size(); ++i) {
    const std::size_t p = equation_.parameters[i];
    if (p >= targets.constants.size() || !targets.constants[p]) continue;
    add_parameters_[i]->run(call.rows, std::span(&parameter_views_[i], 1),
                            std::span(&targets.constants[p], 1));
  }
}

}  // namespace odeum::inline v1
