// SPDX-License-Identifier: Apache-2.0
#include "model/ode_solve.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace odeum::model {

namespace {

using Views = std::span<const View>;

/// Views of a solve's arguments in the order of the node's inputs.
struct Arguments {
  std::vector<View> initial;
  Views constants;
};

/// A solve's values by sample are its rows'; what has none adds up over them.
HostFunction::Value value_of(const Shape& shape, DType dtype) {
  return {shape, dtype, shape.has_rows() ? RowClass::per_row : RowClass::row_sum};
}

std::size_t first_constant(const OdeSolveSession& session) { return session.span_is_input ? 2 : 1; }

/// Views of a SolveCall's results, or their cotangents, from the node's: of the times in between
/// the state alone is handed on.
std::vector<View> by_time(const OdeSolveSession& session, Views node) {
  const std::size_t members = session.dynamics.members.size();
  const std::size_t between = session.grid.size() - 2;
  std::vector<View> result((between + 1) * members);
  for (std::size_t i = 0; i < between; ++i) result[i * members] = node[i];
  std::copy_n(node.begin() + static_cast<std::ptrdiff_t>(between), members,
              result.end() - static_cast<std::ptrdiff_t>(members));
  return result;
}

Arguments arguments(OdeSolveSession& session, std::int64_t rows, Views inputs) {
  const std::size_t bytes = static_cast<std::size_t>(rows) * sizeof(double);
  if (session.zeros_bytes < bytes) {
    session.zeros = session.device->allocate(bytes);
    session.zeros_bytes = bytes;
    session.device->fill_zero({session.zeros.get(), 0}, bytes);
  }
  Arguments result;
  result.initial.assign(session.dynamics.members.size(), View{session.zeros.get(), 0});
  result.initial.front() = inputs.front();
  result.constants = inputs.subspan(first_constant(session), session.dynamics.constants.size());
  return result;
}

SolveCall solve_call(const OdeSolveSession& session, std::int64_t rows, const Arguments& args,
                     Views results) {
  SolveCall call;
  call.rows = rows;
  call.times = session.times;
  call.initial = args.initial;
  call.constants = args.constants;
  call.results = results;
  return call;
}

void record(OdeSolveSession& session, bool backward, const SolveReport& report) {
  session.log->records.push_back({session.block, backward, report});
  if (!report.ok()) throw SolveFailure(session.block, report, session.on_failure);
}

void keep_observed(OdeSolveSession& session, const SolveReport& report, Views outputs) {
  if (session.observer->steps() != report.accepted) {
    throw RunError(
        "the field of '" + session.block +
        "' observes statistics at the accepted steps of the forward solve, but the "
        "gradient method solves an equation of its own instead: use backprop or adjoint");
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i]) continue;
    const InputSpec& spec = session.observed[i];
    const std::size_t bytes =
        static_cast<std::size_t>(spec.shape.elements(1)) * size_of(spec.dtype);
    session.device->copy(outputs[i], session.observer->buffers()[i], bytes);
  }
}

class OdeSolveBackward final : public HostFunction {
 public:
  explicit OdeSolveBackward(std::shared_ptr<OdeSolveSession> session)
      : session_(std::move(session)) {}

  std::string name() const override { return "gradient of the solve of '" + session_->block + "'"; }

  std::vector<Value> outputs() const override {
    const Member& state = session_->dynamics.members.front();
    std::vector<Value> values{value_of(state.shape, state.dtype)};
    if (session_->span_is_input) values.push_back(value_of(Shape{2}, DType::f64));
    for (const InputSpec& constant : session_->dynamics.constants)
      values.push_back(value_of(constant.shape, constant.dtype));
    return values;
  }

  bool on_device() const override { return true; }
  void run(std::int64_t, std::span<const void* const>, std::span<void* const>) override {
    bug("a solve runs on device memory");
  }

  void run_on_device(std::int64_t rows, Views inputs, Views outputs) override {
    OdeSolveSession& session = *session_;
    const std::size_t first = first_constant(session);
    const std::size_t constants = session.dynamics.constants.size();
    const Arguments args = arguments(session, rows, inputs);
    for (std::size_t i = 0; i < constants; ++i) {
      const InputSpec& constant = session.dynamics.constants[i];
      if (!outputs[first + i]) continue;
      const auto bytes =
          static_cast<std::size_t>(constant.shape.elements(rows)) * size_of(constant.dtype);
      session.device->fill_zero(outputs[first + i], bytes);
    }
    std::vector<View> initial(session.dynamics.members.size());
    initial.front() = outputs.front();
    std::array<double, 2> times{};
    CotangentTargets targets;
    targets.initial = initial;
    targets.constants = outputs.subspan(first, constants);
    if (session.span_is_input && outputs[1]) targets.times = times;
    const SolveReport report = session.differentiable->backward(
        solve_call(session, rows, args, {}), by_time(session, inputs.subspan(first + constants)),
        targets);
    record(session, true, report);
    if (session.span_is_input && outputs[1])
      session.device->upload(outputs[1], times.data(), sizeof times);
  }

 private:
  std::shared_ptr<OdeSolveSession> session_;
};

class OdeSolve final : public HostFunction {
 public:
  explicit OdeSolve(std::shared_ptr<OdeSolveSession> session) : session_(std::move(session)) {}

  std::string name() const override { return "solve of '" + session_->block + "'"; }

  std::vector<Value> outputs() const override {
    const Member& state = session_->dynamics.members.front();
    std::vector<Value> values(session_->grid.size() - 2, value_of(state.shape, state.dtype));
    for (const Member& member : session_->dynamics.members)
      values.push_back(value_of(member.shape, member.dtype));
    for (const InputSpec& buffer : session_->observed) {
      values.push_back({buffer.shape, buffer.dtype, RowClass::coupled});
    }
    return values;
  }

  bool on_device() const override { return true; }
  void run(std::int64_t, std::span<const void* const>, std::span<void* const>) override {
    bug("a solve runs on device memory");
  }

  void run_on_device(std::int64_t rows, Views inputs, Views outputs) override {
    OdeSolveSession& session = *session_;
    const std::size_t solved = session.grid.size() - 2 + session.dynamics.members.size();
    session.times = session.grid;
    if (session.span_is_input)
      session.device->download(session.times.data(), inputs[1], 2 * sizeof(double));
    const Arguments args = arguments(session, rows, inputs);
    const std::vector<View> results = by_time(session, outputs);
    const SolveCall call = solve_call(session, rows, args, results);
    const SolveReport report = session.differentiable ? session.differentiable->forward(call)
                                                      : session.integrator->integrate(call);
    record(session, false, report);
    if (session.observer) keep_observed(session, report, outputs.subspan(solved));
  }

  std::shared_ptr<HostFunction> vjp() override {
    return session_->differentiable ? std::make_shared<OdeSolveBackward>(session_) : nullptr;
  }

 private:
  std::shared_ptr<OdeSolveSession> session_;
};

}  // namespace

std::shared_ptr<HostFunction> make_ode_solve(std::shared_ptr<OdeSolveSession> session) {
  return std::make_shared<OdeSolve>(std::move(session));
}

}  // namespace odeum::model
