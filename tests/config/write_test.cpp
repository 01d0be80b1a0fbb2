// SPDX-License-Identifier: Apache-2.0
// The resolved configuration: written, read again, compared.
#include "config/write.hpp"

#include "config/describe.hpp"
#include "config/differences.hpp"
#include "config/scalars.hpp"
#include "config/toy.hpp"

namespace odeum::config::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const char* const kRich = R"(seed: -3
precision: float64
data: {use: csv, file: /dev/null, header: false}
optimizer: {use: adam, lr: {warmup: 10, then: 0.1, from: 1e-17}}
model:
  - repeat: {times: 2, blocks: [{use: ode, name: flow, field: {use: mlp, hidden: [3]}}]}
  - use: ode
    name: last
    field: mlp
    span: [0.1, 0.30000000000000004]
    solver: {use: euler, atol: [1e-300, 5e-324], evaluate: {use: dopri5, rtol: 0.1}}
    divergence: {evaluate: {estimator: exact}}
    regularizers: [kinetic, {use: jacobian, weight: 0.01}]
    evaluate: {solver: {use: dopri5, safety: 0.7}, field: {activation: tanh}, span: [0.1, 0.2]}
events: [{name: hit, what: "a: \"quoted\" # text\nin two lines \\ \x01 é"}, {what: "null"}]
train: {steps: 5}
)";

TEST(ResolvedYaml, ReadsBackAsTheSameConfiguration) {
  for (const char* text : {kGood, kRich}) {
    const Config written = toy(text);
    const std::string yaml = write_yaml(written);
    const Config read = toy(yaml);
    EXPECT_THAT(differences(written, read), IsEmpty()) << yaml;
    EXPECT_EQ(write_yaml(read), yaml);
  }
}

TEST(ResolvedYaml, KeepsWhatHoldsInEvaluation) {
  const Config written = toy(kRich);
  const Config read = toy(write_yaml(written));
  const Config before = written.components("model").back().for_evaluation();
  const Config after = read.components("model").back().for_evaluation();
  EXPECT_THAT(differences(before, after), IsEmpty());
  EXPECT_EQ(after.component("solver").number("safety"), 0.7);
  EXPECT_EQ(after.component("field").text("activation"), "tanh");
  EXPECT_EQ(after.numbers("span")[1], 0.2);
  EXPECT_EQ(read.components("model").back().numbers("span")[1], 0.30000000000000004);
}

TEST(ResolvedYaml, HasEveryDefault) {
  const std::string yaml = write_yaml(toy(kGood));
  EXPECT_THAT(yaml, HasSubstr("device:\n  use: cpu\n  threads: 0\n"));
  EXPECT_THAT(yaml, HasSubstr("precision: float32\n"));
  EXPECT_THAT(yaml, HasSubstr("events: []\n"));
  EXPECT_THAT(yaml, HasSubstr("      safety: 0.9\n"));
  EXPECT_THAT(yaml, HasSubstr("max_time: .inf\n"));
}

TEST(Numbers, AreWrittenInTheShortestFormThatReadsBack) {
  for (const double value : {0.1, 1e-5, 1.0 / 3.0, 5e-324, 1.7976931348623157e308, -0.0, 1e22}) {
    const std::string text = write_number(value);
    ASSERT_TRUE(read_number(text).has_value()) << text;
    EXPECT_EQ(*read_number(text), value) << text;
    EXPECT_EQ(std::signbit(*read_number(text)), std::signbit(value)) << text;
  }
  EXPECT_EQ(write_number(0.1), "0.1");
  EXPECT_EQ(write_number(2000.0), "2000");
}

TEST(Numbers, AreReadAsYamlHasThem) {
  EXPECT_EQ(read_number("-2.5e-3"), -2.5e-3);
  EXPECT_EQ(read_number(".5"), 0.5);
  EXPECT_EQ(read_number("+1"), 1.0);
  for (const char* text :
       {"", "+", "-", "+-1", "1_000", "0x10", "inf", "nan", "1e", "1 2", "1e400", "."})
    EXPECT_EQ(read_number(text), std::nullopt) << text;
  EXPECT_EQ(read_integer("9007199254740993"), 9007199254740993);
  for (const char* text : {"1.5", "1e400", "1e17", "+-3", "--3", ".inf"})
    EXPECT_EQ(read_integer(text), std::nullopt) << text;
}

TEST(Differences, NameTheKeyAndBothValues) {
  const Config before = toy(kGood);
  EXPECT_THAT(differences(before, toy(kGood, {"train.steps=4000", "flow.solver.rtol=1e-6"})),
              ElementsAre("model.flow.solver.rtol: 1e-05 → 1e-06", "train.steps: 2000 → 4000"));
  EXPECT_THAT(differences(before, toy(kGood, {"train.clip=1"})),
              ElementsAre("train.clip: (nothing) → 1"));
  EXPECT_THAT(differences(before, toy(kGood, {"flow.solver=euler"})),
              ElementsAre("model.flow.solver: dopri5 → euler"));
  EXPECT_THAT(differences(before, toy(kGood, {"flow.regularizers=[]"})),
              ElementsAre("model.flow.regularizers: 2 items → 0 items"));
}

TEST(Differences, OfEvaluationAreSaid) {
  EXPECT_THAT(differences(toy(kGood), toy(kGood, {"flow.solver.evaluate.rtol=1e-7"})),
              ElementsAre("model.flow.solver.evaluate.rtol: 1e-05 → 1e-07"));
  EXPECT_THAT(differences(toy(kGood, {"flow.solver.evaluate.rtol=1e-7"}),
                          toy(kGood, {"flow.solver.evaluate.rtol=1e-7", "flow.solver.safety=0.5"})),
              ElementsAre("model.flow.solver.safety: 0.9 → 0.5"));
}

TEST(Differences, ThereAreNoneBetweenADefaultAndTheSameValueWritten) {
  EXPECT_THAT(differences(toy(kGood), toy(kGood, {"flow.solver.rtol=1e-5"})), IsEmpty());
}

TEST(Describe, PrintsKeysWithTypeRangeDefaultAndMeaning) {
  const std::string text = describe(Schema("A method")
                                        .number("damping", 0.1, "friction [1/s]")
                                        .at_least(0)
                                        .below(2)
                                        .text("mode", "which way")
                                        .choices({"up", "down"})
                                        .renamed("direction")
                                        .numbers("span", {0, 1}, "times")
                                        .size(2, 2)
                                        .component("solver", "solver", "dopri5", "the method")
                                        .cite("Somebody, 1980"));
  EXPECT_EQ(text,
            "A method\n\nKeys:\n"
            "  damping: a number; at least 0 and below 2; default 0.1\n      friction [1/s]\n"
            "  mode: up | down; required\n      which way\n"
            "  span: a list of numbers; 2 items; default [0, 1]\n      times\n"
            "  solver: a solver; default dopri5\n      the method\n"
            "\nPublished in:\n  Somebody, 1980\n");
}

TEST(Describe, SaysTheSameAsJsonWithTheKindOfComponentsAndKeysInKeys) {
  const io::Json json =
      to_json(Schema("A method")
                  .number("damping", 0.1, "friction [1/s]")
                  .at_least(0)
                  .text("mode", "which way")
                  .renamed("direction")
                  .section("inner", Schema().component("objective", "objective", "goal"), "more")
                  .cite("Somebody, 1980"));
  EXPECT_EQ(io::to_line(json),
            R"({"description":"A method","keys":[)"
            R"({"name":"damping","takes":"a number; at least 0","required":false,)"
            R"("doc":"friction [1/s]","default":"0.1"},)"
            R"({"name":"mode","takes":"a text","required":true,"doc":"which way"},)"
            R"({"name":"inner","takes":"a map of keys","required":false,"doc":"more","keys":[)"
            R"({"name":"objective","takes":"an objective","required":true,"doc":"goal",)"
            R"("kind":"objective"}]}],"citations":["Somebody, 1980"]})");
}

}  // namespace
}  // namespace odeum::config::test
