// SPDX-License-Identifier: Apache-2.0
#include "sensitivity_solve.hpp"

#include <algorithm>

#include "odeum/error.hpp"

namespace forward_sensitivity {
namespace {

void upload(Device& device, View to, DType dtype, const std::vector<double>& values) {
  if (dtype == DType::f64) {
    device.upload(to, values.data(), values.size() * sizeof(double));
    return;
  }
  const std::vector<float> single(values.begin(), values.end());
  device.upload(to, single.data(), single.size() * sizeof(float));
}

}  // namespace

SensitivitySolve::SensitivitySolve(std::unique_ptr<SolveSetting> setting,
                                   const std::vector<bool>& wanted, Norm norm)
    : setting_(std::move(setting)),
      indices_(make_adjoint_equation(setting_->dynamics(), wanted)),
      equation_(make_sensitivity_equation(setting_->dynamics(), indices_, norm)),
      time_(*setting_, indices_),
      integrator_(setting_->integrator(equation_.dynamics, setting_->options(), {})),
      starts_(setting_->dynamics().members.size()),
      initial_(setting_->dynamics().members.size()) {
  const Program program = record_contraction(setting_->dynamics(), indices_, equation_);
  CompileOptions options{.name = "contraction of sensitivities", .outputs = {}};
  options.outputs.assign(program.outputs.size(), OutputMode::accumulate);
  contract_ = setting_->compile(program, options);
}

std::size_t SensitivitySolve::bytes(std::size_t member, std::int64_t rows) const {
  const Member& m = equation_.dynamics.members[member];
  return bytes_of(m.shape, m.dtype, rows);
}

/// A state is the identity's own initial value, row by row; nothing else moves at the first time.
std::vector<View> SensitivitySolve::initial_tangents(std::int64_t rows) {
  Device& device = setting_->device();
  const std::size_t members = starts_.size();
  std::vector<View> views;
  for (std::size_t m = 0; m < members; ++m) {
    views.push_back(starts_[m].reserve(device, bytes(members + m, rows)));
    device.fill_zero(views.back(), bytes(members + m, rows));
  }
  for (const Block& block : equation_.blocks) {
    if (block.kind != Block::Kind::initial) continue;
    const std::int64_t row = equation_.tangents * block.entries;
    std::vector<double> values(static_cast<std::size_t>(rows * row), 0.0);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t e = 0; e < block.entries; ++e) {
        values[static_cast<std::size_t>(r * row + (block.first + e) * block.entries + e)] = 1.0;
      }
    }
    upload(device, views[block.index], equation_.dynamics.members[members + block.index].dtype,
           values);
  }
  return views;
}

/// States and tangents: all but quadratures, which go to the call's own results.
std::vector<bool> SensitivitySolve::own_members() const {
  std::vector<bool> own(2 * starts_.size(), true);
  for (const std::size_t q : indices_.quadratures) own[q] = false;
  return own;
}

std::size_t SensitivitySolve::bytes_per_time(std::int64_t rows) const {
  const std::vector<bool> own = own_members();
  std::size_t per_time = 0;
  for (std::size_t m = 0; m < own.size(); ++m) {
    if (own[m]) per_time += aligned(bytes(m, rows));
  }
  return per_time;
}

/// States and tangents go to memory of this solve's own, the other members to the call's.
std::vector<View> SensitivitySolve::place_results(const SolveCall& call) {
  const std::size_t members = starts_.size();
  const std::size_t times = call.times.size() - 1;
  const std::vector<bool> own = own_members();
  kept_bytes_ = times * bytes_per_time(call.rows);
  View place = results_.reserve(setting_->device(), kept_bytes_);
  std::vector<View> views;
  for (std::size_t i = 0; i < times; ++i) {
    for (std::size_t m = 0; m < 2 * members; ++m) {
      views.push_back(own[m] ? place : call.results[i * members + m]);
      if (own[m]) place = place + aligned(bytes(m, call.rows));
    }
  }
  return views;
}

/// All members of the equation at times[time], time > 0.
std::span<const View> SensitivitySolve::kept(std::size_t time) const {
  const std::size_t members = 2 * starts_.size();
  return std::span(result_views_).subspan((time - 1) * members, members);
}

SolveReport SensitivitySolve::forward(const SolveCall& call) {
  if (!call.row_times.empty()) bug("times of each sample's own are for gradient: backprop");
  const std::size_t members = starts_.size();
  result_views_ = place_results(call);
  std::vector<View> initial(call.initial.begin(), call.initial.end());
  const std::vector<View> tangents = initial_tangents(call.rows);
  initial.insert(initial.end(), tangents.begin(), tangents.end());

  SolveCall own = call;
  own.initial = initial;
  own.results = result_views_;
  if (call.observer) {
    own.observer = [&](const AcceptedStep& step) {
      AcceptedStep shown = step;
      shown.y = step.y.first(members);
      call.observer(shown);
    };
  }
  SolveReport report = integrator_->integrate(own);
  for (std::size_t i = 1; i < static_cast<std::size_t>(report.reached); ++i) {
    for (const std::size_t s : indices_.states) {
      const View result = call.results[(i - 1) * members + s];
      if (result) setting_->device().copy(result, kept(i)[s], bytes(s, call.rows));
    }
  }
  return report;
}

std::vector<View> SensitivitySolve::states_at(const SolveCall& call, std::size_t time) const {
  std::vector<View> views;
  for (const std::size_t s : indices_.states) {
    views.push_back(time > 0 ? kept(time)[s] : call.initial[s]);
  }
  return views;
}

std::vector<View> SensitivitySolve::targets_of(const CotangentTargets& targets) const {
  std::vector<View> views = initial_views_;
  for (const std::size_t p : indices_.parameters) {
    views.push_back(p < targets.constants.size() ? targets.constants[p] : View{});
  }
  return views;
}

SolveReport SensitivitySolve::backward(const SolveCall& call,
                                       std::span<const View> result_cotangents,
                                       const CotangentTargets& targets) {
  Device& device = setting_->device();
  const std::size_t members = starts_.size();
  const bool times = !targets.times.empty();
  time_.open(call);
  initial_views_.clear();
  for (std::size_t m = 0; m < members; ++m) {
    initial_views_.push_back(initial_[m].reserve(device, bytes(m, call.rows)));
    device.fill_zero(initial_views_.back(), bytes(m, call.rows));
  }
  std::fill(targets.times.begin(), targets.times.end(), 0.0);

  SolveReport report;
  for (std::size_t i = call.times.size() - 1; i > 0; --i) {
    const std::span<const View> cotangents = result_cotangents.subspan((i - 1) * members, members);
    const std::span<const View> tangents = kept(i).subspan(members);
    std::vector<View> arguments(tangents.begin(), tangents.end());
    for (std::size_t m = 0; m < members; ++m) {
      arguments.push_back(cotangents[m] ? cotangents[m] : time_.zeros(m));
    }
    contract_->run(call.rows, arguments, targets_of(targets));
    if (!times) continue;
    targets.times[i] = time_.at(call.times[i], call, states_at(call, i), cotangents);
    ++report.evaluations;
  }
  // Starting later along the solution is starting elsewhere: dL/dt0 = -<dL/dy0, f(t0, y0)>.
  if (times && call.times.size() > 1) {
    targets.times[0] = -time_.at(call.times.front(), call, states_at(call, 0), initial_views_);
    ++report.evaluations;
  }
  for (std::size_t m = 0; m < members && m < targets.initial.size(); ++m) {
    if (targets.initial[m]) {
      device.copy(targets.initial[m], initial_views_[m], bytes(m, call.rows));
    }
  }
  report.t = call.times.front();
  report.reached = static_cast<std::int64_t>(call.times.size());
  return report;
}

}  // namespace forward_sensitivity
