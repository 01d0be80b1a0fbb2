// SPDX-License-Identifier: Apache-2.0
#include "odeum/objective.hpp"

#include <algorithm>

#include "verify/function.hpp"
#include "verify/resources.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {
namespace {

constexpr std::int64_t kRowsTested = 4;
constexpr std::int64_t kFeatures = 3;

/// A model of one line: z = 1.3 x + 0.2, with its log-determinant and a cost; and of one rate over
/// [0, 1].
class Line final : public Model {
 public:
  Result forward(Tensor x) override {
    const Tensor logs = full(x, {kRows}, 0.78709279, DType::f64);  // 3 ln 1.3
    return {1.3 * x + 0.2, logs, sum_features(square(cast(x, DType::f64)))};
  }
  Tensor before_solve(Tensor x) override { return 0.7 * x - 0.1; }
  Tensor velocity(Tensor t, Tensor z) override { return 0.3 * z + reshape(t, {kRows, 1}); }
  std::array<double, 2> span() const override { return {0.0, 1.0}; }
};

Objective::Losses losses(const Objective& objective, FunctionRecording& recording,
                         Mode mode = Mode::evaluation) {
  std::map<std::string, Tensor> roles;
  for (const std::string& role : objective.roles()) {
    roles[role] = recording.input(role, {kRows, kFeatures});
  }
  Line model;
  model::NamedScope scope = recording.scope(roles.begin()->second, {}, mode);
  return objective.losses(scope, model, roles);
}

}  // namespace

void check_objective(const Workbench& bench, Checks& checks) {
  const auto objective = bench.tested<Objective>();
  checks.that("names the roles of its data", [&] {
    const std::vector<std::string> roles = objective->roles();
    require(!roles.empty(), "roles() is empty");
    std::string text;
    for (const std::string& role : roles) {
      require(std::count(roles.begin(), roles.end(), role) == 1, "'" + role + "' stands twice");
      text += role + " ";
    }
    return text;
  });
  checks.that("says a unit and its scale", [&] {
    require(!objective->units().empty(), "units() is empty");
    require(objective->unit_scale(kFeatures) > 0.0, "unit_scale(3) is not positive");
    return objective->units();
  });
  const auto record = [&](DType type) {
    FunctionRecording recording(type, kRowsTested, 1);
    const Objective::Losses found = losses(*objective, recording);
    std::vector<Tensor> outputs{found.loss};
    for (const auto& [name, metric] : found.metrics) outputs.push_back(metric);
    for (const auto& term : found.weighted) outputs.push_back(term.value);
    // Training and evaluation differ where only the one solves.
    if (objective->matches_velocity())
      outputs.push_back(losses(*objective, recording, Mode::training).loss);
    return recording.function(outputs);
  };
  checks.that("gives one loss and one of each metric a sample, in float64", [&] {
    FunctionRecording recording(DType::f32, kRowsTested, 1);
    const Objective::Losses found = losses(*objective, recording);
    require(found.loss.shape() == Shape{kRows} && found.loss.dtype() == DType::f64,
            "the loss is " + std::string(name(found.loss.dtype())) + found.loss.shape().text());
    require(!found.metrics.empty(), "there is no metric: validation minimises the first one");
    for (const auto& [name, metric] : found.metrics) {
      require(metric.shape() == Shape{kRows},
              "the metric '" + name + "' is " + metric.shape().text());
    }
    return std::to_string(found.metrics.size()) + " metrics";
  });
  check_tensor_code(bench, checks, record);
  checks.that("leaves other samples alone where one is not a number",
              [&] { return rows_stay_apart(record(DType::f64)); });
  checks.that("draws samples of its base shaped as asked, or says why not", [&] {
    FunctionRecording recording(DType::f64, kRowsTested, 1);
    model::NamedScope scope = recording.scope(recording.input("like", {kRows, kFeatures}));
    const Tensor draw = objective->base_sample(scope, {kRows, kFeatures});
    if (!draw) {
      require(!objective->why_no_sampling().empty(), "neither a draw nor a reason");
      return objective->why_no_sampling();
    }
    const Shape wanted{kRows, kFeatures};
    require(draw.shape() == wanted,
            "asked for " + wanted.text() + ", given " + draw.shape().text());
    return std::string();
  });
  check_resources(checks, [&] {
    bench.tested<Objective>();
    record(DType::f64);
  });
}

}  // namespace odeum::verify
