// SPDX-License-Identifier: Apache-2.0
#include "odeum/gradient.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "odeum/controller.hpp"
#include "solve/setting.hpp"
#include "verify/problem.hpp"
#include "verify/resources.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {
namespace {

constexpr std::int64_t kRowsTested = 3;
constexpr std::int64_t kFeatures = 2;
const std::vector<double> kTimes = {0.0, 0.6, 1.5};
constexpr double kTight = 1e-10;
constexpr double kTolerance = 1e-7;
// Of the gradient's size: methods that solve further equations meet a multiple of the tolerance.
constexpr double kAllowed = 1e-4;
constexpr double kStep = 1e-6;

/// z' = tanh(W z + t b), with the running cost |z|^2; constants W and b.
Dynamics network() {
  Dynamics dynamics;
  dynamics.members.push_back({.name = "z", .shape = {kRows, kFeatures}, .dtype = DType::f64});
  dynamics.members.push_back({.name = "cost",
                              .shape = {kRows},
                              .dtype = DType::f64,
                              .in_error_norm = false,
                              .along_absolute_time = true});
  dynamics.constants = {{"weight", {kFeatures, kFeatures}, DType::f64},
                        {"bias", {kFeatures}, DType::f64}};
  dynamics.rates = [](Tensor t, const State& y, std::span<const Tensor> constants) {
    const Tensor time = t.shape().has_rows() ? reshape(t, {kRows, 1}) : t;
    const Tensor velocity = tanh(linear(y[0], constants[0]) + time * constants[1]);
    return State{velocity, sum_features(square(y[0]))};
  };
  return dynamics;
}

/// All that the loss depends on, one behind the other: initial state, weight, bias, times.
struct Point {
  std::vector<double> z = {1.0, 0.5, -0.3, 0.8, 0.1, -1.2};
  std::vector<double> weight = {0.3, -1.1, 0.9, 0.2};
  std::vector<double> bias = {0.4, -0.2};
  std::vector<double> times = kTimes;

  std::array<std::vector<double>*, 4> parts() { return {&z, &weight, &bias, &times}; }
};

class Solves {
 public:
  Solves(const Workbench& bench, std::shared_ptr<const Solver> solver, double tolerance)
      : device_(bench.make<Device>("cpu")), dynamics_(network()) {
    if (solver->error_order() == 0 && !solver->host_driven()) {
      options_ = in_steps(400);
    } else {
      options_ = to_tolerance(tolerance);
    }
    solver_ = std::move(solver);
    controller_ = bench.make<Controller>(options_.steps > 0 ? "constant" : "integral");
  }
  const Dynamics& dynamics() const { return dynamics_; }
  const SolveOptions& options() const { return options_; }
  std::unique_ptr<SolveSetting> setting() const {
    return solve::make_setting(dynamics_, solver_, controller_, options_, device_);
  }

  /// Sum of squares of z at both later times and the cost at the end; and its cotangents.
  double loss(const Point& point) {
    const auto integrator = setting()->integrator(dynamics_, options_, {});
    const SolveReport report = integrator->integrate(call(point));
    require(report.ok(), report.message());
    return loss_of_results();
  }
  Point gradient(const GradientMethod& method, const Point& point, SolveReport& backward) {
    const auto solve = method.prepare(setting(), {true, true});
    const SolveCall made = call(point);
    const SolveReport forward = solve->forward(made);
    require(forward.ok(), "forward: " + forward.message());
    loss_of_results();
    std::vector<View> cotangents;
    for (std::size_t i = 0; i + 1 < kTimes.size(); ++i) {
      std::vector<double> z = z_results_[i];
      for (double& entry : z) entry *= 2.0;
      cotangents.push_back(place(z));
      cotangents.push_back(i + 2 == kTimes.size() ? place(std::vector<double>(kRowsTested, 1.0))
                                                  : View{});
    }
    Point result;
    std::fill(result.weight.begin(), result.weight.end(), 0.0);
    std::fill(result.bias.begin(), result.bias.end(), 0.0);
    const std::array initial{place(result.z), View{}};
    const std::array constants{place(result.weight), place(result.bias)};
    backward = solve->backward(made, cotangents, {initial, constants, result.times});
    require(backward.ok(), "backward: " + backward.message());
    read(result.z, initial[0]);
    read(result.weight, constants[0]);
    read(result.bias, constants[1]);
    return result;
  }

 private:
  View place(const std::vector<double>& values) {
    memory_.push_back(device_->allocate(std::max<std::size_t>(64, values.size() * sizeof(double))));
    device_->upload({memory_.back().get(), 0}, values.data(), values.size() * sizeof(double));
    return {memory_.back().get(), 0};
  }
  void read(std::vector<double>& values, View from) const {
    device_->download(values.data(), from, values.size() * sizeof(double));
  }
  SolveCall call(const Point& point) {
    initial_ = {place(point.z), place(std::vector<double>(kRowsTested, 0.0))};
    constants_ = {place(point.weight), place(point.bias)};
    times_ = point.times;
    results_.clear();
    for (std::size_t i = 1; i < times_.size(); ++i) {
      results_.push_back(place(point.z));
      results_.push_back(place(std::vector<double>(kRowsTested, 0.0)));
    }
    SolveCall made;
    made.rows = kRowsTested;
    made.times = times_;
    made.initial = initial_;
    made.constants = constants_;
    made.results = results_;
    return made;
  }
  double loss_of_results() {
    double sum = 0.0;
    z_results_.clear();
    for (std::size_t i = 0; i + 1 < times_.size(); ++i) {
      std::vector<double> z(kRowsTested * kFeatures);
      read(z, results_[2 * i]);
      for (const double entry : z) sum += entry * entry;
      z_results_.push_back(std::move(z));
    }
    std::vector<double> cost(kRowsTested);
    read(cost, results_.back());
    for (const double entry : cost) sum += entry;
    return sum;
  }

  std::shared_ptr<Device> device_;
  Dynamics dynamics_;
  std::shared_ptr<const Solver> solver_;
  std::shared_ptr<const Controller> controller_;
  SolveOptions options_;
  std::vector<std::shared_ptr<void>> memory_;
  std::vector<View> initial_, constants_, results_;
  std::vector<double> times_;
  std::vector<std::vector<double>> z_results_;
};

/// Central differences of tight solves by dopri5.
Point differences(const Workbench& bench) {
  Solves tight(bench, bench.make<Solver>("dopri5"), kTight);
  Point result;
  Point at;
  for (std::size_t part = 0; part < at.parts().size(); ++part) {
    for (std::size_t i = 0; i < at.parts()[part]->size(); ++i) {
      double& entry = (*at.parts()[part])[i];
      const double value = entry;
      entry = value + kStep;
      const double above = tight.loss(at);
      entry = value - kStep;
      (*result.parts()[part])[i] = (above - tight.loss(at)) / (2.0 * kStep);
      entry = value;
    }
  }
  return result;
}

/// The largest difference over the largest entry.
double relative(const std::vector<double>& found, const std::vector<double>& truth) {
  double size = 0.0;
  for (const double entry : truth) size = std::max(size, std::abs(entry));
  return largest_difference(found, truth) / size;
}

}  // namespace

void check_gradient(const Workbench& bench, Checks& checks) {
  const auto method = bench.tested<GradientMethod>();
  std::shared_ptr<const Solver> solver;
  std::string reasons;
  for (const char* name : {"dopri5", "reversible_heun", "leapfrog"}) {
    if (bench.plugins.find("solver", name) == nullptr) continue;
    const std::shared_ptr<const Solver> candidate = bench.make<Solver>(name);
    const Solves solves(bench, candidate, kTolerance);
    const std::string reason = method->refusal(*candidate, solves.options(), solves.dynamics());
    if (reason.empty()) {
      solver = candidate;
      break;
    }
    reasons += std::string(name) + ": " + reason + "; ";
  }
  if (!solver) {
    checks.left_out("its gradients agree with central differences", "it refuses " + reasons);
    return;
  }
  Point found;
  const Point truth = differences(bench);
  checks.that("runs forward and back", [&] {
    Solves solves(bench, solver, kTolerance);
    SolveReport backward;
    found = solves.gradient(*method, Point{}, backward);
    return std::to_string(backward.evaluations) + " evaluations backward";
  });
  const auto agrees = [&](const char* what, std::vector<double> Point::*part) {
    checks.that(std::string("its gradient by ") + what + " agrees with central differences", [&] {
      const double error = relative(found.*part, truth.*part);
      require(error <= kAllowed, "wrong by " + shown(error) + " of its size");
      return "to " + shown(error) + " of its size";
    });
  };
  agrees("the initial state", &Point::z);
  agrees("the weight", &Point::weight);
  agrees("the bias", &Point::bias);
  agrees("the times", &Point::times);
  checks.that("gives the same bits again", [&] {
    Solves solves(bench, solver, kTolerance);
    SolveReport backward;
    const Point again = solves.gradient(*method, Point{}, backward);
    require(again.z == found.z && again.weight == found.weight && again.bias == found.bias,
            "a second gradient differs");
    return std::string();
  });
  check_resources(checks, [&] {
    SolveReport backward;
    Solves(bench, solver, kTolerance).gradient(*bench.tested<GradientMethod>(), Point{}, backward);
  });
}

}  // namespace odeum::verify
