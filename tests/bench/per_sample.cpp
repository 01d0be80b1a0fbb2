// SPDX-License-Identifier: Apache-2.0
// bench_per_sample: what a step size per sample saves where samples differ in difficulty.
//
//   env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE build/release/bench/bench_per_sample
//       [--repeats N] [--out FILE]
//
// A thousand samples relax towards a moving point at rates of their own; what they are compared by
// is the largest error of any sample against a solve at 1e-12.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "../solve/problem.hpp"
#include "odeum/error.hpp"
#include "page_head.hpp"

namespace odeum::bench {
namespace {

using namespace odeum::testing;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kRows = 1000, kFeatures = 2, kHidden = 64;

struct Workload {
  std::string name;
  Dynamics dynamics;
  std::vector<Values> constants;
  double end = 5.0;
};

Tensor relax(Tensor t, Tensor z, Tensor rate) { return -rate * (z - matched(cos(t), z)); }

Values waves(std::int64_t count, double scale) {
  Values v;
  for (std::int64_t i = 0; i < count; ++i)
    v.push_back(scale * std::sin(1.7 * static_cast<double>(i)));
  return v;
}

/// The field alone: a dozen operations an entry.
Workload cheap(const std::string& name, Values rates) {
  return {name,
          dynamics_of(kFeatures, [](Tensor t, Tensor z, auto c) { return relax(t, z, c[0]); },
                      {{"rate", {odeum::kRows, 1}, DType::f64}}),
          {std::move(rates)}};
}

/// With a network 2-64-64-2 beside it.
Workload network(const std::string& name, Values rates) {
  return {name,
          dynamics_of(kFeatures,
                      [](Tensor t, Tensor z, auto c) {
                        return relax(t, z, c[0]) +
                               linear(tanh(linear(tanh(linear(z, c[1])), c[2])), c[3]);
                      },
                      {{"rate", {odeum::kRows, 1}, DType::f64},
                       {"w1", {kHidden, kFeatures}, DType::f64},
                       {"w2", {kHidden, kHidden}, DType::f64},
                       {"w3", {kFeatures, kHidden}, DType::f64}}),
          {std::move(rates), waves(kHidden * kFeatures, 0.5), waves(kHidden * kHidden, 0.2),
           waves(kFeatures * kHidden, 0.1)}};
}

Values one_stiff(double rate) {
  Values rates(kRows, 1.0);
  rates[417] = rate;
  return rates;
}

Values spread(double most) {
  Values rates;
  for (std::int64_t i = 0; i < kRows; ++i) {
    const auto place = static_cast<double>((i * 367) % kRows) / static_cast<double>(kRows - 1);
    rates.push_back(std::pow(most, place));
  }
  return rates;
}

struct Outcome {
  SolveReport report;
  Values y;
  double ms = 0.0;
};

/// The median time of solves after the first, which compiles.
Outcome solve(const Workload& workload, StepSize step_size, double tolerance, int repeats) {
  static const auto device = component<Device>("device", "cpu", {{"threads", std::int64_t{1}}});
  Method method{"dopri5", "integral", tolerances(tolerance, tolerance)};
  method.options.step_size = step_size;
  method.options.max_steps = 10000000;
  const auto setting = setting_of(workload.dynamics, method, device);
  const auto integrator = setting->integrator(workload.dynamics, method.options, {});
  const OnDevice initial(*device, waves(kRows * kFeatures, 1.0));
  const OnDevice end(*device, Values(kRows * kFeatures, 0.0));
  std::vector<std::unique_ptr<OnDevice>> storage;
  std::vector<View> constants;
  for (const Values& values : workload.constants) {
    storage.push_back(std::make_unique<OnDevice>(*device, values));
    constants.push_back(storage.back()->view());
  }
  const View start = initial.view(), result = end.view();
  const Values times = {0.0, workload.end};
  const SolveCall call{.rows = kRows,
                       .times = times,
                       .initial = std::span(&start, 1),
                       .constants = constants,
                       .results = std::span(&result, 1),
                       .observer = {}};
  Outcome outcome;
  std::vector<double> ms;
  for (int i = 0; i <= repeats; ++i) {
    const auto begin = Clock::now();
    outcome.report = integrator->integrate(call);
    if (!outcome.report.ok()) throw RunError(outcome.report.message());
    if (i > 0)
      ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  std::sort(ms.begin(), ms.end());
  outcome.ms = ms[ms.size() / 2];
  outcome.y = end.values();
  return outcome;
}

double largest_difference(const Values& a, const Values& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

std::string rows_of(const Workload& workload, int repeats) {
  const Values truth = solve(workload, StepSize::per_sample, 1e-12, 1).y;
  std::ostringstream out;
  const auto line = [&](const char* stepping, double tolerance, const Outcome& o,
                        std::int64_t evaluations) {
    char text[256];
    std::snprintf(text, sizeof text, "| %s | %s | %.0e | %lld | %lld | %lld | %.1e | %.2f |\n",
                  workload.name.c_str(), stepping, tolerance,
                  static_cast<long long>(o.report.evaluations), static_cast<long long>(evaluations),
                  static_cast<long long>(o.report.row_evaluations), largest_difference(o.y, truth),
                  o.ms);
    out << text;
  };
  for (const double tolerance : {1e-4, 1e-6, 1e-8}) {
    const Outcome shared = solve(workload, StepSize::shared, tolerance, repeats);
    line("shared", tolerance, shared, shared.report.row_evaluations);
    const Outcome own = solve(workload, StepSize::per_sample, tolerance, repeats);
    std::int64_t needed = 0;
    for (const SampleReport& sample : own.report.by_sample) needed += sample.evaluations;
    line("per sample", tolerance, own, needed);
  }
  return out.str();
}

int run(int argc, char** argv) {
  int repeats = 11;
  std::string path = std::string(ODEUM_SOURCE) + "/docs/results/per-sample-steps.md";
  std::string command = "env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE bench_per_sample";
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--repeats") repeats = std::max(1, std::atoi(argv[i + 1]));
    if (name == "--out") path = argv[i + 1];
  }
  ::setenv("ODEUM_PLUGIN_PATH", ODEUM_PLUGINS, 1);
  std::string rows;
  for (const Workload& workload : {cheap("one of rate 1000, cheap field", one_stiff(1000.0)),
                                   network("one of rate 1000, network", one_stiff(1000.0)),
                                   network("rates 1 to 1000, network", spread(1000.0)),
                                   network("all of rate 1, network", one_stiff(1.0))}) {
    rows += rows_of(workload, repeats);
  }
  std::ofstream(path) << "# A step size per sample\n\n"
                      << page_head(command + " --repeats " + std::to_string(repeats)) << R"(
1000 samples z' = -r (z - cos t) + net(z), z in the plane, t from 0 to 5, float64; a rate r each, dopri5, rtol = atol, one
thread. The network is 2-64-64-2 with tanh.

- calls: evaluations of the dynamics, on whatever rows were in the batch.
- needed: evaluations summed over the samples that were under way; made: over all rows in the batch, finished ones that
  were not yet compacted away included.
- error: the largest of any sample at the end, against a solve at 1e-12. The shared norm is a mean over the batch, so a
  sample that is harder than the others may be wrong by up to the root of their number times the tolerance.

| samples | step | tolerance | calls | needed | made | error | ms |
|-|-|-|-|-|-|-|-|
)" << rows;
  return 0;
}

}  // namespace
}  // namespace odeum::bench

int main(int argc, char** argv) {
  try {
    return odeum::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_per_sample: %s\n", error.what());
    return 1;
  }
}
