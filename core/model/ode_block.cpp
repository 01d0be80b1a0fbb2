// SPDX-License-Identifier: Apache-2.0
#include "model/ode_block.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "model/solution_times.hpp"
#include "model/step_costs.hpp"
#include "odeum/controller.hpp"
#include "odeum/tensor.hpp"
#include "plugin/registry.hpp"
#include "solve/increments.hpp"
#include "solve/options.hpp"
#include "solve/piecewise.hpp"
#include "solve/setting.hpp"
#include "solve/stops.hpp"

namespace odeum::model {

namespace {

Divergence divergence_named(const std::string& name) {
  if (name == "exact") return Divergence::exact;
  if (name == "hutchinson") return Divergence::hutchinson;
  return Divergence::none;
}

/// float64 [2]
Tensor fixed_times(Recorder& recorder, const std::array<double, 2>& span) {
  return concat({full(recorder.anchor(), Shape{1}, span[0], DType::f64),
                 full(recorder.anchor(), Shape{1}, span[1], DType::f64)});
}

}  // namespace

OdeBlock::OdeBlock(const Config& config, std::string name, const Shape& state, DType precision,
                   const plugin::Registry& registry, std::shared_ptr<Device> device,
                   std::shared_ptr<SolveLog> log, std::vector<std::string>& warnings)
    : config_(config),
      name_(std::move(name)),
      state_(state),
      precision_(precision),
      device_(std::move(device)),
      log_(std::move(log)),
      learn_span_(config.flag("learn_span")),
      gradient_(registry.create<GradientMethod>(config.component("gradient"))) {
  training_ = make_setting(Use::training, registry, warnings);
  std::vector<std::string> again;
  evaluation_ = make_setting(Use::evaluation, registry, again);
  for (std::string& warning : again) {
    if (std::find(warnings.begin(), warnings.end(), warning) == warnings.end())
      warnings.push_back(std::move(warning));
  }
  if (learn_span_ && training_.span[1] < training_.span[0]) {
    config.fail("learn_span", "a learned span needs its end behind its start");
  }
  if (learn_span_ != config_.for_evaluation().flag("learn_span")) {
    config_.for_evaluation().fail("learn_span",
                                  "the span is learned or fixed in training and evaluation alike");
  }
  if (learn_span_ && training_.span != evaluation_.span) {
    config_.for_evaluation().fail("span", "the span is learned: it has no other one in evaluation");
  }
  check_times();
  check_solvers();
  read_regularizers(registry);
  solve::check_gradient(config_.component("gradient"), *gradient_, *training_.solver,
                        training_.options, dynamics(terms(Use::training)).dynamics);
}

void OdeBlock::check_times() const {
  if (training_.times.size() != evaluation_.times.size()) {
    config_.for_evaluation().section("times").fail(
        "", "gives " + std::to_string(evaluation_.times.size()) + " states in evaluation and " +
                std::to_string(training_.times.size()) +
                " in training; what follows takes samples of one shape");
  }
  if (learn_span_ && has_times()) {
    config_.fail("learn_span", "moves the end of the span, and `times` say where it is");
  }
}

Shape OdeBlock::output_shape() const {
  return has_times() ? with_times(state_, training_.times.size()) : state_;
}

void OdeBlock::check_density(const Dynamics& dynamics, Use use) const {
  if (setting(use).divergence == Divergence::none) return;
  const std::vector<std::string> mixing = couplings(dynamics);
  if (mixing.empty()) return;
  const Config& field = config_.component("field");
  field.fail("", field.use() + " mixes the samples of a batch (" + mixing.front() + ") in " +
                     (use == Use::training ? "training" : "evaluation") +
                     ", so a sample has no flow and no density of its own: choose a field "
                     "without batch statistics, or divergence: {estimator: none} with an "
                     "objective that needs no density");
}

void OdeBlock::check_parameters(const OdeDynamics& trained, const OdeDynamics& evaluated) const {
  for (const Item& item : evaluated.items) {
    if (item.kind != Item::Kind::parameter) continue;
    const auto same = [&](const Item& other) {
      return other.kind == item.kind && other.name == item.name && other.shape == item.shape;
    };
    if (std::any_of(trained.items.begin(), trained.items.end(), same)) continue;
    config_.component("field").for_evaluation().fail(
        "", "has the parameter '" + item.name + "' of shape " + item.shape.text() +
                " in evaluation, which training does not learn: the parts that learn must be the "
                "same in both");
  }
}

void OdeBlock::check_solvers() const {
  const OdeDynamics plain =
      dynamics({training_.field, Divergence::none, {}, {}, false, Use::training});
  const OdeDynamics evaluated =
      dynamics({evaluation_.field, Divergence::none, {}, {}, false, Use::evaluation});
  check_parameters(plain, evaluated);
  check_density(plain.dynamics, Use::training);
  check_density(evaluated.dynamics, Use::evaluation);
  const Config solver = config_.component("solver");
  solve::check_solver(solver, *training_.solver, training_.options, plain.dynamics);
  if (!plain.observed.empty()) {
    const std::string reason = observation_refusal(*training_.solver, training_.options);
    if (!reason.empty()) solver.fail("", solver.use() + " " + reason);
  }
  solve::check_solver(solver.for_evaluation(), *evaluation_.solver, evaluation_.options,
                      evaluated.dynamics);
}

OdeTerms OdeBlock::terms(Use use) const {
  const Setting& setting = this->setting(use);
  OdeTerms terms{setting.field, setting.divergence, {}, {}, false, use};
  if (use == Use::evaluation) return terms;
  for (const WeightedCost& cost : regularizers_) {
    if (cost.forms.running) terms.running.push_back(cost.cost);
    if (cost.forms.steps) terms.steps.push_back(cost.cost);
  }
  return terms;
}

OdeDynamics OdeBlock::dynamics(const OdeTerms& terms) const {
  try {
    return make_dynamics(terms, state_, precision_);
  } catch (const ConfigError& error) {
    throw ConfigError(config_.component("field").place(), error.what());
  }
}

OdeBlock::Setting OdeBlock::make_setting(Use use, const plugin::Registry& registry,
                                         std::vector<std::string>& warnings) const {
  const bool evaluating = use == Use::evaluation;
  const Config config = evaluating ? config_.for_evaluation() : config_;
  const Config solver =
      evaluating ? config.component("solver").for_evaluation() : config.component("solver");
  const Config divergence =
      evaluating ? config.section("divergence").for_evaluation() : config.section("divergence");
  const Config field =
      evaluating ? config.component("field").for_evaluation() : config.component("field");
  Setting setting;
  setting.field = registry.create<VectorField>(field);
  setting.span = {config.numbers("span")[0], config.numbers("span")[1]};
  if (setting.span[0] == setting.span[1]) {
    config.fail("span", "start and end are equal: there is nothing to solve");
  }
  setting.times = solution_times(config, setting.span);
  setting.solver = registry.create<Solver>(solver);
  setting.controller = registry.create<Controller>(solver.component("controller"));
  setting.options =
      solve::options_from(solver, *setting.solver, *setting.controller, precision_, warnings);
  setting.steps_at_once = solve::steps_at_once(solver, *setting.solver);
  if (!learn_span_) solve::check_stops(solver, setting.span[0], setting.span[1]);
  if (setting.options.on_failure == OnFailure::partial) {
    solver.fail("on_failure",
                "a partial solution is of no use inside a model: partial is for `odeum solve`");
  }
  warn_of_kinks(solver, setting, warnings);
  setting.divergence = divergence_named(divergence.text("estimator"));
  if (const auto* path = dynamic_cast<const WienerIncrements*>(setting.field.get())) {
    take_increments(solver, divergence, *path, setting);
  }
  setting.probe =
      divergence.text("probe") == "rademacher" ? Distribution::rademacher : Distribution::normal;
  return setting;
}

void OdeBlock::take_increments(const Config& solver, const Config& divergence,
                               const WienerIncrements& path, Setting& setting) const {
  solve::check_increments(solver, *setting.solver, setting.options, path, precision_,
                          solve_grid(setting.times, setting.span));
  if (learn_span_ && setting.options.steps == 0) {
    solver.fail("step", "the span is learned, and the increments with it: give steps: " +
                            std::to_string(path.increments()));
  }
  if (path.calculus() == Calculus::ito && setting.divergence != Divergence::none) {
    divergence.fail("estimator",
                    "the log-density along Ito's equation is not the integral of the divergence of "
                    "its rates, but has a second-order term: write the equation as Stratonovich's, "
                    "or estimator: none");
  }
  setting.solver = solve::within_pieces(setting.solver);
}

void OdeBlock::warn_of_kinks(const Config& solver, const Setting& setting,
                             std::vector<std::string>& warnings) {
  // An error per step of h^2 times the jump in the derivative: from here on it sets the steps.
  constexpr double kTight = 1e-4;
  const std::vector<double> kinks = setting.field->kinks();
  const SolveOptions& options = setting.options;
  const bool adaptive = options.step == 0.0 && options.steps == 0;
  if (kinks.empty() || !adaptive || options.rtol >= kTight) return;
  char text[320];
  std::snprintf(text, sizeof text,
                "%s: the field's derivative by time jumps at %zu times (t = %.6g, ...), where "
                "every method loses its order: at rtol %.3g steps shrink there; name these times "
                "in step_times, or ask for rtol %.0e",
                solver.key_path().c_str(), kinks.size(), kinks.front(), options.rtol, kTight);
  warnings.emplace_back(text);
}

std::shared_ptr<OdeSolveSession> OdeBlock::make_session(const OdeDynamics& dynamics,
                                                        const OdeTerms& terms,
                                                        const Setting& setting, Tensor times,
                                                        const std::vector<bool>* wanted) const {
  auto session = std::make_shared<OdeSolveSession>();
  session->block = name_;
  session->device = device_;
  session->dynamics = dynamics.dynamics;
  session->grid = solve_grid(setting.times, setting.span);
  session->span_is_input = static_cast<bool>(times);
  session->log = log_;
  session->on_failure = setting.options.on_failure;
  const auto solver = with_step_costs(setting.solver, terms.steps, dynamics.first_of_steps());
  if (!dynamics.observed.empty()) {
    session->observer = std::make_shared<Observer>(dynamics, precision_, device_);
    const std::size_t first = dynamics.uses_probe ? 1 : 0;
    for (const std::size_t item : dynamics.observed) {
      session->observed.push_back(dynamics.dynamics.constants[first + item]);
    }
  }
  const auto make = [equation = dynamics.dynamics, solver, controller = setting.controller,
                     device = device_, observer = session->observer,
                     at_once = setting.steps_at_once](const SolveOptions& options) {
    auto made = solve::make_setting(equation, solver, controller, options, device, at_once);
    return observer ? observer->observed(std::move(made)) : std::move(made);
  };
  if (wanted != nullptr) {
    session->differentiable = solve::prepare(gradient_, make, setting.options, *wanted);
    log_->trained.push_back({session, setting.options});
  } else {
    session->integrator = make(setting.options)->integrator(dynamics.dynamics, setting.options, {});
  }
  return session;
}

Tensor OdeBlock::learned_end(Recorder& recorder, Tensor start) const {
  // The end is start + s^2, which keeps the span positive (FFJORD's T = s^2).
  const std::array<double, 2>& span = training_.span;
  const double initial = std::sqrt(span[1] - span[0]);
  return start + square(cast(recorder.parameter(name_ + ".span_root", Shape{1},
                                                Initializer::constant(initial)),
                             DType::f64));
}

Tensor OdeBlock::times(Recorder& recorder, Use use) const {
  const std::array<double, 2>& span = training_.span;
  const bool drawn = use == Use::training && span_jitter_ > 0.0;
  if (!learn_span_ && !drawn) return {};
  const Tensor start = full(recorder.anchor(), Shape{1}, span[0], DType::f64);
  if (learn_span_) return concat({start, learned_end(recorder, start)});
  const Tensor draw = recorder.draw(name_ + ".span");
  return concat({start, span[1] + span_jitter_ * (2.0 * draw - 1.0)});
}

std::vector<Tensor> OdeBlock::arguments(Recorder& recorder, const OdeDynamics& dynamics,
                                        const Setting& setting, Tensor times) const {
  std::vector<Tensor> result;
  if (times) result.push_back(times);
  if (dynamics.uses_probe)
    result.push_back(recorder.noise(name_ + ".probe", state_, setting.probe));
  NamedScope scope =
      field_scope(recorder, Use::evaluation, times ? times : fixed_times(recorder, setting.span));
  for (const Item& item : dynamics.items) {
    switch (item.kind) {
      case Item::Kind::parameter:
        result.push_back(scope.parameter(item.name, item.shape, item.initializer));
        break;
      case Item::Kind::buffer:
        result.push_back(scope.buffer(item.name, item.shape, item.initializer.value));
        break;
      case Item::Kind::noise:
        result.push_back(scope.noise(item.name, item.shape, item.distribution));
        break;
      case Item::Kind::input:
        result.push_back(scope.input(item.name, item.shape));
        break;
    }
  }
  return result;
}

NamedScope OdeBlock::field_scope(Recorder& recorder, Use use, Tensor times) const {
  return recorder.scope(name_ + ".field", use, {{"span", cast(times, precision_)}});
}

OdeBlock::Output OdeBlock::forward(Recorder& recorder, Tensor z, Use use) const {
  const Setting& setting = this->setting(use);
  const OdeTerms terms = this->terms(use);
  const OdeDynamics dynamics = this->dynamics(terms);
  const Tensor times = this->times(recorder, use);
  std::vector<Tensor> inputs{z};
  for (const Tensor& argument : arguments(recorder, dynamics, setting, times))
    inputs.push_back(argument);

  std::vector<bool> wanted;
  if (dynamics.uses_probe) wanted.push_back(false);
  for (const Item& item : dynamics.items) {
    const bool learned = item.kind == Item::Kind::input && learn_span_;
    wanted.push_back(item.kind == Item::Kind::parameter || learned);
  }
  const auto session =
      make_session(dynamics, terms, setting, times, use == Use::training ? &wanted : nullptr);
  const std::vector<Tensor> solved = host_call(make_ode_solve(session), inputs);
  const auto end = solved.begin() + static_cast<std::ptrdiff_t>(session->grid.size() - 2);
  const std::vector<Tensor> members(end, solved.end());

  Output output;
  output.value = members.front();
  if (has_times()) {
    std::vector<Tensor> states(solved.begin(), end + 1);
    if (setting.times.front() == setting.span[0]) states.insert(states.begin(), z);
    output.value = over_times(states);
  }
  std::size_t next = 1;
  if (dynamics.has_log_determinant) output.log_determinant = members[next++];
  if (use == Use::evaluation) return output;
  std::size_t next_of_steps = dynamics.first_of_steps();
  for (const WeightedCost& cost : regularizers_) {
    if (cost.forms.running) output.costs.push_back({cost.cost.name, cost.weight, members[next++]});
    if (cost.forms.steps)
      output.costs.push_back({cost.cost.name, cost.weight, members[next_of_steps++]});
  }
  add_further_costs(recorder, members.front(), times ? times : fixed_times(recorder, setting.span),
                    output.costs);
  // Behind the costs, whose own looks at the field are no evaluations of the solve.
  for (std::size_t i = 0; i < dynamics.observed.size(); ++i) {
    const Item& buffer = dynamics.items[dynamics.observed[i]];
    recorder.set_next(name_ + ".field." + buffer.name,
                      members[dynamics.dynamics.members.size() + i]);
  }
  return output;
}

void OdeBlock::add_further_costs(Recorder& recorder, Tensor end, Tensor times,
                                 std::vector<Cost>& costs) const {
  NamedScope scope = field_scope(recorder, Use::training, times);
  const Tensor end_time = slice(times, 0, 1, 2);
  for (const WeightedCost& cost : regularizers_) {
    if (cost.forms.terminal) {
      TrajectoryPoint point(*training_.field, scope, cast(end_time, precision_), end,
                            {recorder.noise(name_ + ".probe", state_, training_.probe)},
                            Divergence::hutchinson);
      costs.push_back({cost.cost.name, cost.weight,
                       cast(cost.cost.regularizer->terminal_cost(point), DType::f64)});
    }
    add_parameter_cost(recorder, cost, costs);
  }
}

void OdeBlock::add_parameter_cost(Recorder& recorder, const WeightedCost& cost,
                                  std::vector<Cost>& costs) const {
  const std::string prefix = name_ + ".field.";
  Tensor total;
  for (const auto& [parameter_name, parameter] : recorder.named_parameters()) {
    if (parameter_name.compare(0, prefix.size(), prefix) != 0) continue;
    const Tensor term = cost.cost.regularizer->named_parameter_cost(
        parameter_name.substr(prefix.size()), parameter);
    if (!term) continue;
    total = total ? total + cast(term, DType::f64) : cast(term, DType::f64);
  }
  if (total) costs.push_back({cost.cost.name, cost.weight, total});
  if (!total && cost.about_names) {
    throw ConfigError(cost.place, "costs nothing here: none of the parameters of the field of '" +
                                      name_ + "' is one that it is about");
  }
}

Tensor OdeBlock::inverse(Recorder& recorder, Tensor z) const {
  const OdeTerms terms{evaluation_.field, Divergence::none, {}, {}};
  const OdeDynamics dynamics = this->dynamics(terms);
  Tensor times = this->times(recorder, Use::evaluation);
  if (times) times = concat({slice(times, 0, 1, 2), slice(times, 0, 0, 1)});
  std::vector<Tensor> inputs{z};
  for (const Tensor& argument : arguments(recorder, dynamics, evaluation_, times))
    inputs.push_back(argument);
  const auto session = make_session(dynamics, terms, evaluation_, times, nullptr);
  session->grid = {evaluation_.span[1], evaluation_.span[0]};
  return host_call(make_ode_solve(session), inputs).front();
}

}  // namespace odeum::model
