// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "odeum/objective.hpp"
#include "odeum/plugin.hpp"

namespace odeum::objectives {
namespace {

/// Guo, Pleiss, Sun, Weinberger 2017, equation 3: bins of equal width, the gap between mean
/// confidence and accuracy in each, weighted by the share of rows in it.
double calibration_error(const std::vector<double>& confidence, const std::vector<double>& correct,
                         std::size_t bins) {
  std::vector<double> gap(bins, 0.0);
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    if (!std::isfinite(confidence[i])) return std::numeric_limits<double>::quiet_NaN();
    const double at = std::ceil(confidence[i] * static_cast<double>(bins)) - 1.0;
    const double inside = std::clamp(at, 0.0, static_cast<double>(bins) - 1.0);
    gap[static_cast<std::size_t>(inside)] += correct[i] - confidence[i];
  }
  double error = 0.0;
  for (const double g : gap) error += std::abs(g);
  return error / static_cast<double>(confidence.size());
}

class Classification final : public Objective {
 public:
  static Schema schema() {
    return Schema(
               "Cross-entropy of the classes, of which the model's features are the unnormalised "
               "log-probabilities. Roles x and label: a class, counted from 0, or weights "
               "[classes]. "
               "Metrics cross_entropy, accuracy (a tie of n classes counts as 1/n) and confidence; "
               "the figure calibration_error over all rows")
        .cite(
            "Guo, Pleiss, Sun, Weinberger, On calibration of modern neural networks, ICML 2017, "
            "arXiv 1706.04599 (expected calibration error)")
        .integer("bins", 15, "of equal width in confidence, for the calibration error")
        .at_least(1)
        .at_most(1000);
  }

  explicit Classification(const Config& config)
      : bins_(static_cast<std::size_t>(config.integer("bins"))) {}

  std::vector<std::string> roles() const override { return {"x", "label"}; }
  std::string units() const override { return "nats"; }

  Losses losses(Scope& /*scope*/, Model& model,
                const std::map<std::string, Tensor>& roles) const override {
    const Tensor value = model.forward(roles.at("x")).value;
    if (value.rank() != 2) {
      throw std::invalid_argument(
          "classification wants one number a class from the model, which gives samples of shape " +
          value.shape().text() + ": end it with the block dense");
    }
    const Tensor logits = cast(value, DType::f64);
    const Tensor target = weights(cast(roles.at("label"), DType::f64), logits);
    const Tensor normaliser = logsumexp(logits, 1);
    const Tensor loss = sum(target, {1}) * normaliser - sum(target * logits, {1});

    const Tensor best = reduce_max(logits, {1});
    const Tensor chosen = equal(logits, reshape(best, {kRows, 1}));
    const Tensor meant = equal(target, reshape(reduce_max(target, {1}), {kRows, 1}));
    const Tensor accuracy = sum(chosen * meant, {1}) / sum(chosen, {1});
    return {
        loss,
        {{"cross_entropy", loss}, {"accuracy", accuracy}, {"confidence", exp(best - normaliser)}}};
  }

  std::map<std::string, double> figures(
      const std::map<std::string, std::vector<double>>& metrics) const override {
    return {{"calibration_error",
             calibration_error(metrics.at("confidence"), metrics.at("accuracy"), bins_)}};
  }

  std::string why_no_sampling() const override {
    return "a classifier is a model of labels, not of the data";
  }

 private:
  /// [rows, classes]; not a number where the label is none of the classes, which ends the training.
  static Tensor weights(Tensor label, Tensor logits) {
    const std::int64_t classes = logits.extent(1);
    if (label.rank() == 2 && label.extent(1) == classes) return label;
    if (label.shape().elements_per_row() != 1) {
      throw std::invalid_argument("the column of labels has samples of shape " +
                                  label.shape().text() + "; wanted is one class, or " +
                                  std::to_string(classes) + " weights, as the model has classes");
    }
    const Tensor index = iota(logits, {1, classes}, 1, DType::f64);
    const Tensor one_hot = equal(broadcast(reshape(label, {kRows, 1}), {kRows, classes}),
                                 broadcast(index, {kRows, classes}));
    const Tensor known = broadcast(reshape(sum(one_hot, {1}), {kRows, 1}), {kRows, classes});
    return select(known, one_hot, full(one_hot, {1}, std::numeric_limits<double>::quiet_NaN()));
  }

  std::size_t bins_;
};

ODEUM_PLUGIN(objective, "classification", Classification, "1.0.0",
             "Cross-entropy, accuracy and calibration of classes")

}  // namespace
}  // namespace odeum::objectives
