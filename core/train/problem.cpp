// SPDX-License-Identifier: Apache-2.0
#include "train/problem.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/batch_memory.hpp"
#include "model/declarations.hpp"
#include "odeum/random.hpp"
#include "plugin/registry.hpp"
#include "solve/increments.hpp"
#include "solve/options.hpp"
#include "solve/setting.hpp"
#include "solve/slow_solve.hpp"
#include "solve/stops.hpp"
#include "train/problem_events.hpp"

namespace odeum::train {
namespace {

std::vector<double> wanted_times(const Config& times) {
  if (times.has("at")) {
    for (const char* key : {"from", "to", "count"}) {
      if (times.has(key) && times.given(key)) {
        times.fail("at",
                   std::string("`at` and `") + key + "` are both given; one of them is wanted");
      }
    }
    std::vector<double> at = times.numbers("at");
    const bool forwards = at[1] >= at[0];
    for (std::size_t i = 1; i < at.size(); ++i) {
      if (forwards ? at[i] < at[i - 1] : at[i] > at[i - 1]) {
        times.fail("at", "the times are not monotone: " + std::to_string(at[i]) + " follows " +
                             std::to_string(at[i - 1]));
      }
    }
    return at;
  }
  if (!times.has("to"))
    times.fail("to", "this key is missing: where the integration ends; or give `at`");
  const double from = times.number("from");
  const double to = times.number("to");
  const auto count = static_cast<std::size_t>(times.integer("count"));
  std::vector<double> result(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(count - 1);
    result[i] = from + part * (to - from);
  }
  result.back() = to;
  return result;
}

/// 0: the times are saved, not the steps.
std::int64_t wanted_steps(const Config& times) {
  if (times.text("save") != "steps") {
    if (times.has("every")) times.fail("every", "goes with `save: steps` only");
    return 0;
  }
  const bool more = times.has("at") ? times.numbers("at").size() > 2 : times.integer("count") > 2;
  if (more) {
    times.fail(times.has("at") ? "at" : "count",
               "with `save: steps` there are two times, start and end");
  }
  return times.has("every") ? times.integer("every") : 1;
}

/// The draws that a field asks for, for the one sample that there is.
std::vector<double> noise_of(const model::Item& item, std::uint64_t seed) {
  RandomStream random(stream_key(seed, Purpose::noise, 0), model::name_key(item.name));
  std::vector<double> values(static_cast<std::size_t>(item.shape.elements(1)));
  for (double& value : values) {
    switch (item.distribution) {
      case Distribution::uniform:
        value = random.uniform();
        break;
      case Distribution::normal:
        value = random.normal();
        break;
      case Distribution::rademacher:
        value = random.uniform() < 0.5 ? -1.0 : 1.0;
        break;
    }
  }
  return values;
}

}  // namespace

Problem::Problem(const Config& root, const plugin::Registry& registry)
    : precision_(root.text("precision") == "float32" ? DType::f32 : DType::f64),
      device_(registry.create<Device>(root.component("device"))) {
  const std::string reason = device_->probe();
  if (!reason.empty()) root.fail("device", "cannot be used here: " + reason);
  const Config& problem = root.section("problem");
  field_ = registry.create<VectorField>(problem.component("field"));
  components_ = field_->components();
  times_ = wanted_times(problem.section("times"));
  save_ =
      problem.section("times").text("save") == "exact" ? SaveTimes::exact : SaveTimes::interpolated;
  every_step_ = wanted_steps(problem.section("times"));
  initial_ = problem.numbers("initial");
  const auto features = static_cast<std::int64_t>(initial_.size());
  if (field_->features() >= 0 && field_->features() != features) {
    problem.fail("initial", "the field '" + problem.component("field").use() + "' has " +
                                std::to_string(field_->features()) + " components, these are " +
                                std::to_string(features));
  }
  const Config& solver = problem.component("solver");
  solver_ = registry.create<Solver>(solver);
  controller_ = registry.create<Controller>(solver.component("controller"));
  options_ = solve::options_from(solver, *solver_, *controller_, precision_, warnings_);
  steps_at_once_ = solve::steps_at_once(solver, *solver_);
  if (options_.on_failure == OnFailure::skip_sample) {
    solver.fail("on_failure", "skip_sample is for training; here: fail or partial");
  }
  if (options_.atol.size() > 1 && options_.atol.size() != initial_.size()) {
    solver.fail("atol", std::to_string(options_.atol.size()) + " tolerances for a state of " +
                            std::to_string(features) + " components");
  }
  solve::check_stops(solver, times_.front(), times_.back());
  if (const auto* path = dynamic_cast<const WienerIncrements*>(field_.get())) {
    const std::array ends{times_.front(), times_.back()};
    const bool exact = save_ == SaveTimes::exact;
    solve::check_increments(solver, *solver_, options_, *path, precision_,
                            exact ? std::span<const double>(times_) : ends);
    solver_ = solve::within_pieces(solver_);
  }
  model::OdeTerms terms;
  terms.field = field_;
  terms.events = names_event_functions(problem) && !field_->events().empty();
  dynamics_ = model::make_dynamics(terms, Shape{kRows, features}, precision_);
  solve::check_solver(solver, *solver_, options_, dynamics_.dynamics);
  for (const model::Item& item : dynamics_.items) {
    if (item.kind == model::Item::Kind::input && item.name != "span") {
      problem.fail("field", "needs '" + item.name + "', which only a model can give it");
    }
    if (item.kind == model::Item::Kind::parameter) {
      model::declare(parameters_, item.name, item.shape, item.initializer);
    }
  }
  seed_ = static_cast<std::uint64_t>(root.integer("seed"));
  parameter_values_ = model::initial_values(parameters_, seed_);
  read_ending(problem);
}

void Problem::read_ending(const Config& problem) {
  events_ = events_of(problem, field_, dynamics_, initial_.size());
  if (problem.text("until") == "steady_state") until_ = Until::steady_state;
  if (problem.has("steady_within")) {
    if (until_ == Until::end) problem.fail("steady_within", "goes with `until: steady_state` only");
    steady_within_ = problem.number("steady_within");
  }
  if (!events_.events.empty()) check_loop(problem, "events");
  if (until_ != Until::end) check_loop(problem, "until");
}

/// Events and steady states are looked for by the loop with one step for all.
void Problem::check_loop(const Config& problem, const std::string& key) const {
  if (solver_->host_driven()) {
    problem.fail(key, "is looked for in a method's own steps, and '" +
                          problem.component("solver").use() +
                          "' takes its steps inside a library: choose another solver");
  }
  if (options_.step_size == StepSize::per_sample) {
    problem.fail(key, "is looked for where all samples share their steps: leave step_size out");
  }
}

bool Problem::has_terminal_event() const {
  return std::any_of(events_.events.begin(), events_.events.end(),
                     [](const Event& event) { return event.terminal; });
}

std::shared_ptr<void> Problem::upload(const std::vector<double>& values) const {
  return model::upload_flat(*device_, values, values.size(), precision_);
}

std::vector<double> Problem::download(View from, std::size_t elements) const {
  std::vector<double> values;
  model::append_flat(*device_, from, elements, precision_, values);
  return values;
}

std::unique_ptr<SolveSetting> Problem::setting(const SolveOptions& options) const {
  return solve::make_setting(dynamics_.dynamics, solver_, controller_, options, device_,
                             steps_at_once_);
}

Problem::Constants Problem::constants(const std::vector<double>& parameter_values) const {
  Constants result;
  for (const model::Item& item : dynamics_.items) {
    std::vector<double> values;
    int index = -1;
    if (item.kind == model::Item::Kind::parameter) {
      const auto& entries = parameters_.entries;
      const auto found = std::find_if(entries.begin(), entries.end(),
                                      [&](const model::Entry& e) { return e.name == item.name; });
      index = static_cast<int>(found - entries.begin());
      const auto begin = parameter_values.begin() + found->offset;
      values.assign(begin, begin + found->size);
    } else if (item.kind == model::Item::Kind::noise) {
      values = noise_of(item, seed_);
    } else if (item.kind == model::Item::Kind::input) {
      values = {times_.front(), times_.back()};
    } else {
      values.assign(static_cast<std::size_t>(item.shape.elements(1)), item.initializer.value);
    }
    result.memory.push_back(upload(values));
    result.views.push_back({result.memory.back().get(), 0});
    result.entry.push_back(index);
  }
  return result;
}

Solution Problem::solve() {
  const std::unique_ptr<SolveSetting> made = setting(options_);
  IntegratorRequest request;
  request.save = save_;
  request.events = events_;
  request.until = until_;
  request.steady_within = steady_within_;
  const std::unique_ptr<Integrator> integrator =
      made->integrator(dynamics_.dynamics, options_, request);
  const Constants constant = constants(parameter_values_);
  const std::shared_ptr<void> start = upload(initial_);
  const std::size_t features = initial_.size();
  const std::size_t stride = (features * size_of(precision_) + 63) / 64 * 64;
  const std::shared_ptr<void> memory = device_->allocate(stride * times_.size());
  std::vector<View> results;
  for (std::size_t i = 1; i < times_.size(); ++i)
    results.push_back(View{memory.get(), 0} + i * stride);
  const std::array first{View{start.get(), 0}};
  const std::array last{View{memory.get(), 0}};

  Solution solution;
  SolveCall call;
  call.rows = 1;
  call.times = times_;
  call.initial = first;
  call.constants = constant.views;
  call.results = results;
  const auto keep = [&](double t, View y) {
    solution.t.push_back(t);
    solution.y.push_back(download(y, features));
  };
  solve::SlowSolve slow(dynamics_.dynamics, *solver_, device_);
  const bool may_be_slow = options_.step_size == StepSize::shared && !solver_->host_driven();
  if (may_be_slow || every_step_ > 0) {
    call.observer = [&](const AcceptedStep& step) {
      if (may_be_slow) slow.see(step, call.rows, call.constants);
      if (every_step_ > 0 && step.index % every_step_ == 0) keep(step.t, step.y[0]);
    };
  }
  const bool ends_early = !events_.events.empty() || until_ != Until::end;
  if (ends_early) call.end = last;
  solution.report = integrator->integrate(call);
  slow.conclude(solution.report);

  const SolveReport& report = solution.report;
  if (!report.ok() && options_.on_failure != OnFailure::partial) return {report, {}, {}};
  if (every_step_ > 0) {
    if (solution.t.empty()) keep(times_.front(), first[0]);
    if (report.status == Status::success && report.accepted > 0) {
      keep(times_.back(), results.back());
    }
  } else {
    const auto reached = static_cast<std::size_t>(report.reached);
    for (std::size_t i = 0; i < reached; ++i) keep(times_[i], i == 0 ? first[0] : results[i - 1]);
  }
  if (report.status == Status::event || report.status == Status::steady_state) {
    keep(report.t, last[0]);
  }
  return solution;
}

}  // namespace odeum::train
