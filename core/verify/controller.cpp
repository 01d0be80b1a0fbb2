// SPDX-License-Identifier: Apache-2.0
#include "odeum/controller.hpp"

#include <cmath>
#include <limits>

#include "program/interpreter.hpp"
#include "verify/problem.hpp"
#include "verify/resources.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {
namespace {

struct Decision {
  double accept = 0.0;
  double next_h = 0.0;
  std::vector<double> memory;
};

/// What it decides for each of the ratios, each with its own step; rows as `shape` leads.
std::vector<Decision> decide(const Controller& controller, const std::vector<double>& ratios,
                             double h, const Shape& shape) {
  Recording recording;
  ControlInputs in;
  in.error_ratio = recording.input("ratio", shape, DType::f64);
  in.h = recording.input("h", shape, DType::f64);
  const std::vector<double> memory = controller.initial_memory();
  for (std::size_t i = 0; i < memory.size(); ++i) {
    in.memory.push_back(recording.input("memory" + std::to_string(i), shape, DType::f64));
  }
  in.order = 5;
  const ControlOutputs out = controller.decide(in);
  require(out.memory.size() == memory.size(), std::to_string(out.memory.size()) +
                                                  " numbers of memory come out, " +
                                                  std::to_string(memory.size()) + " went in");
  std::vector<Tensor> outputs{out.accept, out.next_h};
  outputs.insert(outputs.end(), out.memory.begin(), out.memory.end());
  for (const Tensor& output : outputs) {
    require(output.shape() == shape, "gives " + output.shape().text() + " for " + shape.text());
  }
  const auto rows = static_cast<std::int64_t>(ratios.size());
  const auto column = [&](std::vector<double> values) {
    return program::Array::of(DType::f64, {rows}, std::move(values));
  };
  std::vector<program::Array> at{column(ratios), column(std::vector<double>(ratios.size(), h))};
  for (const double m : memory) at.push_back(column(std::vector<double>(ratios.size(), m)));
  const auto values = interpret(recording.program(outputs), rows, at);
  std::vector<Decision> decisions(ratios.size());
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    decisions[i] = {values[0].values[i], values[1].values[i], {}};
    for (std::size_t m = 2; m < values.size(); ++m)
      decisions[i].memory.push_back(values[m].values[i]);
  }
  return decisions;
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

void check_adaptive(const Workbench& bench, const Controller& controller, Checks& checks) {
  checks.that("accepts errors up to the tolerance and no larger ones", [&] {
    const auto d = decide(controller, {0.0, 0.5, 1.0, 1.001, 100.0}, 0.1, {kRows});
    for (std::size_t i = 0; i < d.size(); ++i) {
      require((d[i].accept != 0.0) == (i < 3), "decision " + std::to_string(i) +
                                                   " of ratios 0, "
                                                   "0.5, 1, 1.001, 100 is wrong");
    }
    return std::string();
  });
  checks.that("shortens a rejected step and keeps its direction", [&] {
    for (const double h : {0.1, -0.1}) {
      const auto d = decide(controller, {4.0, 1e6}, h, {kRows});
      for (const Decision& one : d) {
        require(one.next_h * h > 0.0 && std::abs(one.next_h) < std::abs(h),
                "from " + shown(h) + " it goes to " + shown(one.next_h));
      }
    }
    return std::string();
  });
  checks.that("lengthens a step with an error near zero", [&] {
    const auto d = decide(controller, {0.0, 1e-9}, 0.1, {kRows});
    for (const Decision& one : d) {
      require(one.next_h > 0.1 && std::isfinite(one.next_h),
              "from 0.1 it goes to " + shown(one.next_h));
    }
    return std::string();
  });
  checks.that("rejects an error that is not finite, with a finite step to go on", [&] {
    for (const Decision& one : decide(controller, {kNaN, kInfinity}, 0.1, {kRows})) {
      require(one.accept == 0.0, "it accepts it");
      require(std::isfinite(one.next_h) && one.next_h > 0.0,
              "the next step is " + shown(one.next_h));
      for (const double m : one.memory) require(std::isfinite(m), "it remembers " + shown(m));
    }
    return std::string();
  });
  checks.that("leads a solver to a tolerance", [&] {
    const Problem problem = winding(2.0);
    const Solved s = solve(bench, problem, bench.make<Solver>("dopri5"), bench.config.use(),
                           to_tolerance(1e-6), SaveTimes::exact, {0.0, 2.0});
    require(s.report.ok(), s.report.message());
    const double error = largest_difference(s.y[0], problem.truth);
    require(error < 1e-4, "at tolerance 1e-6 the error is " + shown(error));
    return "error " + shown(error) + ", " + std::to_string(s.report.accepted) + " accepted and " +
           std::to_string(s.report.rejected) + " rejected steps";
  });
}

}  // namespace

void check_controller(const Workbench& bench, Checks& checks) {
  const auto controller = bench.tested<Controller>();
  checks.that("decides alike for one step of the batch and one of each sample", [&] {
    const auto one = decide(*controller, {0.3}, 0.1, {1});
    const auto each = decide(*controller, {0.3, 0.3, 7.0}, 0.1, {kRows});
    require(one[0].next_h == each[1].next_h && one[0].accept == each[1].accept, "it does not");
    return std::string();
  });
  check_resources(checks, [&] { decide(*bench.tested<Controller>(), {0.3, 7.0}, 0.1, {kRows}); });
  if (controller->adaptive()) {
    check_adaptive(bench, *controller, checks);
    return;
  }
  checks.that("accepts every finite step, as it looks at no error", [&] {
    for (const Decision& d : decide(*controller, {0.5, 100.0}, 0.1, {kRows})) {
      require(d.accept != 0.0, "it rejects one");
    }
    return std::string();
  });
}

}  // namespace odeum::verify
