// SPDX-License-Identifier: Apache-2.0
// Buffers that components observe: what is folded in, when, and what leaves no trace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "labelled_images.hpp"

namespace odeum::model_tests {
namespace {

using testing::HasSubstr;

// Sums of float64 in another order.
constexpr double kRounding = 1e-11;
constexpr std::uint8_t kSide = 4;
constexpr std::int64_t kMany = 256;  // of an evaluation, beside 2

/// A classifier around a solve of one convolution with a normalisation behind it.
std::string classifier(const std::string& solver, const std::string& norm = "",
                       const std::string& gradient = "backprop") {
  static const LabelledImages images(kSide);
  return "seed: 5\nprecision: float64\ndata: " + images.yaml() +
         "\nmodel:\n"
         "  - use: ode\n    name: flow\n"
         "    field: {use: cnn, channels: [3], strides: [1, 1], norm: {intervals: 10" +
         norm + "}}\n    divergence: {estimator: none}\n    solver: {" + solver +
         "}\n    gradient: " + gradient +
         "\n  - {use: dense, name: head, features: 10}\n"
         "objective: classification\ntrain: {steps: 1}\n";
}

Values buffer(const Assembled& model, const Values& flat, const std::string& name) {
  for (const model::Entry& entry : model.pipeline.buffers().entries) {
    if (entry.name != name) continue;
    const auto begin = flat.begin() + entry.offset;
    return {begin, begin + entry.size};
  }
  ADD_FAILURE() << "no buffer " << name;
  return {};
}

model::Batch rows(std::int64_t count, std::int64_t first = 0) {
  return LabelledImages(kSide).rows(count, first);
}

TEST(Observe, FoldsEachEvaluationOfAStepOnceInOrder) {
  // One step of dopri5 over [0, 1] evaluates at 0, 1/5, 3/10, 4/5, 8/9, 1 and 1.
  Assembled model(classifier("use: dopri5, steps: 1", ", start: first_visit"));
  const auto step = model.train_step(rows(6));
  EXPECT_EQ(step.result.evaluations.forward, 7);
  const Values visits = buffer(model, step.buffers, "flow.field.layer0.visits");
  const double ninth = 1.0 / 9.0;
  const Values truth{0.1,         0,   0.1, 0.1, 0, 0, 0, 0, 1.0 - 0.9 * (1.0 - 0.1 * ninth),
                     0.8 * ninth, 0.19};
  ASSERT_EQ(visits.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(visits[i], truth[i], kRounding) << i;
}

TEST(Observe, FoldsWhatTheFieldHasSeen) {
  // Euler's one step evaluates at 0 alone: the first layer has seen the convolved data.
  Assembled model(classifier("use: euler, steps: 1"));
  const model::Batch batch = rows(6);
  const auto step = model.train_step(batch);
  const Values means = buffer(model, step.buffers, "flow.field.layer0.mean");
  const Values variances = buffer(model, step.buffers, "flow.field.layer0.variance");
  ASSERT_EQ(means.size(), 33U);

  Values weight;
  Values bias;
  for (const model::Entry& entry : model.pipeline.parameters().entries) {
    const auto begin = model.parameters.begin() + entry.offset;
    if (entry.name == "flow.field.layer0.weight") weight.assign(begin, begin + entry.size);
    if (entry.name == "flow.field.layer0.bias") bias.assign(begin, begin + entry.size);
  }
  for (std::size_t c = 0; c < 3; ++c) {
    Values seen;
    for (std::size_t image = 0; image < 6; ++image) {
      for (int i = 0; i < kSide; ++i) {
        for (int j = 0; j < kSide; ++j) {
          double sum = bias[c];
          for (int k = 0; k < 9; ++k) {
            const std::int64_t y = i + k / 3 - 1;
            const std::int64_t x = j + k % 3 - 1;
            if (y < 0 || x < 0 || y >= kSide || x >= kSide) continue;
            sum += weight[9 * c + std::size_t(k)] *
                   batch.columns[0][16 * image + std::size_t(kSide * y + x)];
          }
          seen.push_back(sum);
        }
      }
    }
    const double average = mean(seen);
    double variance = 0.0;
    for (const double v : seen) variance += (v - average) * (v - average) / double(seen.size());
    EXPECT_NEAR(means[c], 0.1 * average, kRounding);
    EXPECT_NEAR(variances[c], 0.9 + 0.1 * variance, kRounding);
  }
  for (std::size_t i = 3; i < means.size(); ++i) {
    EXPECT_EQ(means[i], 0.0);
    EXPECT_EQ(variances[i], 1.0);
  }
}

TEST(Observe, LeavesOutRejectedSteps) {
  // With a tiny momentum the visits add up to momentum times the evaluations folded.
  const double momentum = 1e-7;
  Assembled model(classifier("use: dopri5, rtol: 1e-8, atol: 1e-8, first_step: 1, max_steps: 500",
                             ", start: first_visit, momentum: 1e-7"));
  const auto step = model.train_step(rows(6));
  ASSERT_GT(step.result.evaluations.rejected, 0);
  double sum = 0.0;
  for (const double v : buffer(model, step.buffers, "flow.field.layer0.visits")) sum += v;
  const double folded = 1.0 + 6.0 * static_cast<double>(step.result.evaluations.accepted);
  EXPECT_NEAR(sum / momentum, folded, 0.01);
  EXPECT_LT(folded, static_cast<double>(step.result.evaluations.forward) - 5.0);
}

TEST(Observe, IsTheSameForEveryGradientMethod) {
  const std::string solver = "use: dopri5, rtol: 1e-4, atol: 1e-4";
  const Values truth = Assembled(classifier(solver)).train_step(rows(6)).buffers;
  for (const char* gradient : {"{use: backprop, keep: stages}", "{use: backprop, keep: steps}",
                               "{use: backprop, keep: steps, every: 3}",
                               "{use: backprop, memory: 0.05}", "adjoint", "interpolated"}) {
    EXPECT_EQ(Assembled(classifier(solver, "", gradient)).train_step(rows(6)).buffers, truth)
        << gradient;
  }
}

/// The buffers on the device around an action on the pipeline.
template <class Action>
Values buffers_around(Assembled& model, const Action& action) {
  const auto on_device = [&](const Values& values, const model::Layout& layout) {
    return model::upload_flat(model.pipeline.device(), values,
                              static_cast<std::size_t>(layout.size), DType::f64);
  };
  const auto theta = on_device(model.parameters, model.pipeline.parameters());
  const auto slope = on_device({}, model.pipeline.parameters());
  const auto state = on_device(model.buffers, model.pipeline.buffers());
  action(View{theta.get(), 0}, View{state.get(), 0}, View{slope.get(), 0});
  Values behind;
  model::append_flat(model.pipeline.device(), {state.get(), 0},
                     static_cast<std::size_t>(model.pipeline.buffers().size), DType::f64, behind);
  return behind;
}

TEST(Observe, IsNotOfEvaluations) {
  Assembled model(classifier("use: dopri5, rtol: 1e-4, atol: 1e-4"));
  model.buffers = model.train_step(rows(6)).buffers;
  EXPECT_EQ(buffers_around(model, [&](View theta, View state,
                                      View) { model.pipeline.evaluate(rows(6), 0, theta, state); }),
            model.buffers);
}

TEST(Observe, IsNotOfStepsWhoseSolveFails) {
  Assembled model(classifier("use: dopri5, rtol: 1e-6, atol: 1e-6, max_steps: 3"));
  EXPECT_EQ(buffers_around(model,
                           [&](View theta, View state, View slope) {
                             EXPECT_THROW(
                                 model.pipeline.train_step(rows(6), 0, theta, state, slope),
                                 model::SolveFailure);
                           }),
            model.buffers);
}

TEST(Observe, StartsFromTheBuffersAsTheyAre) {
  Assembled model(classifier("use: euler, steps: 1"));
  const Values once = model.train_step(rows(6)).buffers;
  model.buffers = once;
  const Values twice = model.train_step(rows(6)).buffers;
  const Values first = buffer(model, once, "flow.field.layer0.mean");
  const Values second = buffer(model, twice, "flow.field.layer0.mean");
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(second[c], 1.9 * first[c], kRounding);
}

TEST(Observe, DoesNotChangeTheStepThatItIsPartOf) {
  // In training the batch's own statistics normalise, whatever the population's are.
  Assembled model(classifier("use: dopri5, rtol: 1e-4, atol: 1e-4"));
  const auto before = model.train_step(rows(6));
  model.buffers = before.buffers;
  const auto behind = model.train_step(rows(6));
  EXPECT_EQ(before.result.loss, behind.result.loss);
  EXPECT_EQ(before.gradient, behind.gradient);
}

TEST(Observe, IsOfBlocksToo) {
  const LabelledImages images(kSide);
  Assembled model("precision: float64\ndata: " + images.yaml() +
                  "\nmodel:\n  - {use: batch_norm, name: norm}\n  - {use: dense, features: 10}\n"
                  "objective: classification\ntrain: {steps: 1}\n");
  const model::Batch batch = rows(6);
  const Values next = model.train_step(batch).buffers;
  EXPECT_NEAR(buffer(model, next, "norm.mean")[0], 0.1 * mean(batch.columns[0]), kRounding);
}

TEST(PopulationStatistics, MakeEvaluationIndependentOfTheBatch) {
  // Steps are given: every sample takes them whatever the others do.
  Assembled model(classifier("use: rk4, steps: 4"));
  for (int i = 0; i < 3; ++i) model.buffers = model.train_step(rows(6, 10 * i)).buffers;
  const Values all = model.evaluate(rows(kMany)).metrics.at("cross_entropy");
  for (std::int64_t first = 0; first < kMany; first += kMany / 4) {
    const Values two = model.evaluate(rows(2, first)).metrics.at("cross_entropy");
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(two[i], all[static_cast<std::size_t>(first) + i], kRounding);
    }
  }
}

TEST(PopulationStatistics, LeaveOneSharedStepToTheTolerance) {
  const double tolerance = 1e-5;
  Assembled model(classifier("use: dopri5, rtol: 1e-5, atol: 1e-5"));
  model.buffers = model.train_step(rows(6)).buffers;
  const Values all = model.evaluate(rows(kMany)).metrics.at("cross_entropy");
  const Values two = model.evaluate(rows(2, 4)).metrics.at("cross_entropy");
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(two[i], all[4 + i], 10.0 * tolerance);
}

TEST(PopulationStatistics, LetSamplesStepAloneInEvaluation) {
  Assembled model(
      classifier("use: dopri5, rtol: 1e-4, atol: 1e-4, evaluate: {step_size: per_sample}"));
  model.buffers = model.train_step(rows(6)).buffers;
  const Values all = model.evaluate(rows(kMany)).metrics.at("cross_entropy");
  const Values two = model.evaluate(rows(2, 4)).metrics.at("cross_entropy");
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(two[i], all[4 + i], kRounding);
}

TEST(PopulationStatistics, OfEachEvaluationAreThoseOfTheTrainingStepThere) {
  // Five given steps of the midpoint rule evaluate at 0, 0.1, ..., 0.9: each point of the grid but
  // the last is visited once. With a momentum of 1 the population is the batch's at each of them,
  // so that evaluating the same batch repeats the training step's forward solve.
  const std::string norm = ", statistics: population, momentum: 1, start: first_visit";
  Assembled model(classifier("use: midpoint, steps: 5", norm));
  const model::Batch batch = rows(6);
  const auto step = model.train_step(batch);
  const Values visits = buffer(model, step.buffers, "flow.field.layer0.visits");
  ASSERT_EQ(visits.size(), 11U);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(visits[i], 1.0) << i;
  EXPECT_EQ(visits[10], 0.0);
  model.buffers = step.buffers;
  EXPECT_NEAR(mean(model.evaluate(batch).metrics.at("cross_entropy")), step.result.loss, kRounding);
  // One set of statistics for all times cannot do that.
  Assembled pooled(classifier("use: midpoint, steps: 5",
                              ", statistics: time_independent, momentum: 1, start: first_visit"));
  pooled.buffers = pooled.train_step(batch).buffers;
  EXPECT_GT(std::abs(mean(pooled.evaluate(batch).metrics.at("cross_entropy")) - step.result.loss),
            1e-4);
}

TEST(MiniBatchStatistics, MakeEvaluationDependOnTheBatch) {
  Assembled model(classifier("use: rk4, steps: 4", ", statistics: mini_batch"));
  const Values all = model.evaluate(rows(8)).metrics.at("cross_entropy");
  const Values two = model.evaluate(rows(2)).metrics.at("cross_entropy");
  EXPECT_GT(std::abs(two[0] - all[0]), 1e-4);
  EXPECT_EQ(model.pipeline.buffers().size, 0);
}

TEST(BatchStatistics, HaveTheGradientOfTheStepsTaken) {
  Assembled model(classifier("use: rk4, steps: 3"));
  const Values start = model.parameters;
  const auto step = model.train_step(rows(6));
  const Values direction = normal(start.size(), 9);
  double slope = 0.0;
  for (std::size_t i = 0; i < start.size(); ++i) slope += step.gradient[i] * direction[i];
  const double h = 1e-6;
  const auto loss_at = [&](double by) {
    for (std::size_t i = 0; i < start.size(); ++i)
      model.parameters[i] = start[i] + by * direction[i];
    return model.train_step(rows(6)).result.loss;
  };
  // Central differences: h^2 and rounding over h.
  EXPECT_NEAR((loss_at(h) - loss_at(-h)) / (2.0 * h), slope, 1e-6 * (1.0 + std::abs(slope)));
}

TEST(BatchStatistics, RefuseWhatCannotWorkWithThem) {
  EXPECT_THAT(refusal(classifier("use: dopri5", "", "gauss_legendre")),
              HasSubstr("has kinks at 9"));
  EXPECT_THAT(refusal(classifier("use: dopri5", ", statistics: mini_batch", "gauss_legendre")),
              HasSubstr("mix the samples"));
  EXPECT_THAT(refusal(classifier("use: dopri5", ", statistics: population", "gauss_legendre")),
              HasSubstr("has kinks at 10"));
  EXPECT_THAT(refusal(classifier("use: dopri5, step_size: per_sample")), HasSubstr("samples"));
  EXPECT_THAT(refusal(classifier("use: dopri5, jump_times: [0.5]")), HasSubstr("jump_times"));
  EXPECT_THAT(refusal(classifier("use: dopri5"), {"flow.divergence.estimator=hutchinson"}),
              HasSubstr("no density of its own"));
}

TEST(BatchStatistics, WarnOfTightTolerancesAtTheKinks) {
  const auto warnings = [](const std::string& solver) {
    return Assembled(classifier(solver)).pipeline.warnings();
  };
  EXPECT_THAT(warnings("use: dopri5, rtol: 1e-6, atol: 1e-6"),
              testing::Contains(HasSubstr("step_times")));
  EXPECT_TRUE(warnings("use: dopri5, rtol: 1e-3, atol: 1e-3").empty());
}

TEST(AffineDrift, CostsScalesFromOneAndShiftsFromZero) {
  const std::string with = classifier("use: euler, steps: 1");
  const auto penalised = [&](const std::string& over) {
    std::string yaml = with;
    yaml.replace(yaml.find("    gradient:"), 0,
                 "    regularizers: [{use: affine_drift, over_channels: " + over + "}]\n");
    Assembled model(yaml);
    for (const model::Entry& entry : model.pipeline.parameters().entries) {
      const bool scale = entry.name == "flow.field.layer0.gamma";
      const bool shift = entry.name == "flow.field.layer1.alpha";
      if (!scale && !shift) continue;
      for (std::int64_t i = 0; i < entry.size; ++i) {
        model.parameters[static_cast<std::size_t>(entry.offset + i)] = scale ? 1.5 : -2.0;
      }
    }
    return model.train_step(rows(4)).result.costs.at("flow.affine_drift");
  };
  EXPECT_NEAR(penalised("sum"), 33 * 0.25 + 11 * 4.0, kRounding);
  EXPECT_NEAR(penalised("mean"), 11 * 0.25 + 11 * 4.0, kRounding);
}

TEST(AffineDrift, IsRefusedForAFieldWithoutNormalisation) {
  std::string yaml = classifier("use: euler, steps: 1", ", statistics: none");
  yaml.replace(yaml.find("    gradient:"), 0, "    regularizers: [{use: affine_drift}]\n");
  EXPECT_THAT(refusal(yaml), HasSubstr("costs nothing here"));
}

TEST(Classifiers, AreRefusedWhereADensityIsWanted) {
  const LabelledImages images(kSide);
  const std::string message = refusal("data: " + images.yaml() +
                                      "\nmodel:\n  - {use: dense, name: head, features: 10}\n"
                                      "objective: likelihood\ntrain: {steps: 1}\n");
  EXPECT_THAT(message, HasSubstr("'head' has no log-determinant"));
  EXPECT_THAT(message, HasSubstr("classification"));
}

}  // namespace
}  // namespace odeum::model_tests
