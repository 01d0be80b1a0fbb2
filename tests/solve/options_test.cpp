// SPDX-License-Identifier: Apache-2.0
// The keys common to all solvers, and what they refuse.
#include "solve/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_files.hpp"

namespace odeum::testing {
namespace {

using ::testing::HasSubstr;
using Given = std::map<std::string, Config::Value>;

/// A validated `solver:` with the named controller.
Config solver_config(const std::string& use, const Given& given,
                     const std::string& controller = "integral") {
  Config config = config_of("solver", use, solve::common_solver_keys(), given);
  Config component;
  component.kind_ = "controller";
  component.use_ = controller;
  config.entries_["controller"].value = std::vector<Config>{component};
  return config;
}

SolveOptions read(const std::string& solver, const Given& given, DType state = DType::f32,
                  const std::string& controller = "integral") {
  std::vector<std::string> warnings;
  SolveOptions options = solve::options_from(
      solver_config(solver, given, controller), *component<Solver>("solver", solver),
      *component<Controller>("controller", controller), state, warnings);
  EXPECT_TRUE(warnings.empty());
  return options;
}

std::string refusal(const std::string& solver, const Given& given, DType state = DType::f32,
                    const std::string& controller = "integral") {
  try {
    read(solver, given, state, controller);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(SolverOptions, HaveDefaultsThatSolve) {
  const SolveOptions options = read("dopri5", {});
  EXPECT_EQ(options.rtol, 1e-5);
  EXPECT_EQ(options.atol, std::vector<double>{1e-5});
  EXPECT_EQ(options.max_steps, 100000);
  EXPECT_EQ(options.on_failure, OnFailure::fail);
}

TEST(SolverOptions, TakeWhatIsGiven) {
  const SolveOptions options = read("dopri5", {{"rtol", 1e-3},
                                               {"atol", std::vector<double>{1e-4, 1e-6}},
                                               {"max_step", 0.5},
                                               {"first_step", 0.01},
                                               {"min_step", 1e-6},
                                               {"max_steps", std::int64_t{99}},
                                               {"on_failure", std::string("skip_sample")}});
  EXPECT_EQ(options.rtol, 1e-3);
  EXPECT_EQ(options.atol, (std::vector<double>{1e-4, 1e-6}));
  EXPECT_EQ(options.max_step, 0.5);
  EXPECT_EQ(options.first_step, 0.01);
  EXPECT_EQ(options.min_step, 1e-6);
  EXPECT_EQ(options.max_steps, 99);
  EXPECT_EQ(options.on_failure, OnFailure::skip_sample);
}

TEST(SolverOptions, RefuseAToleranceUnderTheRoundingOfTheState) {
  EXPECT_THAT(refusal("dopri5", {{"rtol", 1e-7}}), HasSubstr("rtol"));
  EXPECT_THAT(refusal("dopri5", {{"rtol", 1e-7}}), HasSubstr("float32"));
  EXPECT_THAT(refusal("dopri5", {{"rtol", 1e-7}}), HasSubstr("allow_tight"));
  EXPECT_EQ(read("dopri5", {{"rtol", 1e-7}}, DType::f64).rtol, 1e-7);
  EXPECT_THAT(refusal("dopri5", {{"rtol", 1e-15}}, DType::f64), HasSubstr("float64"));
  EXPECT_EQ(read("dopri5", {{"atol", std::vector<double>{1e-12}}}).atol,
            std::vector<double>{1e-12});
}

TEST(SolverOptions, MakeATightToleranceAWarningWhenAskedTo) {
  std::vector<std::string> warnings;
  solve::options_from(solver_config("dopri5", {{"rtol", 1e-7}, {"allow_tight", true}}),
                      *component<Solver>("solver", "dopri5"),
                      *component<Controller>("controller", "integral"), DType::f32, warnings);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("1e-07"));
}

TEST(SolverOptions, AskForAStepWhereNothingChoosesOne) {
  EXPECT_THAT(refusal("rk4", {}), HasSubstr("'rk4' has no error estimate"));
  EXPECT_THAT(refusal("dopri5", {}, DType::f32, "constant"), HasSubstr("give step: or steps:"));
  EXPECT_EQ(read("rk4", {{"step", 0.25}}).step, 0.25);
  EXPECT_EQ(read("rk4", {{"steps", std::int64_t{4}}}).steps, 4);
  EXPECT_THAT(refusal("rk4", {{"step", 0.25}, {"steps", std::int64_t{4}}}),
              HasSubstr("exclude each other"));
}

TEST(SolverOptions, AGivenStepReplacesTheDefaultControllerAndNoOther) {
  EXPECT_EQ(read("dopri5", {{"step", 0.1}}).step, 0.1);
  EXPECT_THAT(refusal("dopri5", {{"step", 0.1}}, DType::f32, "pid"),
              HasSubstr("'pid' chooses the steps"));
  EXPECT_THAT(refusal("rk4", {{"step", 0.1}}, DType::f32, "pid"),
              HasSubstr("no error estimate to control"));
}

TEST(SolverOptions, RefuseKeysWithoutEffectAndContradictions) {
  EXPECT_THAT(refusal("rk4", {{"step", 0.1}, {"max_step", 1.0}}), HasSubstr("max_step"));
  EXPECT_THAT(refusal("rk4", {{"step", 0.1}, {"first_step", 1.0}}), HasSubstr("first_step"));
  EXPECT_THAT(refusal("dopri5", {{"min_step", 1.0}, {"max_step", 0.1}}),
              HasSubstr("larger than max_step"));
  EXPECT_THAT(refusal("dopri5", {{"atol", std::vector<double>{-1.0}}}), HasSubstr("atol"));
}

TEST(SolverOptions, AStepPerSampleNeedsStepsToChoose) {
  const Given::value_type per_sample = {"step_size", std::string("per_sample")};
  EXPECT_EQ(read("dopri5", {}).step_size, StepSize::shared);
  EXPECT_EQ(read("dopri5", {per_sample}).step_size, StepSize::per_sample);
  EXPECT_THAT(refusal("dopri5", {per_sample, {"step", 0.1}}), HasSubstr("the steps are given"));
  EXPECT_THAT(refusal("rk4", {per_sample}), HasSubstr("no error estimate to choose steps by"));
  EXPECT_THAT(refusal("dopri5", {per_sample}, DType::f32, "constant"),
              HasSubstr("the controller does not choose steps"));
}

TEST(SolverOptions, GiveADeviceSeveralStepsAtOnceWhereTheBatchTakesThemTogether) {
  const auto at_once = [](const Given& given) {
    return solve::steps_at_once(solver_config("dopri5", given),
                                *component<Solver>("solver", "dopri5"));
  };
  EXPECT_EQ(at_once({}), 0) << "as many as suit the device";
  EXPECT_EQ(at_once({{"steps_at_once", std::int64_t{4}}}), 4);
  try {
    at_once({{"steps_at_once", std::int64_t{4}}, {"step_size", std::string("per_sample")}});
    ADD_FAILURE() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("finished samples leave the batch"));
  }
}

TEST(SolverOptions, EveryCommonKeyIsExplained) {
  const Schema schema = solve::common_solver_keys();
  for (const Key& key : schema.keys()) EXPECT_FALSE(key.doc.empty()) << key.name;
}

}  // namespace
}  // namespace odeum::testing
