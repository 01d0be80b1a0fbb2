// SPDX-License-Identifier: Apache-2.0
// Bad configurations: each says where, what is wrong and what was meant.
#include <ostream>
#include <random>

#include "config/toy.hpp"

namespace odeum::config::test {
namespace {

using testing::HasSubstr;

struct Case {
  const char* name;
  std::string text;
  std::vector<std::string> sets;
  std::string complaint;  ///< the whole of it
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// The good configuration with one line exchanged.
std::string with(const std::string& line, const std::string& other) {
  std::string text = kGood;
  const auto at = text.find(line);
  if (at == std::string::npos) throw std::logic_error("no such line: " + line);
  return text.replace(at, line.size(), other);
}

const std::string kHere = "configs/toy.yaml:";

std::string case_name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class BadConfiguration : public testing::TestWithParam<Case> {};

TEST_P(BadConfiguration, SaysWhereAndWhatWasMeant) {
  EXPECT_EQ(complaint(GetParam().text, GetParam().sets), GetParam().complaint);
}

INSTANTIATE_TEST_SUITE_P(
    Yaml, BadConfiguration,
    testing::Values(
        Case{"Empty", "", {}, kHere + "1:1 — there is nothing in it"},
        Case{"Scalar",
             "train",
             {},
             kHere + "1:1 — a configuration is a map of keys, this is 'train'"},
        Case{"List", "- a\n", {}, kHere + "1:1 — a configuration is a map of keys, this is a list"},
        Case{"DuplicateKey",
             with("seed: 7", "seed: 7\nseed: 8"),
             {},
             kHere + "2:1 seed — this key was given before, in line 1"},
        Case{"Tab",
             "train:\n\tsteps: 5\n",
             {},
             kHere + "2:1 — a tab in the indentation: YAML is indented with spaces"},
        Case{"MergeKey",
             "base: &b {steps: 1}\ntrain:\n  <<: *b\n",
             {},
             kHere + "3:3 — merge keys are not supported: use `include: file.yaml`"},
        Case{"Tag",
             with("seed: 7", "seed: !!int 7"),
             {},
             kHere + "1:7 — the tag '!!int' means nothing here: leave it out"},
        Case{"OwnTag",
             with("data: rings", "data: !rings {}"),
             {},
             kHere + "2:7 — the tag '!rings' means nothing here: leave it out"},
        Case{"SecondDocument",
             std::string(kGood) + "---\nseed: 8\n",
             {},
             kHere + "10:1 — a second document begins here: a configuration is one document"},
        Case{"Unclosed",
             "train: {steps: 5\n",
             {},
             kHere + "2:1 — malformed YAML: end of map flow not found"},
        Case{"UnknownAlias",
             "seed: *none\n",
             {},
             kHere + "1:7 — malformed YAML: the referenced anchor is not defined"},
        Case{"AliasOfItself",
             "train: &t\n  steps: *t\n",
             {},
             kHere + "2:10 — this alias stands inside its own anchor"},
        Case{"MapAsKey", "{a: 1}: 2\n", {}, kHere + "1:1 — a key is a plain word, not a map"},
        Case{"Latin1",
             "seed: 1\ntrain: \xE4\n",
             {},
             kHere + "2:8 — this is not UTF-8: save the file in that encoding"},
        Case{"CutCharacter",
             "seed: \xC3",
             {},
             kHere + "1:7 — this is not UTF-8: save the file in that encoding"},
        Case{"Binary", std::string("seed: \0", 7), {}, kHere + "1:7 — this is not a text file"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Keys, BadConfiguration,
    testing::Values(
        Case{"UnknownKey",
             with("{steps: 2000}", "{steps: 2000, stpes: 1}"),
             {},
             kHere + "8:22 train.stpes — unknown key; did you mean 'steps'?"},
        Case{"UnknownKeyFarFromAny",
             with("{steps: 2000}", "{steps: 2000, colour: red}"),
             {},
             kHere + "8:22 train.colour — unknown key; 'train' takes: clip, max_time, steps"},
        Case{"UnknownRootKey",
             "optimiser: adam\n" + std::string(kGood),
             {},
             kHere + "1:1 optimiser — unknown key; did you mean 'optimizer'?"},
        Case{"UnknownKeyOfAComponent",
             with("field: mlp", "field: {use: mlp, hiden: [3]}"),
             {},
             kHere + "6:23 model.flow.field.hiden — unknown key; did you mean 'hidden'?"},
        Case{"RenamedKey",
             with("field: mlp", "field: {use: mlp, nonlinearity: tanh}"),
             {},
             kHere + "6:23 model.flow.field.nonlinearity — this key is now called 'activation'"},
        Case{"MissingKey",
             with("train: {steps: 2000}", "train: {clip: 1}"),
             {},
             kHere + "8:1 train.steps — this key is missing: a whole number, how many"},
        Case{"MissingSection",
             with("train: {steps: 2000}", ""),
             {},
             "configs/toy.yaml train.steps — this key is missing: a whole number, how many"},
        Case{"MissingComponent",
             with("data: rings\n", ""),
             {},
             "configs/toy.yaml data — this key is missing: which dataset? There are: csv, rings"},
        Case{"MissingUse",
             with("data: rings", "data: {noise: 0.1}"),
             {},
             kHere + "2:1 data — `use:` is missing: which dataset? There are: csv, rings"},
        Case{"UnknownComponent",
             with("field: mlp", "field: mlpp"),
             {},
             kHere + "6:12 model.flow.field — there is no field 'mlpp'; did you mean 'mlp'?\n"
                     "  looked in /plugins/field"},
        Case{"UnknownComponentFarFromAny",
             with("data: rings", "data: imagenet"),
             {},
             kHere + "2:7 data — there is no dataset 'imagenet'; there are: csv, rings\n"
                     "  looked in /plugins/dataset"},
        Case{"UnusableComponent",
             with("field: mlp", "field: damaged"),
             {},
             kHere +
                 "6:12 model.flow.field — the plugin file /x/damaged.so cannot be used: it is old"},
        Case{"BadName",
             with("name: flow", "name: 2 flows"),
             {},
             kHere +
                 "5:11 model.0.name — a name is letters, digits and _, and begins with no digit; "
                 "this is '2 flows'"},
        Case{"NameTaken",
             with("train:", "  - {use: ode, name: flow, field: mlp}\ntrain:"),
             {},
             kHere + "8:5 model.flow — the name 'flow' is taken, by configs/toy.yaml:4:5"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Values, BadConfiguration,
    testing::Values(
        Case{"NotANumber",
             with("data: rings", "data: {use: rings, noise: loud}"),
             {},
             kHere + "2:27 data.noise — a number is wanted, this is 'loud'"},
        Case{"QuotedNumber",
             with("seed: 7", "seed: \"7\""),
             {},
             kHere + "1:7 seed — \"7\" in quotes is a text: a whole number is wanted"},
        Case{"NotWhole",
             with("steps: 2000", "steps: 1.5"),
             {},
             kHere + "8:16 train.steps — a whole number is wanted, this is '1.5'"},
        Case{"Hexadecimal",
             with("steps: 2000", "steps: 0x10"),
             {},
             kHere + "8:16 train.steps — a whole number is wanted, this is '0x10'"},
        Case{"TooLargeForAnInteger",
             with("seed: 7", "seed: 99999999999999999999"),
             {},
             kHere + "1:7 seed — a whole number is wanted, this is '99999999999999999999'"},
        Case{"NotANumberAtAll",
             with("data: rings", "data: {use: rings, noise: .nan}"),
             {},
             kHere + "2:27 data.noise — a number is wanted, this is '.nan'"},
        Case{"Infinite",
             with("data: rings", "data: {use: rings, noise: .inf}"),
             {},
             kHere + "2:27 data.noise — a finite number is wanted, this is '.inf'"},
        Case{"NoValue",
             with("steps: 2000", "steps: "),
             {},
             kHere + "8:9 train.steps — the value is missing: a whole number is wanted"},
        Case{"YesIsText",
             with("data: rings", "data: {use: csv, file: /dev/null, header: yes}"),
             {},
             kHere + "2:43 data.header — true or false is wanted, this is 'yes'"},
        Case{"TooSmall",
             with("steps: 2000", "steps: 0"),
             {},
             kHere + "8:16 train.steps — 0 is too small: at least 1 is wanted"},
        Case{"AtAnOpenBound",
             with("field: mlp", "field: mlp\n    solver: {use: dopri5, safety: 1}"),
             {},
             kHere +
                 "7:35 model.flow.solver.safety — 1 is too large: above 0 and below 1 is wanted"},
        Case{"NoChoice",
             with("field: mlp", "field: {use: mlp, activation: sofplus}"),
             {},
             kHere + "6:35 model.flow.field.activation — 'sofplus' is no choice; did you mean "
                     "'softplus'?"},
        Case{"NoChoiceFarFromAny",
             with("seed: 7", "precision: half"),
             {},
             kHere + "1:12 precision — 'half' is no choice; choices: float32, float64"},
        Case{"ListTooShort",
             with("field: mlp", "field: mlp\n    span: [1]"),
             {},
             kHere + "7:11 model.flow.span — the list has 1 item, 2 are wanted"},
        Case{"ListItem",
             with("field: mlp", "field: {use: mlp, hidden: [64, wide, 0]}"),
             {},
             kHere + "6:36 model.flow.field.hidden.1 — a whole number is wanted, this is 'wide'\n" +
                 kHere + "6:42 model.flow.field.hidden.2 — 0 is too small: at least 1 is wanted"},
        Case{"MapForAList",
             with("field: mlp", "field: mlp\n    span: {from: 0}"),
             {},
             kHere + "7:11 model.flow.span — a list of numbers is wanted, this is a map"},
        Case{"ListForAComponent",
             with("data: rings", "data: [rings]"),
             {},
             kHere +
                 "2:7 data — the name of a dataset is wanted, or {use: name, ...}; this is a list. "
                 "There are: csv, rings"},
        Case{
            "MapForAListOfComponents",
            with("[kinetic, {use: jacobian, weight: 0.01}]", "kinetic"),
            {},
            kHere +
                "7:19 model.flow.regularizers — a list of components is wanted, this is 'kinetic'"},
        Case{"EmptyListOfComponents",
             "model: []\ndata: rings\ntrain: {steps: 1}\n",
             {},
             kHere + "1:8 model — the list has 0 items, at least 1 is wanted"},
        Case{"ScalarForASection",
             with("{steps: 2000}", "2000"),
             {},
             kHere + "8:8 train — a map of keys is wanted, this is '2000'"},
        Case{"ScheduleWithoutThen",
             "optimizer: {use: adam, lr: {warmup: 5}}\n" + std::string(kGood),
             {},
             kHere + "1:28 optimizer.lr — the key 'then' is missing: the value after the warm-up"},
        Case{"ScheduleKey",
             "optimizer: {use: adam, lr: {warm: 5, then: 1}}\n" + std::string(kGood),
             {},
             kHere + "1:29 optimizer.lr.warm — unknown key; did you mean 'warmup'?"},
        Case{"ScheduleRange",
             "optimizer: {use: adam, lr: {warmup: -1, then: 0}}\n" + std::string(kGood),
             {},
             kHere + "1:37 optimizer.lr.warmup — -1 is too small: at least 0 is wanted\n" + kHere +
                 "1:47 optimizer.lr.then — 0 is too small: above 0 is wanted"},
        Case{"ListForASchedule",
             "optimizer: {use: adam, lr: [1]}\n" + std::string(kGood),
             {},
             kHere + "1:28 optimizer.lr — a number or {warmup: steps, then: value} is wanted, this "
                     "is a list"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Evaluate, BadConfiguration,
    testing::Values(
        Case{"UnknownKey",
             with("field: mlp", "field: mlp\n    divergence: {evaluate: {estimater: exact}}"),
             {},
             kHere + "7:29 model.flow.divergence.evaluate.estimater — unknown key; "
                     "did you mean 'estimator'?"},
        Case{"BaseMistakesAreSaidOnce",
             with("field: mlp",
                  "field: mlp\n    divergence: {probes: 0, evaluate: {estimator: exact}}"),
             {},
             kHere + "7:26 model.flow.divergence.probes — 0 is too small: at least 1 is wanted"},
        Case{"Scalar",
             with("field: mlp", "field: mlp\n    divergence: {evaluate: exact}"),
             {},
             kHere +
                 "7:28 model.flow.divergence.evaluate — a map of keys is wanted, this is 'exact'"},
        Case{"Nested",
             with("field: mlp", "field: mlp\n    divergence: {evaluate: {evaluate: {}}}"),
             {},
             kHere + "7:29 model.flow.divergence.evaluate.evaluate — this key has no place under "
                     "`evaluate:`"},
        Case{
            "OtherPlugin",
            with("field: mlp",
                 "field: mlp\n    solver: {use: dopri5, evaluate: {use: euler, safety: 0.5}}"),
            {},
            kHere +
                "7:50 model.flow.solver.evaluate.safety — unknown key; solver 'euler' takes: atol, "
                "evaluate, max_steps, name, rtol, use"},
        Case{"OnlyForTraining",
             with("kinetic,", "{use: kinetic, evaluate: {weight: 1}},"),
             {},
             kHere +
                 "7:35 model.flow.regularizers.0.evaluate — a regularizer is the same in training "
                 "and evaluation: `evaluate:` goes inside a block, field, solver, objective or "
                 "section"},
        Case{
            "OfAKeyThatItDoesNotLookAt",
            with("field: mlp", "field: mlp\n    evaluate: {regularizers: []}"),
            {},
            kHere +
                "7:16 model.flow.evaluate.regularizers — has no effect: evaluation has no use of a "
                "regularizer, or the same one as training"},
        Case{"OfTheTrainingLoop",
             with("train: {", "train: {evaluate: {steps: 2}, "),
             {},
             kHere + "8:9 train.evaluate — has no effect here: `evaluate:` goes inside a block, "
                     "field, solver or objective of a training, or a section of theirs"},
        Case{"AtTheRoot",
             "evaluate: {seed: 1}\n" + std::string(kGood),
             {},
             kHere +
                 "1:1 evaluate — unknown key; a configuration takes: data, device, events, model, "
                 "optimizer, precision, seed, train"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Repeat, BadConfiguration,
    testing::Values(
        Case{"NoBlocks",
             with("train:", "  - repeat: {times: 2}\ntrain:"),
             {},
             kHere + "8:5 model.1.repeat.blocks — a list of components is wanted, to be repeated"},
        Case{"NoTimes",
             with("train:", "  - repeat: {blocks: [{use: ode, field: mlp}]}\ntrain:"),
             {},
             kHere + "8:5 model.1.repeat.times — this key is missing: a whole number, how often "
                     "the blocks "
                     "follow one another"},
        Case{"MistakeInABlockIsSaidOnce",
             with("train:", "  - repeat: {times: 3, blocks: [{use: ode, field: mlq}]}\ntrain:"),
             {},
             kHere + "8:51 model.1.repeat.blocks.0.field — there is no field 'mlq'; did you mean "
                     "'mlp'?\n"
                     "  looked in /plugins/field"},
        Case{"TooMany",
             with("train:",
                  "  - repeat: {times: 9999, blocks: [{use: ode, field: mlp}, {use: ode, field: "
                  "mlp}]}\ntrain:"),
             {},
             kHere + "8:5 model.1.repeat — these are 9999 times 2 components, more than 10000"},
        Case{"OtherKeys",
             with("train:", "  - {repeat: {times: 1, blocks: []}, use: ode}\ntrain:"),
             {},
             kHere + "8:38 model.1.use — an item that is a `repeat:` has no other keys"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    CommandLine, BadConfiguration,
    testing::Values(
        Case{"NoEquals",
             kGood,
             {"train.steps"},
             "--set train.steps — it is written --set key=value, the key like train.steps"},
        Case{"NoValue", kGood, {"train.steps="}, "--set train.steps= — the value is missing"},
        Case{"EmptyWord",
             kGood,
             {"train..steps=5"},
             "--set train..steps=5 — there is an empty word between the dots"},
        Case{"UnknownKey",
             kGood,
             {"train.stpes=5"},
             "--set train.stpes=5 — unknown key; did you mean 'steps'?"},
        Case{"UnknownStart",
             kGood,
             {"flwo.solver=euler"},
             "--set flwo.solver=euler — there is no key and no component named 'flwo'; "
             "did "
             "you mean 'flow'?"},
        Case{"WrongType",
             kGood,
             {"train.steps=many"},
             "--set train.steps=many — a whole number is wanted, this is 'many'"},
        Case{"IndexBeyondTheList",
             kGood,
             {"model.1.field=mlp"},
             "--set model.1.field=mlp — the list has 1 item, counted from 0: there "
             "is no 1"},
        Case{"NoSuchItem",
             kGood,
             {"flow.regularizers.kinetik.weight=1"},
             "--set flow.regularizers.kinetik.weight=1 — the list "
             "has no "
             "item 'kinetik'; did you mean 'kinetic'?"},
        Case{"MalformedYaml",
             kGood,
             {"train={steps: 5"},
             "--set train={steps: 5 — malformed YAML: end of map flow not found"},
        Case{"BelowAScalar",
             kGood,
             {"train.steps.first=5"},
             "--set train.steps.first=5 train.steps — a whole number is wanted, this is a map"},
        Case{"EveryMistakeIsSaidCommandLineLast",
             with("seed: 7", "seed: x"),
             {"nope=1", "train.steps=0"},
             kHere + "1:7 seed — a whole number is wanted, this is 'x'\n"
                     "--set nope=1 — there is no key and no component named 'nope'; there "
                     "are: data, "
                     "device, events, flow, model, optimizer, precision, seed, train\n"
                     "--set train.steps=0 — 0 is too small: at least 1 is wanted"}),
    case_name);

TEST(Mistakes, AreAllSaidAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(complaint("seed: a\nspeed: 1\ndata: {use: rings, noise: -1}\nmodel: [ode]\n"),
            "configs/toy.yaml train.steps — this key is missing: a whole number, how many\n" +
                kHere + "1:7 seed — a whole number is wanted, this is 'a'\n" + kHere +
                "2:1 speed — unknown key; did you mean 'seed'?\n" + kHere +
                "3:27 data.noise — -1 is too small: at least 0 is wanted\n" + kHere +
                "4:9 model.0.field — this key is missing: which field? There are: mlp");
}

TEST(Mistakes, AliasesThatExplodeAreRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1) + " ";
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j ? "," : "") + before;
    text += "]\n";
  }
  EXPECT_THAT(complaint(text), HasSubstr("the aliases make this too large"));
}

// Whatever is written, the answer is a configuration or a ConfigError.
TEST(Mistakes, NoiseIsAMistakeNeverACrash) {
  const std::string good = std::string(kGood) +
                           "optimizer: {use: adam, lr: {warmup: 10, then: 0.1}}\n" +
                           "events: [{what: &a \"x\"}, {what: *a}]\n";
  const std::string letters = "{}[]:,-#&*!|>'\"%@`\n 0e.~?<";
  std::mt19937 random(11);
  int mistakes = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    std::string text = good;
    for (unsigned i = 0; i <= random() % 3; ++i)
      text.replace(random() % text.size(), random() % 3, 1, letters[random() % letters.size()]);
    mistakes += complaint(text).empty() ? 0 : 1;
  }
  EXPECT_GT(mistakes, 1000);
}

TEST(Mistakes, DeepNestingIsRefusedNotACrash) {
  EXPECT_THAT(complaint("a: " + std::string(100000, '[')), HasSubstr("malformed YAML"));
}

}  // namespace
}  // namespace odeum::config::test
