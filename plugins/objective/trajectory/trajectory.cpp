// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "../observed.hpp"
#include "odeum/objective.hpp"
#include "odeum/plugin.hpp"

namespace odeum::objectives {
namespace {

constexpr std::int64_t kMostHorizons = 10;

using Metrics = std::map<std::string, std::vector<double>>;

/// Padded, so that names sort as times do.
std::string at(const std::string& metric, std::int64_t time, std::int64_t times) {
  const std::string number = std::to_string(time);
  const std::string last = std::to_string(times);
  return metric + "_" + std::string(last.size() - number.size(), '0') + number;
}

/// Errors of a batch, [rows, times, features] float64, and which of them are counted.
struct Errors {
  Tensor error;
  Tensor seen;  ///< 1 where y was observed, else 0
};

class Trajectory final : public Objective {
 public:
  static Schema schema() {
    return Schema(
               "Mean error of a whole solution: between the model's states for the start x and "
               "what was observed at these times, y. The last ode block has `times`, as many as "
               "y. Roles x and y [times, features], of as many elements as the model's value. "
               "Metrics squared_error [y's unit squared] and absolute_error [y's unit] over times "
               "and features, squared_error_K at the K-th time alone; figures "
               "root_mean_squared_error and root_mean_squared_error_K [y's unit] over all rows")
        .cite(
            "Chen, Rubanova, Bettencourt, Duvenaud, Neural Ordinary Differential Equations, "
            "NeurIPS 2018, arXiv 1806.07366")
        .text("error", "squared", "what is minimised: the mean squared or the mean absolute error")
        .choices({"squared", "absolute"})
        .numbers("weights",
                 "of the times' errors in the loss, one a time; metrics are without. Left out: all "
                 "alike")
        .optional()
        .size(1)
        .at_least(0)
        .text(
            "missing", "refused",
            "whether all of y was observed. refused: it was; skipped: roles known, in the place of "
            "y, and observed [times, features], 1 where known was observed and 0 where not: means "
            "go over what was. A row's loss is its mean, so rows count alike however much of them "
            "was observed; metric observed [1] is its share")
        .choices({"refused", "skipped"})
        .integers(
            "horizons",
            "times, counted from 1, that have metrics of their own; left out: all of them, or "
            "ten equally spread where there are more")
        .optional()
        .at_least(1);
  }

  explicit Trajectory(const Config& config)
      : absolute_(config.text("error") == "absolute"), skips_(config.text("missing") == "skipped") {
    if (config.has("weights")) {
      weights_ = config.numbers("weights");
      if (*std::max_element(weights_.begin(), weights_.end()) == 0.0)
        config.fail("weights", "are all zero: nothing would be learned");
    }
    if (config.has("horizons")) {
      horizons_ = config.integers("horizons");
      std::vector<std::int64_t> sorted = horizons_;
      std::sort(sorted.begin(), sorted.end());
      if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
        config.fail("horizons", "names a time twice");
    }
  }

  std::vector<std::string> roles() const override {
    return skips_ ? std::vector<std::string>{"x", "known", "observed"}
                  : std::vector<std::string>{"x", "y"};
  }
  std::string units() const override { return absolute_ ? "absolute error" : "squared error"; }

  Losses losses(Scope& /*scope*/, Model& model,
                const std::map<std::string, Tensor>& roles) const override {
    const Errors errors = compare(model.forward(roles.at("x")).value, roles);
    const Tensor squares = square(errors.error);
    const Tensor sizes = abs(errors.error);
    const Tensor counts = errors.seen * times_weights(errors.seen);
    Losses result;
    result.loss = weighted_mean(absolute_ ? sizes : squares, counts);
    const auto report = [&](const std::string& name, Tensor value) {
      result.metrics.emplace_back(name, value);
    };
    report(absolute_ ? "absolute_error" : "squared_error",
           weighted_mean(absolute_ ? sizes : squares, errors.seen));
    report(absolute_ ? "squared_error" : "absolute_error",
           weighted_mean(absolute_ ? squares : sizes, errors.seen));
    if (skips_) report("observed", mean_features(errors.seen));
    const std::int64_t times = errors.seen.extent(1);
    for (const std::int64_t time : horizons_of(times)) {
      const Tensor seen = slice(errors.seen, 1, time - 1, time);
      report(at("squared_error", time, times),
             weighted_mean(slice(squares, 1, time - 1, time), seen));
      if (skips_) report(at("observed", time, times), mean_features(seen));
    }
    return result;
  }

  std::map<std::string, double> figures(const Metrics& metrics) const override {
    std::map<std::string, double> result;
    const std::string squares = "squared_error";
    for (const auto& [name, values] : metrics) {
      if (name.compare(0, squares.size(), squares) != 0) continue;
      const std::string which = name.substr(squares.size());
      const std::vector<double> counts =
          skips_ ? metrics.at("observed" + which) : std::vector<double>(values.size(), 1.0);
      result["root_mean_" + name] = root_mean(values, counts);
    }
    return result;
  }

  std::string why_no_sampling() const override {
    return "a trajectory is a model of what follows a state, not of the data";
  }

 private:
  Errors compare(Tensor value, const std::map<std::string, Tensor>& roles) const {
    const Tensor target = roles.at(skips_ ? "known" : "y");
    const std::int64_t elements = target.shape().elements_per_row();
    const std::int64_t times = target.rank() > 1 ? target.extent(1) : 1;
    const bool fits = value.shape().elements_per_row() == elements &&
                      (value.rank() < 3 || value.extent(1) == times);
    if (!fits) {
      throw std::invalid_argument(
          "the model gives samples of shape " + value.shape().text() + " and the target y has " +
          target.shape().text() +
          ": give the last ode block as many `times` as y has, and the model as many features");
    }
    const Shape shape{kRows, times, elements / times};
    const Tensor error =
        reshape(cast(value, DType::f64), shape) - reshape(cast(target, DType::f64), shape);
    if (!skips_) return {error, ones_like(error)};
    const Tensor observed = roles.at("observed");
    if (observed.shape().elements_per_row() != elements) {
      throw std::invalid_argument("what says what was observed has samples of shape " +
                                  observed.shape().text() + ", the target y " +
                                  target.shape().text());
    }
    return {error, reshape(cast(observed, DType::f64), shape)};
  }

  /// [1, times, 1], or all ones.
  Tensor times_weights(Tensor like) const {
    const std::int64_t times = like.extent(1);
    if (weights_.empty()) return full(like, {1, 1, 1}, 1.0);
    if (weights_.size() != static_cast<std::size_t>(times)) {
      throw std::invalid_argument(std::to_string(weights_.size()) + " weights for " +
                                  std::to_string(times) + " times");
    }
    return cast(constant(like, {1, times, 1}, weights_), DType::f64);
  }

  std::vector<std::int64_t> horizons_of(std::int64_t times) const {
    for (const std::int64_t horizon : horizons_) {
      if (horizon > times) {
        throw std::invalid_argument("horizon " + std::to_string(horizon) + " of " +
                                    std::to_string(times) + " times");
      }
    }
    if (!horizons_.empty()) return horizons_;
    const std::int64_t count = std::min(times, kMostHorizons);
    std::vector<std::int64_t> result;
    for (std::int64_t k = 1; k <= count; ++k) result.push_back((k * times + count - 1) / count);
    return result;
  }

  bool absolute_;
  bool skips_;
  std::vector<double> weights_;
  std::vector<std::int64_t> horizons_;
};

ODEUM_PLUGIN(objective, "trajectory", Trajectory, "1.0.0",
             "Error of a solution at several times, against observations")

}  // namespace
}  // namespace odeum::objectives
