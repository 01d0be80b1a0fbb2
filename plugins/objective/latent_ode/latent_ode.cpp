// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <map>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "../observed.hpp"
#include "odeum/objective.hpp"
#include "odeum/plugin.hpp"

namespace odeum::objectives {
namespace {

using Roles = std::map<std::string, Tensor>;
using Metrics = std::map<std::string, std::vector<double>>;

/// Series of a batch, [rows, times, features] float64.
struct Series {
  Tensor value;     ///< the model's
  Tensor known;     ///< what was measured
  Tensor observed;  ///< 1 where it was, else 0
  Tensor truth;     ///< what errors are measured against
  Tensor counted;   ///< where they are: 1, or observed

  Series between(std::int64_t begin, std::int64_t end) const {
    const auto part = [&](Tensor of) { return slice(of, 1, begin, end); };
    return {part(value), part(known), part(observed), part(truth), part(counted)};
  }
};

class LatentOde final : public Objective {
 public:
  static Schema schema() {
    return Schema(
               "The negative evidence lower bound of a model that encodes a series, draws a latent "
               "state, solves and decodes: -ln p of what was observed, Gaussian around the model's "
               "value with a given deviation and summed over times and features, plus weight times "
               "the divergence of the blocks that draw (diagonal_gaussian). Roles x, what is "
               "encoded; known [times, features], what was measured; observed, of its shape, 1 "
               "where it was and 0 where not. Metrics [nats] nll, kl and their sum "
               "negative_bound, with weight 1 whatever the loss has (a bound where the latent "
               "state is drawn; in evaluation it mostly is its mean); squared_error over the times "
               "trained on, squared_error_ahead over those beyond [known's unit squared]; figures "
               "root_mean_squared_error and root_mean_squared_error_ahead over all rows")
        .cite(
            "Chen, Rubanova, Bettencourt, Duvenaud, Neural Ordinary Differential Equations, "
            "NeurIPS 2018, arXiv 1806.07366, section 5 and appendix F")
        .number("deviation", 0.3, "of what is measured, given the decoded state [known's unit]")
        .above(0)
        .schedule("weight", 1.0,
                  "of the divergence in the loss; 1: the bound itself; one that grows keeps the "
                  "latent state from being ignored at the beginning")
        .at_least(0)
        .integer(
            "ahead", 0,
            "how many of known's last times lie beyond what is trained on; the model gives all "
            "times, or those before them alone")
        .at_least(0)
        .text("errors", "known",
              "what squared errors are measured against: known, where it was observed; truth: the "
              "role truth, of known's shape, at all times")
        .choices({"known", "truth"});
  }

  explicit LatentOde(const Config& config)
      : deviation_(config.number("deviation")),
        weight_(config.schedule("weight")),
        ahead_(config.integer("ahead")),
        against_truth_(config.text("errors") == "truth") {}

  std::vector<std::string> roles() const override {
    std::vector<std::string> names{"x", "known", "observed"};
    if (against_truth_) names.emplace_back("truth");
    return names;
  }
  bool uses_cost() const override { return true; }
  std::string units() const override { return "nats"; }

  Losses losses(Scope& /*scope*/, Model& model, const Roles& roles) const override {
    const Model::Result result = model.forward(roles.at("x"));
    if (!result.cost) {
      throw std::invalid_argument(
          "no block of the model draws its latent state, so there is no bound: put "
          "diagonal_gaussian in front of the ode block, or take the objective trajectory");
    }
    const Series series = series_of(result.value, roles);
    const std::int64_t times = series.value.extent(1);
    const std::int64_t trained = roles.at("known").extent(1) - ahead_;
    const Series seen = series.between(0, trained);
    const Tensor nll = negative_log_likelihood(seen);
    Losses losses;
    losses.loss = nll;
    losses.weighted = {{"kl", weight_, result.cost}};
    losses.metrics = {{"negative_bound", nll + result.cost}, {"nll", nll}, {"kl", result.cost}};
    report(seen, "", losses);
    if (times > trained) report(series.between(trained, times), "_ahead", losses);
    return losses;
  }

  std::map<std::string, double> figures(const Metrics& metrics) const override {
    std::map<std::string, double> result;
    for (const char* which : {"", "_ahead"}) {
      const auto squares = metrics.find(std::string("squared_error") + which);
      if (squares == metrics.end()) continue;
      const auto counts = metrics.find(std::string("observed") + which);
      const std::vector<double> all(squares->second.size(), 1.0);
      result["root_mean_" + squares->first] =
          root_mean(squares->second, counts == metrics.end() ? all : counts->second);
    }
    return result;
  }

  std::string why_no_sampling() const override {
    return "samples are drawn through the inverse of a model, and an encoder has none";
  }

 private:
  Tensor negative_log_likelihood(const Series& seen) const {
    const double log_scale = std::log(deviation_) + 0.5 * std::log(2.0 * std::numbers::pi);
    const Tensor error = (seen.value - seen.known) / deviation_;
    return sum_features(seen.observed * (0.5 * square(error) + log_scale));
  }

  void report(const Series& part, const std::string& which, Losses& losses) const {
    losses.metrics.emplace_back("squared_error" + which,
                                weighted_mean(square(part.value - part.truth), part.counted));
    if (!against_truth_)
      losses.metrics.emplace_back("observed" + which, mean_features(part.counted));
  }

  Series series_of(Tensor value, const Roles& roles) const {
    const Tensor known = roles.at("known");
    if (known.rank() < 2) throw std::invalid_argument("known is a series, [times, features]");
    const std::int64_t all = known.extent(1);
    if (ahead_ >= all) {
      throw std::invalid_argument("ahead is " + std::to_string(ahead_) + " of " +
                                  std::to_string(all) + " times: none is left to train on");
    }
    const std::int64_t features = known.shape().elements_per_row() / all;
    const std::int64_t times = value.rank() > 1 ? value.extent(1) : 1;
    const bool fits = (times == all || times == all - ahead_) &&
                      value.shape().elements_per_row() == times * features;
    if (!fits) {
      throw std::invalid_argument("the model gives samples of shape " + value.shape().text() +
                                  " and known has " + known.shape().text() +
                                  ": give the ode block as many `times` as known has (or as many "
                                  "less as `ahead` says), and the decoder as many features");
    }
    const auto of = [&](const std::string& role) {
      const Tensor column = roles.at(role);
      if (column.shape().elements_per_row() != all * features) {
        throw std::invalid_argument("the role " + role + " has samples of shape " +
                                    column.shape().text() + ", known of " + known.shape().text());
      }
      const Tensor series = reshape(cast(column, DType::f64), {kRows, all, features});
      return slice(series, 1, 0, times);
    };
    Series series;
    series.value = reshape(cast(value, DType::f64), {kRows, times, features});
    series.known = of("known");
    series.observed = of("observed");
    series.truth = against_truth_ ? of("truth") : series.known;
    series.counted = against_truth_ ? ones_like(series.value) : series.observed;
    return series;
  }

  double deviation_;
  Schedule weight_;
  std::int64_t ahead_;
  bool against_truth_;
};

ODEUM_PLUGIN(objective, "latent_ode", LatentOde, "1.0.0",
             "Evidence lower bound of a series with a latent state")

}  // namespace
}  // namespace odeum::objectives
