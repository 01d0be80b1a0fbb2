// SPDX-License-Identifier: Apache-2.0
// Schemas that are wrong are bugs of their author; names that are near are found.
#include "odeum/schema.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "config/lookup.hpp"
#include "config/nearest.hpp"
#include "odeum/error.hpp"

namespace odeum::config::test {
namespace {

TEST(Schema, RefusesKeysThatEveryComponentHas) {
  for (const char* key : {"use", "name", "evaluate", "repeat", "include"})
    EXPECT_THROW(Schema().number(key, "x"), std::logic_error) << key;
}

TEST(Schema, RefusesMalformedAndRepeatedKeys) {
  for (const char* key : {"", "Rtol", "r-tol", "1st", "r.tol"})
    EXPECT_THROW(Schema().number(key, "x"), std::logic_error) << key;
  EXPECT_THROW(Schema().number("rtol", "x").number("rtol", "y"), std::logic_error);
  EXPECT_THROW(Schema().number("rtol", "x").renamed("rtol"), std::logic_error);
}

TEST(Schema, RefusesModifiersThatDoNotFit) {
  EXPECT_THROW(Schema().at_least(0), std::logic_error);
  EXPECT_THROW(Schema().text("a", "x").at_least(0), std::logic_error);
  EXPECT_THROW(Schema().number("a", "x").choices({"b"}), std::logic_error);
  EXPECT_THROW(Schema().number("a", "x").size(2), std::logic_error);
}

TEST(Schema, ModifiersAfterRenamedStillMeanTheKey) {
  const Schema schema = Schema().number("rate", 1.0, "x").renamed("speed").at_least(0);
  EXPECT_EQ(schema.find("rate")->minimum, 0.0);
  EXPECT_EQ(schema.find("speed")->replaced_by, "rate");
}

TEST(Schema, IncludesTheKeysOfAnother) {
  const Schema schema =
      Schema("own").number("a", "x").include(Schema("other").number("b", "y").cite("c"));
  EXPECT_EQ(schema.summary(), "own");
  EXPECT_NE(schema.find("b"), nullptr);
  EXPECT_EQ(schema.citations().front(), "c");
}

TEST(KindSchemas, AddCommonKeysAndComponentsOfTheCore) {
  const Schema plugin = Schema("Adam").number("beta", 0.9, "decay");
  SchemaLookup plugins;
  plugins.names = [](const std::string&) { return std::vector<std::string>{"adam"}; };
  plugins.schema = [&](const std::string&, const std::string& name) {
    return name == "adam" ? &plugin : nullptr;
  };
  KindSchemas schemas(plugins,
                      [](const std::string&) { return Schema().number("lr", 0.1, "rate"); });
  schemas.add("optimizer", "none", Schema("Does nothing"));
  ASSERT_NE(schemas.find("optimizer", "adam"), nullptr);
  EXPECT_NE(schemas.find("optimizer", "adam")->find("beta"), nullptr);
  EXPECT_NE(schemas.find("optimizer", "adam")->find("lr"), nullptr);
  EXPECT_EQ(schemas.find("optimizer", "adam")->summary(), "Adam");
  EXPECT_NE(schemas.find("optimizer", "none"), nullptr);
  EXPECT_EQ(schemas.find("optimizer", "sgd"), nullptr);
  EXPECT_EQ(schemas.names("optimizer"), (std::vector<std::string>{"adam", "none"}));
}

TEST(KindSchemas, RefuseAPluginThatDeclaresACommonKey) {
  const Schema plugin = Schema().number("lr", 0.1, "rate");
  SchemaLookup plugins;
  plugins.schema = [&](const std::string&, const std::string&) { return &plugin; };
  KindSchemas schemas(plugins,
                      [](const std::string&) { return Schema().number("lr", 0.1, "rate"); });
  try {
    schemas.find("optimizer", "mine");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(
        error.what(),
        "the plugin optimizer/mine declares the key 'lr', which odeum gives to every optimizer: "
        "its author has to rename it or leave it out");
  }
}

// Distances by hand, after the definition.
TEST(Nearest, CountsEditsAndExchangesOfNeighbours) {
  EXPECT_EQ(edit_distance("rtol", "rtol"), 0);
  EXPECT_EQ(edit_distance("RTOL", "rtol"), 0);
  EXPECT_EQ(edit_distance("rtlo", "rtol"), 1);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("ca", "abc"), 3);
}

TEST(Nearest, FindsWhatWasMeantAndNothingFarther) {
  const std::vector<std::string> names = {"rtol", "atol", "solver", "regularizers", "lr"};
  EXPECT_EQ(nearest("rtoll", names), "rtol");
  EXPECT_EQ(nearest("regularisers", names), "regularizers");
  EXPECT_EQ(nearest("regulariser", names), "regularizers");
  EXPECT_EQ(nearest("l", names), "lr");
  EXPECT_EQ(nearest("xy", names), std::nullopt);
  EXPECT_EQ(nearest("colour", names), std::nullopt);
  EXPECT_EQ(nearest("btol", names), "atol") << "of two equally near, the first in the alphabet";
  EXPECT_EQ(nearest("x", {}), std::nullopt);
}

}  // namespace
}  // namespace odeum::config::test
