// SPDX-License-Identifier: Apache-2.0
#include "train/round_trip.hpp"

#include <array>
#include <cmath>

#include "train/gradient_reference.hpp"

namespace odeum::train {
namespace {

/// From `initial` at `begin` to `end`; the report says whether the result is one.
SolveReport carry(const Problem& problem, double begin, double end,
                  const std::vector<double>& initial, std::vector<double>& result) {
  const std::unique_ptr<SolveSetting> setting = problem.setting(problem.options());
  const std::unique_ptr<Integrator> integrator =
      setting->integrator(setting->dynamics(), problem.options(), {});
  const Problem::Constants constants = problem.constants(problem.parameter_values());
  const std::shared_ptr<void> start = problem.upload(initial);
  const std::shared_ptr<void> finish = problem.upload(initial);
  const std::array first{View{start.get(), 0}};
  const std::array last{View{finish.get(), 0}};
  const std::array times{begin, end};
  SolveCall call;
  call.rows = 1;
  call.times = times;
  call.initial = first;
  call.constants = constants.views;
  call.results = last;
  SolveReport report = integrator->integrate(call);
  result = problem.download(last[0], initial.size());
  return report;
}

}  // namespace

RoundTrip round_trip(const Problem& problem) {
  const double begin = problem.times().front();
  const double end = problem.times().back();
  RoundTrip trip;
  std::vector<double> reached;
  const SolveReport forward = carry(problem, begin, end, problem.initial(), reached);
  if (!forward.ok()) throw RunError("the solve failed: " + forward.message());
  std::vector<double> returned;
  const SolveReport back = carry(problem, end, begin, reached, returned);
  if (!back.ok()) {
    trip.failure = std::string(name(back.status)) + " at t = " + std::to_string(back.t);
    return trip;
  }
  const std::vector<double>& start = problem.initial();
  const SolveOptions& options = problem.options();
  trip.mismatch = relative_error(returned, start);
  double squares = 0.0;
  for (std::size_t i = 0; i < start.size(); ++i) {
    const double atol = options.atol.size() > 1 ? options.atol[i] : options.atol[0];
    const double off = (returned[i] - start[i]) / (atol + options.rtol * std::abs(start[i]));
    squares += off * off;
  }
  trip.tolerances = std::sqrt(squares / static_cast<double>(start.size()));
  return trip;
}

}  // namespace odeum::train
