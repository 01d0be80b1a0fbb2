// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>

#include "model/batch_memory.hpp"
#include "model/multiscale.hpp"
#include "model/pipeline.hpp"
#include "odeum/objective.hpp"
#include "odeum/random.hpp"
#include "plugin/registry.hpp"
#include "train/batches.hpp"
#include "train/gradient_reference.hpp"

namespace odeum::train {
namespace {

constexpr std::int64_t kMostRows = 64;

/// The configuration with every ode block changed.
template <class Change>
Config with_blocks(const Config& root, const Change& change) {
  std::vector<Config> blocks = model::plain_blocks(root.components("model"));
  for (Config& block : blocks) {
    if (block.use() == "ode") block = change(block);
  }
  return with_value(root, "model", std::move(blocks));
}

Config with_method(const Config& root, const Config& method) {
  return with_blocks(root, [&](const Config& block) {
    return with_value(block, "gradient", std::vector<Config>{method});
  });
}

/// The configuration with every block's solver changed.
template <class Change>
Config with_solvers(const Config& root, const Change& change) {
  return with_blocks(root, [&](const Config& block) {
    return with_value(block, "solver", std::vector<Config>{change(block.component("solver"))});
  });
}

Config tight_root(const Config& root) {
  return with_value(with_solvers(root, tightened), "precision",
                    Config::Value(std::string("float64")));
}

/// The first batch's loss as a function of the flat parameters.
class Loss {
 public:
  Loss(const Config& root, plugin::Registry& registry) : pipeline_(root, registry) {
    const auto seed = static_cast<std::uint64_t>(root.integer("seed"));
    const auto count = pipeline_.dataset().count(Split::train);
    const std::int64_t rows =
        std::min({kMostRows, pipeline_.batch_rows(), count.value_or(kMostRows)});
    std::vector<std::int64_t> samples(static_cast<std::size_t>(rows));
    std::iota(samples.begin(), samples.end(), std::int64_t{0});
    batch_ = read_rows(pipeline_.dataset(), Split::train, split_key(seed, Split::train, 0),
                       std::move(samples), pipeline_.wanted_columns());
    gradient_ = upload(std::vector<double>(size(), 0.0));
    const auto parameters = upload(initial());
    buffers_ = upload(pipeline_.fit(batch_, {parameters.get(), 0}, pipeline_.initial_buffers()));
  }

  std::size_t size() const { return static_cast<std::size_t>(pipeline_.parameters().size); }
  std::vector<double> initial() const { return pipeline_.initial_parameters(); }

  model::StepResult run(const std::vector<double>& at) {
    const std::shared_ptr<void> parameters = upload(at);
    return pipeline_.train_step(batch_, 0, {parameters.get(), 0}, {buffers_.get(), 0},
                                {gradient_.get(), 0});
  }
  std::size_t kept_bytes() const { return pipeline_.kept_bytes(); }
  std::vector<double> gradient() const {
    std::vector<double> values;
    model::append_flat(pipeline_.device(), {gradient_.get(), 0}, size(), pipeline_.precision(),
                       values);
    return values;
  }

 private:
  std::shared_ptr<void> upload(const std::vector<double>& values) const {
    return model::upload_flat(pipeline_.device(), values, values.size(), pipeline_.precision());
  }

  model::Pipeline pipeline_;
  model::Batch batch_;
  std::shared_ptr<void> gradient_;
  std::shared_ptr<void> buffers_;
};

GradientRow check_method(const Config& root, const Config& method, const std::vector<double>& at,
                         const std::vector<double>& exact, plugin::Registry& registry) {
  GradientRow row;
  row.method = method.use();
  try {
    Loss loss(with_method(root, method), registry);
    loss.run(at);
    const auto begin = std::chrono::steady_clock::now();
    const model::StepResult result = loss.run(at);
    row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    row.forward = result.evaluations.forward;
    row.backward = result.evaluations.backward;
    row.kept_bytes = loss.kept_bytes();
    row.relative_error = relative_error(loss.gradient(), exact);
  } catch (const ConfigError& error) {
    row.refusal = reason_of(error, method);
  } catch (const std::runtime_error& error) {
    row.failure = error.what();
  }
  return row;
}

/// The first method that is not refused.
std::unique_ptr<Loss> differentiated(const Config& root, const std::vector<Config>& methods,
                                     plugin::Registry& registry, Config& used) {
  std::optional<ConfigError> refusal;
  for (const Config& method : reference_candidates(methods)) {
    try {
      auto made = std::make_unique<Loss>(with_method(root, method), registry);
      used = method;
      return made;
    } catch (const ConfigError& error) {
      if (!refusal) refusal.emplace(error);
    }
  }
  throw ConfigError(*refusal);
}

std::optional<Halving> compare_halved(const Config& root, bool given_steps, const Config& method,
                                      const std::vector<double>& at, plugin::Registry& registry) {
  try {
    Loss whole(with_method(root, method), registry);
    Loss half(with_method(with_solvers(root, halved), method), registry);
    const double loss = whole.run(at).loss;
    const double finer = half.run(at).loss;
    return Halving{.given_steps = given_steps,
                   .result = relative_change(loss, finer),
                   .gradient = relative_error(whole.gradient(), half.gradient())};
  } catch (const std::runtime_error&) {
    return std::nullopt;  // a solve fails, or half the tolerance is too tight for the precision
  }
}

}  // namespace

GradientCheck check_training(const Config& root, const std::vector<Config>& methods, double allowed,
                             plugin::Registry& registry) {
  const Config objective = root.component("objective");
  if (registry.create<Objective>(objective)->matches_velocity()) {
    objective.fail(
        "", objective.use() + " trains without a solve: there is no gradient of one to check");
  }
  double rtol = 0.0;
  bool given_steps = false;
  for (const Config& block : model::plain_blocks(root.components("model"))) {
    if (block.use() != "ode") continue;
    rtol = std::max(rtol, block.component("solver").number("rtol"));
    given_steps = given_steps || has_given_steps(block.component("solver"));
  }
  GradientCheck check;
  check.allowed = allowed > 0.0
                      ? allowed
                      : default_allowance(rtol, given_steps, root.text("precision") == "float32");
  Config method;
  const std::unique_ptr<Loss> reference =
      differentiated(tight_root(root), methods, registry, method);
  check.reference = method.use();
  const std::vector<double> at = reference->initial();
  reference->run(at);
  const std::vector<double> exact = reference->gradient();
  check.variables = static_cast<std::int64_t>(exact.size());
  compare_with_differences(
      [&](const std::vector<double>& moved) { return reference->run(moved).loss; }, at, exact,
      check);
  for (const Config& each : methods) {
    check.rows.push_back(check_method(root, each, at, exact, registry));
  }
  check.halved = compare_halved(root, given_steps, method, at, registry);
  return check;
}

}  // namespace odeum::train
