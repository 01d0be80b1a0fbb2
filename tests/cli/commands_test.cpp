// SPDX-License-Identifier: Apache-2.0
// The commands that need no training: solve, gradcheck, list, describe, validate, doctor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cli/tool.hpp"
#include "io/json.hpp"
#include "io/npy.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;

io::Json json_of(const Result& result) { return io::parse_json(last_line(result.out), "stdout"); }

class Commands : public testing::Test {
 protected:
  Result run(std::vector<std::string> arguments) {
    return testing_tool::run(std::move(arguments), folder_.path());
  }
  Folder folder_;
};

/// dz/dt = -z/2 from 3: z(t) = 3 exp(-t/2).
constexpr const char* kDecay =
    "precision: float64\n"
    "problem:\n"
    "  field: {use: linear, matrix: [-0.5]}\n"
    "  initial: [3]\n"
    "  times: {from: 0, to: 4, count: 5}\n"
    "  solver: {use: dopri5, rtol: 1e-10, atol: 1e-12}\n";

TEST_F(Commands, SolveReportsTheSolutionAsJson) {
  write(folder_ / "decay.yaml", kDecay);
  const Result result = run({"solve", "decay.yaml", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const io::Json json = json_of(result);
  EXPECT_EQ(json["status"], "success");
  EXPECT_EQ(json["message"], "");
  EXPECT_EQ(json["t"].get<std::vector<double>>(), (std::vector<double>{0, 1, 2, 3, 4}));
  for (std::size_t i = 0; i < 5; ++i) {
    const double truth = 3.0 * std::exp(-0.5 * static_cast<double>(i));
    // Fifty times the tolerance and the scale, as for every conformance problem of order 4 or more.
    EXPECT_NEAR(json["y"][i][0].get<double>(), truth, 50 * 1e-10 * 3);
  }
  EXPECT_GT(json["accepted"].get<int>(), 0);
  EXPECT_GE(json["evaluations"].get<int>(), 6 * json["accepted"].get<int>());
  EXPECT_TRUE(json.contains("rejected"));
}

TEST_F(Commands, SolveWritesATable) {
  write(folder_ / "decay.yaml", kDecay);
  ASSERT_EQ(run({"solve", "decay.yaml", "-o", "decay.npy"}).status, 0);
  EXPECT_THAT(io::read_npy(folder_ / "decay.npy").shape, testing::ElementsAre(5, 2));
  ASSERT_EQ(run({"solve", "decay.yaml", "-o", "decay.csv"}).status, 0);
  EXPECT_THAT(read(folder_ / "decay.csv"), testing::StartsWith("t,y0\n0,3\n1,1.8195919"));
}

TEST_F(Commands, SolveGoesBackwardsInTime) {
  write(folder_ / "decay.yaml", kDecay);
  const io::Json json =
      json_of(run({"solve", "decay.yaml", "--json", "--set", "problem.times={from: 4, to: 0}"}));
  EXPECT_NEAR(json["y"][1][0].get<double>(), 3.0 * std::exp(2.0), 50 * 1e-10 * 3.0 * std::exp(2.0));
}

TEST_F(Commands, AFailedSolveSaysWhereAndKeepsWhatItReachedIfAsked) {
  // dx/dt = x^2-like growth: van der Pol's damping turned round blows up in finite time.
  write(folder_ / "grow.yaml",
        "problem:\n"
        "  field: {use: linear, matrix: [200]}\n"
        "  initial: [1]\n"
        "  times: {from: 0, to: 10, count: 11}\n"
        "  solver: {use: dopri5, max_steps: 5}\n");
  const Result failed = run({"solve", "grow.yaml", "--json"});
  EXPECT_EQ(failed.status, 1);
  EXPECT_EQ(json_of(failed)["status"], "max_steps");
  EXPECT_THAT(json_of(failed)["message"].get<std::string>(), HasSubstr("t = "));
  EXPECT_TRUE(json_of(failed)["t"].empty());
  const Result partial =
      run({"solve", "grow.yaml", "--json", "--set", "problem.solver.on_failure=partial"});
  EXPECT_EQ(partial.status, 1);
  EXPECT_EQ(json_of(partial)["t"], io::Json::array({0.0}));
}

TEST_F(Commands, SolveSaysWhatMadeItSlowOrFail) {
  const std::string stiff =
      "problem:\n"
      "  field: {use: van_der_pol, mu: 1000}\n"
      "  initial: [2, 0]\n"
      "  times: {from: 0, to: 1}\n"
      "  solver: {use: dopri5, rtol: 1e-4, atol: 1e-4}\n";
  write(folder_ / "stiff.yaml", stiff);
  const Result slow = run({"solve", "stiff.yaml", "--json"});
  ASSERT_EQ(slow.status, 0) << slow.err;
  EXPECT_EQ(json_of(slow)["cause"], "stiffness");
  // Of dopri5, about which the steps swing.
  EXPECT_NEAR(json_of(slow)["stability"].get<double>(), 3.3, 0.05);
  EXPECT_NEAR(json_of(slow)["stiffness"].get<double>(), 3.3, 1.5);
  EXPECT_THAT(slow.err, HasSubstr("note: Stability, not accuracy"));

  const Result failed =
      run({"solve", "stiff.yaml", "--json", "--set", "problem.solver.max_steps=300"});
  EXPECT_EQ(failed.status, 1);
  EXPECT_EQ(json_of(failed)["cause"], "stiffness");
  EXPECT_THAT(failed.err, HasSubstr("radau5"));

  write(folder_ / "decay.yaml", kDecay);
  const Result quick = run({"solve", "decay.yaml", "--json"});
  EXPECT_EQ(json_of(quick)["cause"], "unknown");
  EXPECT_EQ(json_of(quick)["note"], "");
  EXPECT_TRUE(json_of(quick)["stability"].is_null() || json_of(quick)["stability"] > 0.0);
}

TEST_F(Commands, ValidatesTheConfigurationOfEveryRegularizer) {
  const Result result = run({"validate", std::string(std::getenv("ODEUM_SOURCE")) +
                                             "/configs/regularization/easy-to-solve.yaml"});
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST_F(Commands, GradcheckPassesOnALinearProblem) {
  write(folder_ / "decay.yaml", kDecay);
  const Result result = run({"gradcheck", "decay.yaml", "--json"});
  ASSERT_EQ(result.status, 0) << result.err << result.out;
  const io::Json json = json_of(result);
  EXPECT_EQ(json["status"], "passed");
  // The initial value and both ends of the span.
  EXPECT_EQ(json["variables"], 3);
  EXPECT_GE(json["methods"].size(), 2U);
  EXPECT_EQ(json["reference"]["method"], "backprop");
  EXPECT_EQ(json["remarks"], io::Json::array());
  EXPECT_LT(json["round_trip"]["tolerances"].get<double>(), 100.0);
  int refused = 0;
  for (const io::Json& row : json["methods"]) {
    // Of the default solver, dopri5, no step can be undone.
    if (row["method"] == "reversible") {
      EXPECT_THAT(row["refusal"].get<std::string>(), HasSubstr("not an invertible map"));
      ++refused;
      continue;
    }
    EXPECT_LT(row["relative_error"].get<double>(), 1e-6) << row;
    EXPECT_GT(row["evaluations"]["backward"].get<int>(), 0) << row;
    EXPECT_GT(row["kept_bytes"].get<int>(), 0) << row;
  }
  EXPECT_EQ(refused, 1);
}

// On its slow branch the oscillator contracts by exp(-mu (z^2 - 1) t): no way leads back.
TEST_F(Commands, GradcheckSaysWhyTheAdjointIsLostWhereNoWayLeadsBack) {
  write(folder_ / "vdp.yaml",
        "precision: float64\nproblem:\n  field: {use: van_der_pol, mu: 5}\n  initial: [2, 0]\n"
        "  times: {from: 0, to: 20, count: 2}\n"
        "  solver: {use: dopri5, rtol: 1e-7, atol: 1e-7, max_steps: 3000}\n");
  const Result result = run({"gradcheck", "vdp.yaml", "--json"});
  EXPECT_EQ(result.status, 1);
  const io::Json json = json_of(result);
  ASSERT_EQ(json["remarks"].size(), 1U) << json;
  const std::string remark = json["remarks"][0];
  EXPECT_THAT(remark, HasSubstr("cannot be integrated back"));
  EXPECT_THAT(remark, HasSubstr("adjoint"));
  EXPECT_THAT(remark, testing::Not(HasSubstr("symplectic")));
  EXPECT_TRUE(json["round_trip"].contains("failure"));
}

TEST_F(Commands, GradcheckWarnsWhereStepsAreNotTheEquationAnyMore) {
  write(folder_ / "decay.yaml", kDecay);
  const Result result =
      run({"gradcheck", "decay.yaml", "--set", "problem.solver={use: euler, step: 0.5}"});
  EXPECT_THAT(result.out, HasSubstr("not the differential equation any more"));
  const Result fine =
      run({"gradcheck", "decay.yaml", "--set", "problem.solver={use: rk4, step: 0.05}"});
  EXPECT_THAT(fine.out, testing::Not(HasSubstr("not the differential equation any more")));
}

TEST_F(Commands, GradcheckFailsWhenTheErrorIsNotAllowed) {
  write(folder_ / "decay.yaml", kDecay);
  const Result result =
      run({"gradcheck", "decay.yaml", "--allow", "1e-15", "--set", "problem.solver.rtol=1e-3"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("too large"));
}

// Robertson's second component is about 1e-5 at most, with a tolerance to match, and a start a
// difference's 1e-4 below zero has no solution. The sum of the state stays what it was.
TEST_F(Commands, GradcheckTakesAProblemWithNoSolutionBesideIt) {
  const Result result =
      run({"gradcheck", std::string(std::getenv("ODEUM_SOURCE")) + "/configs/solve/robertson.yaml",
           "--json"});
  ASSERT_EQ(result.status, 0) << result.err << result.out;
  const io::Json json = json_of(result);
  EXPECT_EQ(json["variables"], 5);
  EXPECT_EQ(json["reference"]["directions"], 4);
  ASSERT_EQ(json["remarks"].size(), 1U) << json;
  EXPECT_THAT(json["remarks"][0].get<std::string>(), HasSubstr("blows up"));
}

TEST_F(Commands, GradcheckTakesATrainingFile) {
  write(folder_ / "tiny.yaml", tiny_training());
  const Result result =
      run({"gradcheck", "tiny.yaml", "--json", "--set",
           "flow.solver={use: dopri5, rtol: 1e-6, atol: 1e-6}", "--set", "precision=float64"});
  ASSERT_EQ(result.status, 0) << result.err << result.out;
  EXPECT_EQ(json_of(result)["status"], "passed");
}

TEST_F(Commands, ListIsAnArrayOfWhatIsInstalled) {
  const Result result = run({"list", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const io::Json all = json_of(result);
  std::vector<std::string> names;
  for (const io::Json& one : all) {
    names.push_back(one["kind"].get<std::string>() + "/" + one["name"].get<std::string>());
    EXPECT_FALSE(one["version"].get<std::string>().empty()) << one;
    EXPECT_FALSE(one["summary"].get<std::string>().empty()) << one;
    EXPECT_TRUE(fs::exists(one["file"].get<std::string>())) << one;
  }
  EXPECT_THAT(names,
              testing::IsSupersetOf({"solver/dopri5", "field/mlp", "dataset/csv", "block/ode",
                                     "schedule/cosine", "device/cpu", "optimizer/adam"}));
  const Result solvers = run({"list", "solver", "--json"});
  for (const io::Json& one : json_of(solvers)) EXPECT_EQ(one["kind"], "solver");
}

TEST_F(Commands, ListSuggestsTheNearestKind) {
  const Result result = run({"list", "solvers"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean 'solver'?"));
}

TEST_F(Commands, DescribeShowsOwnKeysCommonKeysAndCitations) {
  const Result result = run({"describe", "optimizer/adam"});
  ASSERT_EQ(result.status, 0) << result.err;
  for (const char* text : {"beta1", "lr", "schedule", "gradient_clip", "Kingma", "default 0.001"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
  EXPECT_THAT(run({"describe", "block/ode"}).out, HasSubstr("divergence"));
  EXPECT_THAT(run({"describe", "schedule/cosine"}).out, HasSubstr("warmup"));
  EXPECT_THAT(run({"describe", "train"}).out, HasSubstr("checkpoint_every"));
  EXPECT_THAT(run({"describe", "solve"}).out, HasSubstr("initial"));
  const io::Json json = json_of(run({"describe", "optimizer/adam", "--json"}));
  EXPECT_EQ(json["name"], "adam");
  EXPECT_EQ(json["keys"][0]["name"], "beta1");
  EXPECT_EQ(json["keys"][0]["default"], "0.9");
}

TEST_F(Commands, ValidateTellsParametersAndMemory) {
  write(folder_ / "tiny.yaml", tiny_training());
  const Result result = run({"validate", "tiny.yaml", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(json_of(result)["parameters"], 52);
  EXPECT_GT(json_of(result)["memory_bytes"].get<int>(), 0);
  const io::Json solve = json_of(result)["solves"][0];
  EXPECT_EQ(solve["block"], "flow");
  EXPECT_EQ(solve["steps"], 2);
  EXPECT_EQ(solve["steps_assumed"], false);
  EXPECT_GT(solve["kept_bytes"].get<int>(), 0);
  const Result adaptive = run({"validate", "tiny.yaml", "--set", "flow.solver=dopri5"});
  EXPECT_THAT(adaptive.out, HasSubstr("(assumed: the tolerance decides)"));
  EXPECT_FALSE(fs::exists(folder_ / "runs"));
  write(folder_ / "decay.yaml", kDecay);
  EXPECT_EQ(run({"validate", "decay.yaml"}).status, 0);
}

TEST_F(Commands, DoctorFindsThePluginsWell) {
  const Result result = run({"doctor", "--json"});
  EXPECT_EQ(result.status, 0) << result.out;
  EXPECT_EQ(json_of(result)["status"], "good");
}

TEST_F(Commands, DoctorSaysWhyADeviceCannotBeUsedHere) {
  const auto plugins = json_of(run({"doctor", "--json"}))["plugins"];
  const auto cuda = std::find_if(plugins.begin(), plugins.end(), [](const io::Json& one) {
    return one["kind"] == "device" && one["name"] == "cuda";
  });
  if (cuda == plugins.end()) GTEST_SKIP() << "device/cuda is not built: no CUDA toolkit";
  if (!cuda->contains("absent")) GTEST_SKIP() << "this machine has a graphics card";
  EXPECT_THAT((*cuda)["absent"].get<std::string>(), HasSubstr("no NVIDIA driver is present"));
}

TEST_F(Commands, DoctorNamesAFileThatIsNoPlugin) {
  fs::create_directories(folder_ / "plugins" / "solver");
  write(folder_ / "plugins" / "solver" / "broken.so", "this is no library");
  const Result result = run({"doctor", "--plugin-path", (folder_ / "plugins").string()});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("broken.so"));
}

TEST_F(Commands, EveryCommandHasAHelpText) {
  for (const char* command : {"train", "eval", "sample", "solve", "gradcheck", "list", "describe",
                              "validate", "doctor"}) {
    const Result result = run({command, "--help"});
    EXPECT_EQ(result.status, 0) << command;
    EXPECT_THAT(result.out, HasSubstr(std::string("odeum ") + command));
    EXPECT_THAT(result.out, HasSubstr("--json"));
  }
  EXPECT_THAT(run({}).out, HasSubstr("gradcheck"));
  EXPECT_EQ(run({"--version"}).out, "odeum 0.1.0\n");
}

}  // namespace
}  // namespace odeum::testing_tool
