// SPDX-License-Identifier: Apache-2.0
// Good configurations: what a plugin gets to read.
#include "config/toy.hpp"

namespace odeum::config::test {
namespace {

using testing::ElementsAre;

std::string with(const std::string& line, const std::string& other) {
  std::string text = kGood;
  const auto at = text.find(line);
  if (at == std::string::npos) throw std::logic_error("no such line: " + line);
  return text.replace(at, line.size(), other);
}

const Config& flow(const Config& root) { return root.components("model").front(); }

TEST(Values, AreTypedAndDefaultsAreFilledIn) {
  const Config root = toy(kGood);
  EXPECT_EQ(root.integer("seed"), 7);
  EXPECT_TRUE(root.given("seed"));
  EXPECT_EQ(root.text("precision"), "float32");
  EXPECT_FALSE(root.given("precision"));
  EXPECT_EQ(root.component("device").use(), "cpu");
  EXPECT_EQ(root.component("device").kind(), "device");
  EXPECT_EQ(root.component("device").integer("threads"), 0);
  EXPECT_EQ(root.section("train").integer("steps"), 2000);
  EXPECT_TRUE(root.sections("events").empty());
  const Config& ode = flow(root);
  EXPECT_EQ(ode.name(), "flow");
  EXPECT_EQ(ode.use(), "ode");
  EXPECT_EQ(ode.key_path(), "model.flow");
  EXPECT_EQ(ode.component("solver").use(), "dopri5");
  EXPECT_EQ(ode.component("solver").number("safety"), 0.9);
  EXPECT_THAT(ode.component("solver").numbers("atol"), ElementsAre(1e-5));
  EXPECT_THAT(ode.numbers("span"), ElementsAre(0.0, 1.0));
  EXPECT_THAT(ode.component("field").integers("hidden"), ElementsAre(64, 64));
  ASSERT_EQ(ode.components("regularizers").size(), 2U);
  EXPECT_EQ(ode.components("regularizers")[0].schedule("weight").then, 1.0);
  EXPECT_EQ(ode.components("regularizers")[1].schedule("weight").then, 0.01);
}

TEST(Values, HaveThePlaceWhereTheyWereWritten) {
  const Config root = toy(kGood);
  EXPECT_EQ(root.place("seed").text(), "configs/toy.yaml:1:1");
  EXPECT_EQ(flow(root).place().text(), "configs/toy.yaml:4:5");
  EXPECT_EQ(flow(root).component("field").place().text(), "configs/toy.yaml:6:5");
  // A default's place is its component's.
  EXPECT_EQ(flow(root).component("solver").place("rtol").text(), "configs/toy.yaml:4:5");
}

TEST(Values, WholeNumbersMayBeWrittenWithExponents) {
  EXPECT_EQ(toy(with("2000", "2e3")).section("train").integer("steps"), 2000);
  EXPECT_EQ(toy(with("2000", "+2.0e3")).section("train").integer("steps"), 2000);
  EXPECT_EQ(toy(with("seed: 7", "seed: -9223372036854775808")).integer("seed"),
            std::numeric_limits<std::int64_t>::min());
}

TEST(Values, NumbersMayBeInfiniteWhereTheDefaultIs) {
  EXPECT_TRUE(std::isinf(toy(kGood).section("train").number("max_time")));
  EXPECT_TRUE(
      std::isinf(toy(with("2000", "2000, max_time: .inf")).section("train").number("max_time")));
}

TEST(Values, ASingleNumberIsAListOfOne) {
  const Config root = toy(with("field: mlp", "field: {use: mlp, hidden: 32}"));
  EXPECT_THAT(flow(root).component("field").integers("hidden"), ElementsAre(32));
}

TEST(Values, AnOptionalKeyLeftOutIsAbsent) {
  EXPECT_FALSE(toy(kGood).section("train").has("clip"));
  const Config given = toy(with("2000", "2000, clip: 3"));
  EXPECT_TRUE(given.section("train").has("clip"));
  EXPECT_EQ(given.section("train").number("clip"), 3.0);
}

TEST(Values, AMapWithoutUseIsTheDefaultComponent) {
  const Config root = toy("device: {threads: 2}\n" + std::string(kGood));
  EXPECT_EQ(root.component("device").use(), "cpu");
  EXPECT_EQ(root.component("device").integer("threads"), 2);
}

TEST(Values, QuotedTextIsText) {
  EXPECT_EQ(toy("precision: \"float64\"\n" + std::string(kGood)).text("precision"), "float64");
}

TEST(Values, AnAliasIsACopyOfItsAnchor) {
  const Config root =
      toy("data: rings\ntrain: {steps: 1}\nmodel:\n"
          "  - {use: ode, field: &net {use: mlp, hidden: [8]}}\n"
          "  - {use: ode, field: *net}\n");
  EXPECT_THAT(root.components("model")[1].component("field").integers("hidden"), ElementsAre(8));
}

TEST(Values, SchedulesWarmUpLinearly) {
  const Config root =
      toy("optimizer: {use: adam, lr: {warmup: 10, then: 1.0, from: 0}}\n" + std::string(kGood));
  const Schedule lr = root.component("optimizer").schedule("lr");
  EXPECT_EQ(lr.at(0), 0.0);
  EXPECT_EQ(lr.at(5), 0.5);
  EXPECT_EQ(lr.at(10), 1.0);
  EXPECT_EQ(lr.at(1000), 1.0);
}

TEST(Values, SectionsInAListHaveNames) {
  const Config root =
      toy("events: [{name: hit, what: ground}, {what: end, at: 2}]\n" + std::string(kGood));
  ASSERT_EQ(root.sections("events").size(), 2U);
  EXPECT_EQ(root.sections("events")[0].name(), "hit");
  EXPECT_EQ(root.sections("events")[1].number("at"), 2.0);
  EXPECT_EQ(root.sections("events")[1].key_path(), "events.1");
}

TEST(Values, WrongQuestionsAreBugsNotMistakes) {
  const Config root = toy(kGood);
  EXPECT_THROW(root.number("sead"), std::logic_error);
  EXPECT_THROW(root.number("seed"), std::logic_error);
  EXPECT_THROW(root.section("train").number("clip"), std::logic_error);
}

TEST(Values, AComponentCanRefuseAValueItself) {
  const Config root = toy(kGood);
  try {
    flow(root).component("field").fail("hidden", "too wide");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "configs/toy.yaml:6:5 model.flow.field.hidden — too wide");
  }
}

TEST(Evaluate, IsLaidOverTheComponentKeyByKey) {
  const Config root =
      toy(with("field: mlp",
               "field: mlp\n"
               "    solver: {use: dopri5, rtol: 1e-3, safety: 0.5, evaluate: {rtol: 1e-6}}\n"
               "    divergence: {probes: 2, evaluate: {estimator: exact}}"));
  const Config& ode = flow(root);
  EXPECT_EQ(ode.component("solver").number("rtol"), 1e-3);
  EXPECT_EQ(ode.component("solver").for_evaluation().number("rtol"), 1e-6);
  EXPECT_EQ(ode.component("solver").for_evaluation().number("safety"), 0.5);
  EXPECT_EQ(ode.section("divergence").text("estimator"), "hutchinson");
  EXPECT_EQ(ode.section("divergence").for_evaluation().text("estimator"), "exact");
  EXPECT_EQ(ode.section("divergence").for_evaluation().integer("probes"), 2);
}

TEST(Evaluate, OfAComponentReachesWhatIsNestedInIt) {
  const Config root = toy(with("field: mlp",
                               "field: mlp\n"
                               "    solver: {use: dopri5, safety: 0.5}\n"
                               "    divergence: {evaluate: {estimator: exact}}\n"
                               "    evaluate: {solver: {rtol: 1e-7}, span: [0, 2]}"));
  const Config evaluation = flow(root).for_evaluation();
  EXPECT_EQ(evaluation.component("solver").use(), "dopri5");
  EXPECT_EQ(evaluation.component("solver").number("rtol"), 1e-7);
  EXPECT_EQ(evaluation.component("solver").number("safety"), 0.5);
  EXPECT_EQ(evaluation.section("divergence").text("estimator"), "exact");
  EXPECT_THAT(evaluation.numbers("span"), ElementsAre(0.0, 2.0));
  EXPECT_EQ(evaluation.name(), "flow");
  EXPECT_EQ(flow(root).component("solver").number("rtol"), 1e-5);
}

TEST(Evaluate, WithAnotherUseStandsAlone) {
  const Config root =
      toy(with("field: mlp",
               "field: mlp\n"
               "    solver: {use: euler, rtol: 0.5, evaluate: {use: dopri5, safety: 0.8}}"));
  const Config solver = flow(root).component("solver").for_evaluation();
  EXPECT_EQ(solver.use(), "dopri5");
  EXPECT_EQ(solver.number("safety"), 0.8);
  EXPECT_EQ(solver.number("rtol"), 1e-5) << "euler's tolerance is not dopri5's";
}

TEST(Evaluate, IsTheSameWhereThereIsNone) {
  const Config root = toy(kGood);
  EXPECT_EQ(flow(root).for_evaluation().component("solver").number("rtol"), 1e-5);
}

TEST(Repeat, MakesIndependentCopiesWithNamesOfTheirOwn) {
  const Config root =
      toy("data: rings\ntrain: {steps: 1}\nmodel:\n"
          "  - repeat:\n"
          "      times: 2\n"
          "      blocks:\n"
          "        - {use: ode, name: flow, field: mlp}\n"
          "        - repeat: {times: 2, blocks: [{use: ode, name: inner, field: mlp}]}\n"
          "  - {use: ode, name: last, field: mlp}\n");
  std::vector<std::string> names;
  for (const Config& block : root.components("model")) names.push_back(block.name());
  EXPECT_THAT(names, ElementsAre("flow_1", "inner_1_1", "inner_2_1", "flow_2", "inner_1_2",
                                 "inner_2_2", "last"));
}

TEST(Set, AddressesKeysNamesAndIndices) {
  EXPECT_EQ(toy(kGood, {"train.steps=60"}).section("train").integer("steps"), 60);
  EXPECT_EQ(flow(toy(kGood, {"flow.solver.rtol=1e-6"})).component("solver").number("rtol"), 1e-6);
  EXPECT_EQ(flow(toy(kGood, {"model.flow.span=[0, 3]"})).numbers("span")[1], 3.0);
  EXPECT_EQ(flow(toy(kGood, {"model.0.field.hidden=[5]"})).component("field").integers("hidden")[0],
            5);
  EXPECT_EQ(flow(toy(kGood, {"flow.regularizers.jacobian.weight=3"}))
                .components("regularizers")[1]
                .schedule("weight")
                .then,
            3.0);
}

TEST(Set, WorksOnShortForms) {
  const Config root = toy("device: cpu\n" + std::string(kGood), {"device.threads=1"});
  EXPECT_EQ(root.component("device").use(), "cpu");
  EXPECT_EQ(root.component("device").integer("threads"), 1);
  const Config kinetic = toy(kGood, {"flow.regularizers.0.weight=2"});
  EXPECT_EQ(flow(kinetic).components("regularizers")[0].use(), "kinetic");
  EXPECT_EQ(flow(kinetic).components("regularizers")[0].schedule("weight").then, 2.0);
}

TEST(Set, WorksOnKeysThatTheFileLeavesOut) {
  EXPECT_EQ(toy(kGood, {"device.threads=3"}).component("device").integer("threads"), 3);
  EXPECT_EQ(toy(kGood, {"optimizer.lr=0.5"}).component("optimizer").schedule("lr").then, 0.5);
}

TEST(Set, MakesAScheduleOfANumber) {
  const Config root =
      toy("optimizer: {use: adam, lr: 0.1}\n" + std::string(kGood), {"optimizer.lr.warmup=4"});
  EXPECT_EQ(root.component("optimizer").schedule("lr").warmup, 4);
  EXPECT_EQ(root.component("optimizer").schedule("lr").then, 0.1);
}

TEST(Set, TheLastOneWins) { EXPECT_EQ(toy(kGood, {"seed=1", "seed=2"}).integer("seed"), 2); }

TEST(Set, ReachesEveryCopyOfARepeatedBlock) {
  const Config root =
      toy("data: rings\ntrain: {steps: 1}\nmodel:\n"
          "  - repeat: {times: 2, blocks: [{use: ode, name: flow, field: mlp}]}\n",
          {"flow.solver.rtol=0.25"});
  for (const Config& block : root.components("model"))
    EXPECT_EQ(block.component("solver").number("rtol"), 0.25);
}

TEST(Set, PlaceIsTheArgument) {
  const Config root = toy(kGood, {"train.steps=60"});
  EXPECT_EQ(root.section("train").place("steps").text(), "--set train.steps=60");
}

}  // namespace
}  // namespace odeum::config::test
