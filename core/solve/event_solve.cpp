// SPDX-License-Identifier: Apache-2.0
#include "solve/event_solve.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "odeum/error.hpp"
#include "odeum/transforms.hpp"

namespace odeum::solve {
namespace {

enum Scalar : std::size_t { kTime, kDirection, kTimeCotangent, kRate, kEvent };

Tensor total(Tensor x) {
  std::vector<int> axes;
  for (int axis = 0; axis < x.rank(); ++axis) axes.push_back(axis);
  return reshape(sum(cast(x, DType::f64), axes), {1});
}

Tensor inner_product(const State& a, const State& b) {
  Tensor result;
  for (std::size_t m = 0; m < a.size(); ++m) {
    const Tensor term = total(cast(a[m], DType::f64) * cast(b[m], DType::f64));
    result = result ? result + term : term;
  }
  return result;
}

/// (t, direction, cotangent of t*, which event [events], whose sample [rows], members, constants,
/// cotangents) to (dg/dt along the solution, cotangents at fixed time, of the wanted constants).
Program record_correction(const Dynamics& dynamics, const EventFunctions& events,
                          const std::vector<bool>& wanted) {
  Recording recording;
  const auto count = static_cast<std::int64_t>(events.events.size());
  const Tensor t = recording.input("t", {1}, DType::f64);
  const Tensor direction = recording.input("direction", {1}, DType::f64);
  const Tensor of_time = recording.input("cotangent of the time", {1}, DType::f64);
  const Tensor event = recording.input("event", {count}, DType::f64);
  const Tensor sample = recording.input("sample", {kRows}, DType::f64);
  const auto declare_members = [&](const std::string& what) {
    State values;
    for (const ValueSpec& s : member_specs(dynamics)) {
      values.push_back(recording.input(s.name + what, s.shape, s.dtype, s.row_class));
    }
    return values;
  };
  const State y = declare_members("");
  std::vector<Tensor> constants;
  for (const InputSpec& s : dynamics.constants) {
    constants.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  const State cotangents = declare_members(" cotangent");

  State rates = dynamics.rates(t, y, constants);
  for (std::size_t m = 0; m < rates.size(); ++m) {
    if (!dynamics.members[m].along_absolute_time) continue;
    rates[m] = cast(direction, rates[m].dtype()) * rates[m];
  }
  const Tensor chosen = cast(events.values(t, y, constants), DType::f64) * event;
  const Tensor g = total(chosen * reshape(sample, {kRows, 1}));
  std::vector<Tensor> variables{t};
  variables.insert(variables.end(), y.begin(), y.end());
  for (std::size_t c = 0; c < constants.size(); ++c) {
    if (wanted[c]) variables.push_back(constants[c]);
  }
  const std::vector<Tensor> slopes =
      vjp(std::span(&g, 1), variables, std::vector<Tensor>{ones_like(g)});
  const State by_state(slopes.begin() + 1,
                       slopes.begin() + 1 + static_cast<std::ptrdiff_t>(y.size()));
  const Tensor rate = slopes[0] + inner_product(by_state, rates);
  const Tensor share = (inner_product(cotangents, rates) + of_time) / rate;

  std::vector<Tensor> outputs{rate};
  for (std::size_t m = 0; m < y.size(); ++m) {
    outputs.push_back(cotangents[m] - cast(share, y[m].dtype()) * by_state[m]);
  }
  for (std::size_t i = 1 + y.size(); i < slopes.size(); ++i) {
    outputs.push_back(-(cast(share, slopes[i].dtype()) * slopes[i]));
  }
  return recording.program(outputs);
}

}  // namespace

EventSolve::EventSolve(std::shared_ptr<const GradientMethod> method, const MakeSetting& make,
                       const SolveOptions& options, std::vector<bool> wanted, EventFunctions events)
    : setting_(make(options)),
      wanted_(std::move(wanted)),
      events_(std::move(events)),
      search_(setting_->integrator(
          setting_->dynamics(), options,
          {.save = SaveTimes::exact, .extra = {}, .extra_at = {}, .events = events_})),
      solve_(prepare(std::move(method), make, options, wanted_)) {}

SolveCall EventSolve::until_event(const SolveCall& call) {
  times_ = {call.times.front(), hit_.t};
  SolveCall own = call;
  own.times = times_;
  return own;
}

SolveReport EventSolve::forward(const SolveCall& call) {
  if (call.times.size() != 2) bug("a solve to an event has a first and a last time");
  const std::vector<View> unwanted(setting_->dynamics().members.size());
  SolveCall searching = call;
  searching.results = unwanted;
  SolveReport found = search_->integrate(searching);
  if (found.status != Status::event) return found;
  hit_ = found.hits.back();
  SolveReport report = solve_->forward(until_event(call));
  if (!report.ok()) return report;
  found.evaluations += report.evaluations;
  found.accepted += report.accepted;
  found.rejected += report.rejected;
  return found;
}

void EventSolve::compile() {
  const std::vector<ValueSpec> specs = member_specs(setting_->dynamics());
  CompileOptions options{.name = "derivative at an event", .outputs = {}};
  options.outputs.assign(1 + specs.size(), OutputMode::overwrite);
  options.outputs.resize(options.outputs.size() + static_cast<std::size_t>(std::count(
                                                      wanted_.begin(), wanted_.end(), true)),
                         OutputMode::accumulate);
  correct_ = setting_->compile(record_correction(setting_->dynamics(), events_, wanted_), options);
  const ValueSpec scalar{"scalar", {1}, DType::f64, RowClass::none};
  const auto count = static_cast<std::int64_t>(events_.events.size());
  workspace_ = std::make_unique<Workspace>(setting_->device());
  workspace_->add({scalar, scalar, scalar, scalar, {"event", {count}, DType::f64, RowClass::none}},
                  &scalars_);
  workspace_->add({{"sample", {kRows}, DType::f64, RowClass::per_row}}, &mask_);
  workspace_->add(specs, &zeros_);
  workspace_->add(specs, &corrected_);
}

SolveReport EventSolve::backward(const SolveCall& call, std::span<const View> result_cotangents,
                                 double time_cotangent, const CotangentTargets& targets) {
  if (!correct_) compile();
  workspace_->place(call.rows);
  Device& device = setting_->device();
  const std::vector<ValueSpec> specs = member_specs(setting_->dynamics());
  const double direction = hit_.t >= call.times.front() ? 1.0 : -1.0;
  device.upload(scalars_[kTime], &hit_.t, sizeof(double));
  device.upload(scalars_[kDirection], &direction, sizeof(double));
  device.upload(scalars_[kTimeCotangent], &time_cotangent, sizeof(double));
  std::vector<double> event(events_.events.size(), 0.0);
  event[hit_.event] = 1.0;
  device.upload(scalars_[kEvent], event.data(), event.size() * sizeof(double));
  std::vector<double> sample(static_cast<std::size_t>(call.rows), 0.0);
  sample[static_cast<std::size_t>(hit_.sample)] = 1.0;
  device.upload(mask_[0], sample.data(), sample.size() * sizeof(double));

  std::vector<View> arguments{scalars_[kTime], scalars_[kDirection], scalars_[kTimeCotangent],
                              scalars_[kEvent], mask_[0]};
  arguments.insert(arguments.end(), call.results.begin(), call.results.end());
  arguments.insert(arguments.end(), call.constants.begin(), call.constants.end());
  for (std::size_t m = 0; m < specs.size(); ++m) {
    device.fill_zero(zeros_[m], bytes_of(specs[m], call.rows));
    arguments.push_back(result_cotangents[m] ? result_cotangents[m] : zeros_[m]);
  }
  std::vector<View> outputs{scalars_[kRate]};
  outputs.insert(outputs.end(), corrected_.begin(), corrected_.end());
  for (std::size_t c = 0; c < wanted_.size(); ++c) {
    if (!wanted_[c]) continue;
    outputs.push_back(c < targets.constants.size() ? targets.constants[c] : View{});
  }
  correct_->run(call.rows, arguments, outputs);
  double rate = 0.0;
  device.download(&rate, scalars_[kRate], sizeof rate);
  if (!std::isfinite(rate) || rate == 0.0) {
    throw RunError("the event function '" + events_.events[hit_.event].name +
                   "' has no rate along the solution where it is zero (" + std::to_string(rate) +
                   "): the time of the event has no derivative there");
  }

  std::array<double, 2> times{};
  CotangentTargets inner = targets;
  if (!targets.times.empty()) inner.times = times;
  SolveReport report = solve_->backward(until_event(call), corrected_, inner);
  if (!targets.times.empty()) {
    targets.times[0] = times[0];
    targets.times[1] = 0.0;
  }
  return report;
}

}  // namespace odeum::solve
