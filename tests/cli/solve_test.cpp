// SPDX-License-Identifier: Apache-2.0
// odeum solve: events, what is saved, steps that end where they must, and hard cases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cli/tool.hpp"
#include "io/json.hpp"

namespace odeum::testing_tool {
namespace {

using testing::HasSubstr;

class SolveCommand : public testing::Test {
 protected:
  /// With the given sections of `problem:` behind field, state and solver.
  Result solve(const std::string& problem, std::vector<std::string> more = {"--json"}) {
    write(folder_ / "problem.yaml", "precision: float64\nproblem:\n" + problem);
    more.insert(more.begin(), {"solve", "problem.yaml"});
    return run(more, folder_.path());
  }
  io::Json json(const Result& result) {
    EXPECT_EQ(result.status, 0) << result.err;
    return io::parse_json(last_line(result.out), "stdout");
  }
  Folder folder_;
};

const std::string kBody =
    "  field: {use: falling_body, gravity: 8, learn: true}\n"
    "  initial: [3, 0]\n"
    "  solver: {use: dopri5, rtol: 1e-8, atol: 1e-8}\n";
const std::string kGround = "  events: [{function: ground, terminal: true}]\n";
const std::string kDecay =
    "  field: {use: linear, matrix: [-0.5]}\n"
    "  initial: [3]\n";

TEST_F(SolveCommand, EndsAtATerminalEventAndListsAllOfThem) {
  const std::string problem = kBody +
                              "  times: {to: 10, count: 101}\n"
                              "  events:\n"
                              "    - {component: 0, value: 1.5}\n"
                              "    - {function: ground, direction: falling, terminal: true}\n";
  const io::Json result = json(solve(problem));
  EXPECT_EQ(result["status"], "event");
  ASSERT_EQ(result["events"].size(), 2U);
  EXPECT_EQ(result["events"][0]["name"], "height = 1.5");
  EXPECT_EQ(result["events"][1]["name"], "ground");
  EXPECT_EQ(result["events"][1]["event"], 1);
  // conformance.md, section 5; a parabola has no error of the method.
  EXPECT_NEAR(result["events"][1]["t"].get<double>(), 0.8660254037844386, 1e-12);
  ASSERT_EQ(result["t"].size(), 10U) << "0, 0.1, ... 0.8 and the event";
  EXPECT_EQ(result["t"][9], result["events"][1]["t"]);
  EXPECT_NEAR(result["y"][9][0].get<double>(), 0.0, 1e-11);
  const Result text = run({"solve", "problem.yaml"}, folder_.path());
  EXPECT_THAT(text.out, HasSubstr("event ground at t = 0.866025403784"));
}

TEST_F(SolveCommand, DifferentiatesThroughTheEvent) {
  write(folder_ / "problem.yaml",
        "precision: float64\nproblem:\n" + kBody + kGround + "  times: {to: 10}\n");
  const Result result = run({"gradcheck", "problem.yaml", "--json"}, folder_.path());
  ASSERT_EQ(result.status, 0) << result.out << result.err;
  const io::Json all = io::parse_json(last_line(result.out), "stdout");
  EXPECT_LT(all["reference"]["differences_error"].get<double>(), 1e-6);
  for (const io::Json& row : all["methods"]) {
    // A method that cannot take this solver has none.
    if (row.contains("refusal") || row.contains("failure")) continue;
    EXPECT_LT(row["relative_error"].get<double>(), 1e-5) << row;
  }
}

TEST_F(SolveCommand, RefusesEventsThatAreNotThere) {
  const std::string times = "  times: {to: 10}\n";
  const std::pair<const char*, const char*> wrong[] = {
      {"{function: sky}", "no event function 'sky', but: ground"},
      {"{component: 2}", "2 components"},
      {"{value: 1}", "give one of `component`, `function`"},
      {"{component: 0, function: ground}", "give one of"},
      {"{component: 0, direction: up}", "direction"}};
  for (const auto& [event, message] : wrong) {
    const Result result = solve(kBody + times + "  events: [" + event + "]\n");
    EXPECT_EQ(result.status, 2) << event;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_THAT(result.err, HasSubstr("problem.yaml:7"));
  }
  EXPECT_THAT(solve(kDecay + times + "  events: [{function: ground}]\n").err,
              HasSubstr("has no event functions"));
}

TEST_F(SolveCommand, RefusesTwoWaysToSayTheTimes) {
  for (const char* other : {"from: 0", "to: 1", "count: 5"}) {
    const Result result = solve(kDecay + "  times: {at: [0, 1], " + std::string(other) + "}\n");
    EXPECT_EQ(result.status, 2) << other;
    EXPECT_THAT(result.err, HasSubstr("are both given"));
  }
}

TEST_F(SolveCommand, LeavesAnEarlierFileAloneWhereItHasNothingToWrite) {
  write(folder_ / "out.csv", "earlier\n");
  const std::string failing = kDecay + "  times: {to: 9}\n  solver: {use: dopri5, max_steps: 1";
  EXPECT_EQ(solve(failing + "}\n", {"-o", "out.csv"}).status, 1);
  EXPECT_EQ(read(folder_ / "out.csv"), "earlier\n");
  EXPECT_EQ(solve(failing + ", on_failure: partial}\n", {"-o", "out.csv"}).status, 1);
  EXPECT_EQ(read(folder_ / "out.csv"), "t,y0\n0,3\n");
}

TEST_F(SolveCommand, NumbersOfAnyLengthStandApart) {
  const Result result = solve(
      "  field: {use: linear, matrix: [-1, 0, 0, -1]}\n"
      "  initial: [-1.23456789e-200, -1.23456789e-201]\n"
      "  times: {to: 0.1}\n",
      {});
  EXPECT_THAT(result.out, HasSubstr("-1.23456789e-200 -1.23456789e-201"));
}

TEST_F(SolveCommand, SavesEveryNthStep) {
  const std::string solver = "  solver: {use: rk4, step: 0.125}\n";
  const io::Json every = json(solve(kDecay + solver + "  times: {to: 1, save: steps}\n"));
  EXPECT_EQ(every["t"].size(), 9U);
  const io::Json third = json(solve(kDecay + solver + "  times: {to: 1, save: steps, every: 3}\n"));
  EXPECT_EQ(third["t"].get<std::vector<double>>(), (std::vector<double>{0, 0.375, 0.75, 1}));
  EXPECT_NEAR(third["y"][1][0].get<double>(), 3.0 * std::exp(-0.5 * 0.375), 1e-6);
  EXPECT_THAT(solve(kDecay + solver + "  times: {to: 1, every: 3}\n").err,
              HasSubstr("goes with `save: steps` only"));
  EXPECT_THAT(solve(kDecay + solver + "  times: {to: 1, count: 5, save: steps}\n").err,
              HasSubstr("there are two times"));
}

TEST_F(SolveCommand, EndsInASteadyState) {
  const io::Json result =
      json(solve(kDecay + "  solver: {use: dopri5, rtol: 1e-5, atol: 1e-5}\n"
                          "  times: {at: [0, 1, 10000]}\n  until: steady_state\n"));
  EXPECT_EQ(result["status"], "steady_state");
  ASSERT_EQ(result["t"].size(), 3U);
  EXPECT_LT(result["t"][2].get<double>(), 1000.0);
  EXPECT_LT(std::abs(result["y"][2][0].get<double>()), 3e-5);
  EXPECT_THAT(solve(kDecay + "  times: {to: 1}\n  steady_within: 3\n").err,
              HasSubstr("goes with `until: steady_state` only"));
}

TEST_F(SolveCommand, RefusesStopsThatItNeverMeets) {
  for (const char* key : {"step_times", "jump_times"}) {
    const Result result = solve(kDecay + "  times: {from: 1, to: 0}\n  solver: {use: dopri5, " +
                                key + ": [0.5, 1.5]}\n");
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr("1.5 lies outside the solve's span from 1 to 0"));
    EXPECT_THAT(result.err, HasSubstr(key));
  }
  const io::Json met = json(solve(kDecay + "  times: {from: 1, to: 0, save: steps}\n"
                                           "  solver: {use: dopri5, step_times: [0.3125]}\n"));
  EXPECT_THAT(met["t"].get<std::vector<double>>(), testing::Contains(0.3125));
}

TEST_F(SolveCommand, GivesTheInitialStateBackWhereThereIsNoSpan) {
  const io::Json equal = json(solve(kDecay + "  times: {from: 2, to: 2}\n"));
  EXPECT_EQ(equal["status"], "success");
  EXPECT_EQ(equal["evaluations"], 0);
  EXPECT_EQ(equal["y"], io::Json::parse("[[3.0], [3.0]]"));
  EXPECT_EQ(json(solve(kDecay + "  times: {at: [1, 1, 1]}\n"))["t"].size(), 3U);
}

TEST_F(SolveCommand, DrawsTheNoiseOfAStochasticEquationBySeed) {
  // x0 exp(a t + b W(t)) solves dx = a x dt + b x o dW: with a = 0 and the same W it is e^(at)
  // less.
  const auto end = [&](const std::string& drift, const std::string& seed) {
    const std::string problem =
        "  field:\n    use: wong_zakai\n    drift: {use: linear, matrix: " + drift +
        "}\n    diffusion: {use: linear, matrix: 0.8}\n" +
        "  initial: [1]\n  times: {to: 2}\n  solver: {use: dopri5, rtol: 1e-9, atol: 1e-9}\n";
    return json(solve(problem, {"--json", "--set", "seed=" + seed}))["y"][1][0].get<double>();
  };
  // Errors of the two solves, some hundred steps at 1e-9.
  EXPECT_NEAR(end("0.3", "4") / end("0", "4"), std::exp(0.6), 1e-6);
  EXPECT_NE(end("0.3", "4"), end("0.3", "5"));
}

TEST_F(SolveCommand, SaysWhatIsWrongWithTimesAndTolerances) {
  EXPECT_THAT(solve(kDecay + "  times: {at: [0, 2, 1]}\n").err,
              testing::AllOf(HasSubstr("problem.yaml:5"), HasSubstr("not monotone")));
  const std::string times = "  times: {to: 1}\n";
  EXPECT_THAT(solve(kDecay + times + "  solver: {use: dopri5, rtol: 0, atol: 1e-6}\n").err,
              testing::AllOf(HasSubstr("rtol"), HasSubstr("allow_tight")));
  const std::string absolute = "  solver: {use: dopri5, rtol: 0, atol: 1e-6, allow_tight: true}\n";
  EXPECT_NEAR(json(solve(kDecay + times + absolute))["y"][1][0].get<double>(), 3.0 * std::exp(-0.5),
              1e-5);
  EXPECT_THAT(
      solve(kDecay + times + "  solver: {use: dopri5, rtol: 0, atol: 0, allow_tight: true}\n").err,
      HasSubstr("both zero"));
  EXPECT_THAT(solve(kDecay + times + "  solver: {use: dopri5, at_min_step: clip}\n").err,
              HasSubstr("clip needs a min_step"));
}

}  // namespace
}  // namespace odeum::testing_tool
