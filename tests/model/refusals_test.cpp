// SPDX-License-Identifier: Apache-2.0
// Pipelines that cannot work are refused with the place, the reason and the way out; solves that
// fail say so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "pipeline_of.hpp"

namespace odeum::model_tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const char* const kFlow = R"(objective: likelihood
data: moons
model:
  - use: ode
    name: flow
    field: {use: mlp, hidden: [4]}
    solver: {use: rk4, steps: 2}
)";

TEST(Refusal, IsNotMadeOfAModelThatWorks) { EXPECT_EQ(refusal(kFlow), ""); }

TEST(Refusal, OfAFieldOfAnotherWidthGivesBothWidths) {
  EXPECT_THAT(
      refusal("objective: likelihood\ndata: moons\nmodel:\n  - use: ode\n"
              "    field: lorenz63\n"),
      AllOf(StartsWith("test.yaml:5:5"), HasSubstr("3 components"), HasSubstr("data have 2")));
  EXPECT_THAT(
      refusal("objective: likelihood\ndata: moons\nmodel:\n  - use: ode\n"
              "    field: lorenz63\n    regularizers: [jacobian]\n"),
      AllOf(StartsWith("test.yaml:5:5"), HasSubstr("3 components"), HasSubstr("data have 2")));
}

TEST(Refusal, OfALikelihoodWithoutDivergenceNamesTheBlockAndTheChoices) {
  EXPECT_THAT(refusal(kFlow, {"flow.divergence.estimator=none"}),
              AllOf(HasSubstr("test.yaml:4:5"), HasSubstr("'flow'"), HasSubstr("exact"),
                    HasSubstr("hutchinson")));
}

TEST(Refusal, OfALikelihoodWithoutDivergenceLooksAtEvaluationToo) {
  EXPECT_THAT(refusal(kFlow, {"flow.divergence.evaluate={estimator: none}"}),
              AllOf(HasSubstr("'flow'"), HasSubstr("evaluat")));
}

TEST(Refusal, OfASpanWithoutLengthStandsAtTheKey) {
  EXPECT_THAT(refusal(kFlow, {"flow.span=[1, 1]"}),
              AllOf(StartsWith("--set flow.span=[1, 1]"), HasSubstr("span"), HasSubstr("equal")));
}

TEST(Refusal, OfASpanToLearnBackwards) {
  EXPECT_THAT(refusal(kFlow, {"flow.span=[1, 0]", "flow.learn_span=true"}),
              AllOf(HasSubstr("learn_span"), HasSubstr("end behind its start")));
}

TEST(Refusal, OfAnotherSpanInEvaluationWhereItIsLearned) {
  EXPECT_THAT(refusal(kFlow, {"flow.learn_span=true", "flow.evaluate={span: [0, 2]}"}),
              AllOf(HasSubstr("span"), HasSubstr("learned")));
}

TEST(Refusal, OfPartialSolutionsInAModelSaysWhereTheyBelong) {
  EXPECT_THAT(refusal(kFlow, {"flow.solver.on_failure=partial"}),
              AllOf(HasSubstr("on_failure"), HasSubstr("odeum solve")));
}

TEST(Refusal, OfAnAdjointWhoseSamplesHaveNoCommonTime) {
  EXPECT_THAT(
      refusal(kFlow, {"flow.solver={use: dopri5, step_size: per_sample}", "flow.gradient=adjoint"}),
      AllOf(HasSubstr("adjoint"), HasSubstr("sum over all samples"), HasSubstr("gauss_legendre")));
  EXPECT_EQ(refusal(kFlow, {"flow.solver={use: dopri5, step_size: per_sample}"}), "");
}

TEST(Refusal, OfTwoBlocksOfOneName) {
  EXPECT_THAT(refusal("objective: likelihood\ndata: moons\nmodel:\n"
                      "  - {use: logit, name: flow}\n"
                      "  - {use: ode, name: flow, field: {use: mlp, hidden: [4]}}\n"),
              AllOf(HasSubstr("test.yaml:5:5"), HasSubstr("'flow'"), HasSubstr("test.yaml:4:5")));
}

TEST(Refusal, OfANameThatABlockWithoutOneTakes) {
  // The first block is called after its plugin.
  EXPECT_THAT(refusal("objective: likelihood\ndata: moons\nmodel:\n"
                      "  - logit\n"
                      "  - {use: ode, name: logit, field: {use: mlp, hidden: [4]}}\n"),
              AllOf(HasSubstr("test.yaml:5:5"), HasSubstr("'logit'")));
}

TEST(Refusal, OfAnUnknownRoleOrColumn) {
  EXPECT_THAT(refusal(kFlow, {"bind=[y:points]"}), AllOf(HasSubstr("bind"), HasSubstr("role 'y'")));
  EXPECT_THAT(refusal(kFlow, {"bind=[x:pixels]"}),
              AllOf(HasSubstr("bind"), HasSubstr("column 'pixels'")));
  EXPECT_THAT(refusal(kFlow, {"bind=[x:points, x:points]"}), HasSubstr("bound twice"));
  EXPECT_THAT(refusal(kFlow, {"bind=['x:']"}), HasSubstr("no column is named"));
  EXPECT_EQ(refusal(kFlow, {"bind=[x:points]"}), "");
}

TEST(Refusal, OfABlockThatCannotTakeTheShape) {
  const DataOfWidth one(1);
  EXPECT_THAT(refusal("objective: likelihood\ndata: " + one.yaml() +
                      "\nmodel:\n  - patch_mean\n  - {use: ode, field: {use: mlp, hidden: [4]}}\n"),
              AllOf(HasSubstr("patch_mean"), HasSubstr("at least two")));
}

TEST(Refusal, OfAToleranceUnderTheRoundingOfTheState) {
  EXPECT_THAT(refusal(kFlow, {"flow.solver={use: dopri5, rtol: 1e-8}"}),
              AllOf(HasSubstr("rtol"), HasSubstr("float64")));
  const Assembled allowed(kFlow, {"flow.solver={use: dopri5, rtol: 1e-8, allow_tight: true}"});
  EXPECT_THAT(allowed.pipeline.warnings(), testing::Contains(HasSubstr("rounding")));
}

TEST(Sampling, ThroughABlockWithoutInverseIsRefusedByItsName) {
  const DataOfWidth patches(std::vector<std::int64_t>{2, 2});
  Assembled model("objective: likelihood\ndata: " + patches.yaml() +
                  "\nmodel:\n  - {use: patch_mean, name: centre}\n"
                  "  - {use: ode, field: {use: mlp, hidden: [4]}, solver: {use: rk4, steps: 1}}\n");
  EXPECT_EQ(model.pipeline.sample_shape(), (Shape{2, 2}));
  EXPECT_EQ(model.nll(rows_of({1, 2, 3, 4, 5, 6, 7, 9}, 4)).size(), 2U);  // all else works
  try {
    model.sample(3, 1);
    FAIL() << "samples were drawn through patch_mean";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("'centre'"), HasSubstr("mean")));
  }
}

TEST(FailedSolve, NamesTheBlockTheStatusAndThePlace) {
  Assembled model(kFlow, {"flow.solver={use: dopri5, rtol: 1e-5, max_steps: 1}"});
  try {
    model.train_step(rows_of({1.0, 2.0}, 2));
    FAIL() << "one step was enough";
  } catch (const model::SolveFailure& failure) {
    EXPECT_EQ(failure.report().status, Status::max_steps);
    EXPECT_GT(failure.report().t, 0.0);
    EXPECT_LT(failure.report().t, 1.0);
    EXPECT_THAT(failure.what(), AllOf(HasSubstr("'flow'"), HasSubstr("max_steps")));
  }
}

TEST(FailedSolve, NamesTheRowThatIsNotFinite) {
  Assembled model(kFlow, {"precision=float64"});
  try {
    model.evaluate(rows_of({1.0, 2.0, 3.0, std::nan(""), 5.0, 6.0}, 2));
    FAIL() << "a row that is not a number passed";
  } catch (const model::SolveFailure& failure) {
    EXPECT_EQ(failure.report().status, Status::non_finite);
    EXPECT_EQ(failure.report().sample, 1);
    EXPECT_EQ(failure.report().samples, (std::vector<std::int64_t>{1}));
  }
  // The pipeline is as good as before.
  EXPECT_EQ(model.nll(rows_of({1.0, 2.0}, 2)).size(), 1U);
}

}  // namespace
}  // namespace odeum::model_tests
