// SPDX-License-Identifier: Apache-2.0
#include "odeum/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

#include "program/interpreter.hpp"
#include "verify/resources.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {
namespace {

constexpr std::int64_t kParameters = 4;
constexpr int kUpdates = 400;
constexpr double kRate = 0.01;

using program::Array;

Program record_update(const Optimizer& optimizer) {
  Recording recording;
  UpdateInputs in;
  in.parameters = recording.input("parameters", {kParameters}, DType::f64);
  in.gradient = recording.input("gradient", {kParameters}, DType::f64);
  in.learning_rate = recording.input("learning rate", {1}, DType::f64);
  in.step = recording.input("step", {1}, DType::f64);
  for (const std::string& slot : optimizer.slots()) {
    in.slots.push_back(recording.input(slot, {kParameters}, DType::f64));
  }
  const UpdateOutputs out = optimizer.update(in);
  require(out.slots.size() == in.slots.size(), std::to_string(out.slots.size()) +
                                                   " slots come out, slots() names " +
                                                   std::to_string(in.slots.size()));
  std::vector<Tensor> outputs{out.parameters};
  outputs.insert(outputs.end(), out.slots.begin(), out.slots.end());
  for (const Tensor& output : outputs) {
    require(output.shape() == Shape{kParameters},
            "gives " + output.shape().text() + " for [parameters]");
  }
  return recording.program(outputs);
}

using Gradient = std::function<std::vector<double>(const std::vector<double>&)>;

/// A quadratic loss whose gradient is the given one: half of x.gradient(x).
class QuadraticLoss final : public LossFunction {
 public:
  explicit QuadraticLoss(Gradient gradient) : gradient_(std::move(gradient)) {}
  double operator()(std::span<double> parameters, std::span<double> gradient) override {
    const std::vector<double> g = gradient_({parameters.begin(), parameters.end()});
    std::copy(g.begin(), g.end(), gradient.begin());
    double sum = 0.0;
    for (std::size_t i = 0; i < g.size(); ++i) sum += 0.5 * g[i] * parameters[i];
    return sum;
  }

 private:
  Gradient gradient_;
};

std::vector<double> search(const LineSearchOptimizer& optimizer, std::vector<double> x,
                           int searches, const Gradient& gradient) {
  std::vector<std::vector<double>> held(optimizer.slots().size(), std::vector<double>(x.size()));
  const std::vector<std::span<double>> slots(held.begin(), held.end());
  QuadraticLoss loss(gradient);
  std::vector<double> begin(x.size());
  for (int step = 0; step < searches; ++step) {
    const double value = loss(x, begin);
    optimizer.search({x, begin, value, slots, 1.0}, loss);
  }
  return x;
}

/// Updates from x with the gradient that `gradient` gives; the last parameters.
std::vector<double> run(const Optimizer& optimizer, std::vector<double> x, int updates,
                        const Gradient& gradient) {
  if (const auto* searching = dynamic_cast<const LineSearchOptimizer*>(&optimizer)) {
    return search(*searching, std::move(x), updates, gradient);
  }
  const Program update = record_update(optimizer);
  std::vector<Array> slots(optimizer.slots().size(), Array::zeros(DType::f64, {kParameters}));
  for (int step = 1; step <= updates; ++step) {
    std::vector<Array> at{Array::of(DType::f64, {kParameters}, x),
                          Array::of(DType::f64, {kParameters}, gradient(x)),
                          Array::of(DType::f64, {1}, {kRate}),
                          Array::of(DType::f64, {1}, {static_cast<double>(step)})};
    at.insert(at.end(), slots.begin(), slots.end());
    std::vector<Array> values = interpret(update, 1, at);
    x = values[0].values;
    slots.assign(values.begin() + 1, values.end());
  }
  return x;
}

double quadratic(const std::vector<double>& x) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (1.0 + static_cast<double>(i)) * x[i] * x[i];
  return sum;
}

std::vector<double> slope(const std::vector<double>& x) {
  std::vector<double> g(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) g[i] = 2.0 * (1.0 + static_cast<double>(i)) * x[i];
  return g;
}

}  // namespace

void check_optimizer(const Workbench& bench, Checks& checks) {
  const auto optimizer = bench.tested<Optimizer>();
  const std::vector<double> start = {1.0, -1.0, 0.5, 2.0};
  checks.that("updates all parameters and its slots", [&] {
    if (dynamic_cast<const LineSearchOptimizer*>(optimizer.get()) == nullptr) {
      record_update(*optimizer);
    }
    const std::vector<std::string> slots = optimizer->slots();
    std::string text = std::to_string(slots.size()) + " slots";
    for (const std::string& slot : slots) text += " " + slot;
    return text;
  });
  checks.that("lowers a quadratic function", [&] {
    const double before = quadratic(start);
    const double after = quadratic(run(*optimizer, start, kUpdates, slope));
    require(after < 0.1 * before, "after " + std::to_string(kUpdates) + " updates at rate " +
                                      shown(kRate) + " from " + shown(before) + " to " +
                                      shown(after));
    return "from " + shown(before) + " to " + shown(after);
  });
  checks.that("names each of its slots once", [&] {
    const std::vector<std::string> slots = optimizer->slots();
    for (const std::string& slot : slots) {
      require(!slot.empty() && slot.find('.') == std::string::npos &&
                  std::count(slots.begin(), slots.end(), slot) == 1,
              "'" + slot + "' is empty, has a dot, or comes twice");
    }
    return std::string();
  });
  checks.that("survives a gradient of zero", [&] {
    const auto zero = [](const std::vector<double>& x) {
      return std::vector<double>(x.size(), 0.0);
    };
    for (const double x : run(*optimizer, start, 3, zero))
      require(std::isfinite(x), "a parameter is " + shown(x));
    return std::string();
  });
  checks.that("gives the same bits again", [&] {
    require(run(*optimizer, start, 20, slope) == run(*optimizer, start, 20, slope), "it does not");
    return std::string();
  });
  check_resources(checks, [&] { run(*bench.tested<Optimizer>(), start, 2, slope); });
}

}  // namespace odeum::verify
