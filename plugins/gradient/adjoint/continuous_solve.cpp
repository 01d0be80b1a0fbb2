// SPDX-License-Identifier: Apache-2.0
#include "continuous_solve.hpp"

#include <algorithm>

namespace adjoint {
namespace {

constexpr std::size_t kAlignment = 64;  // as Device::allocate

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// target += value, for one value.
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

}  // namespace

ContinuousSolve::ContinuousSolve(std::unique_ptr<SolveSetting> setting,
                                 const std::vector<bool>& wanted, Norm norm,
                                 const SolveOptions& backward)
    : setting_(std::move(setting)),
      equation_(make_adjoint_equation(setting_->dynamics(), wanted, norm)),
      forward_(setting_->integrator(setting_->dynamics(), setting_->options(), {})),
      backward_(setting_->integrator(equation_.dynamics, backward, {})) {
  const Dynamics& dynamics = setting_->dynamics();
  for (const Member& m : dynamics.members) {
    add_members_.push_back(compile_addition(*setting_, m.shape, m.dtype));
  }
  for (const std::size_t p : equation_.parameters) {
    const InputSpec& constant = dynamics.constants[p];
    add_parameters_.push_back(compile_addition(*setting_, constant.shape, constant.dtype));
  }
  cotangents_.resize(dynamics.members.size());
  zeros_.resize(dynamics.members.size());
  parameters_.resize(equation_.parameters.size());
}

View ContinuousSolve::reserve(Buffer& buffer, std::size_t bytes) {
  if (bytes > buffer.capacity) {
    buffer.memory.reset();
    buffer.memory = setting_->device().allocate(bytes);
    buffer.capacity = bytes;
  }
  return View{buffer.memory.get(), 0};
}

std::size_t ContinuousSolve::bytes(std::size_t member, std::int64_t rows) const {
  const Member& m = setting_->dynamics().members[member];
  return static_cast<std::size_t>(m.shape.elements(rows)) * size_of(m.dtype);
}

/// The state at times[time], time > 0, as the forward solve found it.
View ContinuousSolve::kept_state(std::size_t time, std::size_t state) const {
  return kept_[(time - 1) * equation_.states.size() + state];
}

SolveReport ContinuousSolve::forward(const SolveCall& call) {
  const std::size_t members = setting_->dynamics().members.size();
  const std::size_t times = call.times.size() - 1;
  std::size_t per_time = 0;
  for (const std::size_t s : equation_.states) per_time += aligned(bytes(s, call.rows));
  kept_bytes_ = times * per_time;
  View place = reserve(states_, std::max(kept_bytes_, kAlignment));

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
  const SolveReport report = forward_->integrate(own);
  const auto reached = static_cast<std::size_t>(report.reached);
  for (std::size_t i = 1; i < reached; ++i) {
    for (std::size_t s = 0; s < equation_.states.size(); ++s) {
      const std::size_t m = equation_.states[s];
      const View result = call.results[(i - 1) * members + m];
      if (result) setting_->device().copy(result, kept_state(i, s), bytes(m, call.rows));
    }
  }
  return report;
}

SolveReport ContinuousSolve::backward(const SolveCall& call,
                                      std::span<const View> result_cotangents,
                                      const CotangentTargets& targets) {
  const std::size_t members = setting_->dynamics().members.size();
  const bool times = !targets.times.empty();
  clear(call.rows);
  const double direction = call.times.back() >= call.times.front() ? 1.0 : -1.0;
  setting_->device().upload(direction_, &direction, sizeof direction);
  std::fill(targets.times.begin(), targets.times.end(), 0.0);

  SolveReport report;
  for (std::size_t i = call.times.size() - 1; i > 0; --i) {
    add_result_cotangents(call, i, result_cotangents);
    if (times) {
      targets.times[i] =
          time_cotangent(call, i, result_cotangents.subspan((i - 1) * members, members));
      ++report.evaluations;
    }
    if (call.times[i] == call.times[i - 1]) continue;
    count(report, interval(call, i));
    if (!report.ok()) return report;
  }
  if (times && call.times.size() > 1) {
    targets.times[0] = -time_cotangent(call, 0, member_views_);
    ++report.evaluations;
  }
  deliver(call, targets);
  report.t = call.times.front();
  report.reached = static_cast<std::int64_t>(call.times.size());
  return report;
}

/// Makes room for this many rows and sets all cotangents to zero.
void ContinuousSolve::clear(std::int64_t rows) {
  Device& device = setting_->device();
  const Dynamics& dynamics = setting_->dynamics();
  member_views_.clear();
  zero_views_.clear();
  parameter_views_.clear();
  for (std::size_t m = 0; m < dynamics.members.size(); ++m) {
    member_views_.push_back(reserve(cotangents_[m], bytes(m, rows)));
    zero_views_.push_back(reserve(zeros_[m], bytes(m, rows)));
    device.fill_zero(member_views_.back(), bytes(m, rows));
    device.fill_zero(zero_views_.back(), bytes(m, rows));
  }
  for (std::size_t i = 0; i < equation_.parameters.size(); ++i) {
    const InputSpec& constant = dynamics.constants[equation_.parameters[i]];
    const std::size_t size =
        static_cast<std::size_t>(constant.shape.elements(rows)) * size_of(constant.dtype);
    parameter_views_.push_back(reserve(parameters_[i], size));
    device.fill_zero(parameter_views_.back(), size);
  }
  t_ = reserve(scalars_, 3 * kAlignment);
  direction_ = t_ + kAlignment;
  by_time_ = direction_ + kAlignment;
}

void ContinuousSolve::add_result_cotangents(const SolveCall& call, std::size_t time,
                                            std::span<const View> all) {
  const std::size_t members = setting_->dynamics().members.size();
  for (std::size_t m = 0; m < members; ++m) {
    const View cotangent = all[(time - 1) * members + m];
    if (!cotangent) continue;
    add_members_[m]->run(call.rows, std::span(&cotangent, 1), std::span(&member_views_[m], 1));
  }
}

/// Integrates from times[time] to times[time - 1].
SolveReport ContinuousSolve::interval(const SolveCall& call, std::size_t time) {
  const double times[2] = {call.times[time], call.times[time - 1]};
  std::vector<View> initial, results, constants(call.constants.begin(), call.constants.end());
  for (std::size_t s = 0; s < equation_.states.size(); ++s) {
    initial.push_back(kept_state(time, s));
    results.emplace_back();
  }
  for (const std::size_t s : equation_.states) {
    initial.push_back(member_views_[s]);
    results.push_back(member_views_[s]);
  }
  for (const View& parameter : parameter_views_) {
    initial.push_back(parameter);
    results.push_back(parameter);
  }
  for (const std::size_t q : equation_.quadratures) constants.push_back(member_views_[q]);
  constants.push_back(direction_);
  return backward_->integrate({.rows = call.rows,
                               .times = times,
                               .initial = initial,
                               .constants = constants,
                               .results = results,
                               .observer = {}});
}

double ContinuousSolve::time_cotangent(const SolveCall& call, std::size_t time,
                                       std::span<const View> cotangents) {
  Device& device = setting_->device();
  if (!run_time_cotangent_) {
    run_time_cotangent_ = setting_->compile(record_time_cotangent(setting_->dynamics(), equation_),
                                            {.name = "derivative by a time", .outputs = {}});
  }
  device.upload(t_, &call.times[time], sizeof(double));
  std::vector<View> arguments{t_};
  for (std::size_t s = 0; s < equation_.states.size(); ++s) {
    arguments.push_back(time > 0 ? kept_state(time, s) : call.initial[equation_.states[s]]);
  }
  arguments.insert(arguments.end(), call.constants.begin(), call.constants.end());
  arguments.push_back(direction_);
  for (std::size_t m = 0; m < cotangents.size(); ++m) {
    arguments.push_back(cotangents[m] ? cotangents[m] : zero_views_[m]);
  }
  run_time_cotangent_->run(call.rows, arguments, std::span(&by_time_, 1));
  double value = 0.0;
  device.download(&value, by_time_, sizeof value);
  return value;
}

void ContinuousSolve::deliver(const SolveCall& call, const CotangentTargets& targets) {
  for (std::size_t m = 0; m < member_views_.size() && m < targets.initial.size(); ++m) {
    if (targets.initial[m]) {
      setting_->device().copy(targets.initial[m], member_views_[m], bytes(m, call.rows));
    }
  }
  for (std::size_t i = 0; i < parameter_views_.size(); ++i) {
    const std::size_t p = equation_.parameters[i];
    if (p >= targets.constants.size() || !targets.constants[p]) continue;
    add_parameters_[i]->run(call.rows, std::span(&parameter_views_[i], 1),
                            std::span(&targets.constants[p], 1));
  }
}

}  // namespace adjoint
