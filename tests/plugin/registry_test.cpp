// SPDX-License-Identifier: Apache-2.0
// Finding, listing, loading and making; then one of each kind of bad plugin.
#include <cstdlib>

#include "config/load.hpp"
#include "config/yaml.hpp"
#include "odeum/controller.hpp"
#include "odeum/field.hpp"
#include "plugin/folders.hpp"

namespace odeum::plugin::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::string create_complaint(const Registry& registry, const std::string& name) {
  return thrown([&] { (void)registry.create<Controller>(configuration(name)); });
}

TEST(Registry, ListsBothPluginsOfAFileWithoutLoadingIt) {
  const PluginFolder folder;
  const auto file = folder.add("good", "controller", "any_name");
  const auto list = Registry({folder.folder()}).list();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name, "also_good");
  EXPECT_EQ(list[1].kind, "controller");
  EXPECT_EQ(list[1].name, "good");
  EXPECT_EQ(list[1].version, "1.2.3");
  EXPECT_EQ(list[1].summary, "A good controller");
  EXPECT_EQ(list[1].file, file);
  EXPECT_EQ(list[1].unusable, "");
}

TEST(Registry, MakesObjectsFromTheirConfiguration) {
  const PluginFolder folder;
  folder.add("good");
  const Registry registry({folder.folder()});
  const auto good = registry.create<Controller>(configuration("good", 7.5));
  EXPECT_THAT(good->initial_memory(), ElementsAre(7.5));
  EXPECT_TRUE(good->adaptive());
  const std::shared_ptr<Controller> shared =
      registry.create<Controller>(configuration("also_good"));
  EXPECT_FALSE(shared->adaptive());
}

TEST(Registry, MakesAPluginsOwnComponentsFromTheSameFolders) {
  const PluginFolder folder;  // the process's registry knows nothing of it
  folder.add("nested", "field");
  const Registry registry({folder.folder()});
  const Config root = config::resolve(
      config::parse_yaml("{field: {use: outer, inner: inner}}", "x.yaml"), {},
      Schema().component("field", "field", "the right-hand side"), registry.lookup(), ".");
  EXPECT_EQ(registry.create<VectorField>(root.component("field"))->features(), 7);
}

TEST(Registry, SaysTheSchemaOfAPlugin) {
  const PluginFolder folder;
  folder.add("good");
  const Registry registry({folder.folder()});
  const Schema* schema = registry.schema("controller", "good");
  ASSERT_NE(schema, nullptr);
  EXPECT_NE(schema->find("value"), nullptr);
  EXPECT_EQ(registry.schema("controller", "good"), schema);
  EXPECT_EQ(registry.schema("controller", "none"), nullptr);
}

TEST(Registry, TheFirstFolderWinsAndTheOtherIsSaidToBeHidden) {
  const PluginFolder first;
  const PluginFolder second;
  const auto winner = first.add("good");
  const auto loser = second.add("good");
  const Registry registry({first.folder(), second.folder()});
  EXPECT_EQ(registry.require("controller", "good").file, winner);
  const auto list = registry.list("controller");
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[3].file, loser);
  EXPECT_EQ(list[3].unusable,
            "controller/good comes from " + winner.string() + " already, which is searched first");
}

TEST(Registry, RefusesTwoFilesOfOneFolderWithTheSameName) {
  const PluginFolder folder;
  const auto one = folder.add("good", "controller", "one");
  const auto two = folder.add("good", "controller", "two");
  folder.write("rubbish", "good");
  const Registry registry({folder.folder()});
  EXPECT_THAT(thrown([&] { registry.require("controller", "good"); }),
              AllOf(HasSubstr(one.string() + ": controller/good is in " + two.string() +
                              " too, beside it: remove one of them"),
                    HasSubstr(two.string() + ": controller/good is in " + one.string())));
}

TEST(Registry, TakesALinkBesideItsFileForTheSamePlugin) {
  const PluginFolder folder;
  const auto file = folder.add("good");
  std::filesystem::create_symlink(file, file.parent_path() / "link.so");
  EXPECT_EQ(Registry({folder.folder()}).require("controller", "good").file, file);
}

TEST(Registry, AnUnusableFileDoesNotHideAUsableOne) {
  const PluginFolder first;
  const PluginFolder second;
  first.write("rubbish", "good");
  const auto usable = second.add("good");
  EXPECT_EQ(Registry({first.folder(), second.folder()}).require("controller", "good").file, usable);
}

TEST(Registry, NeverLooksIntoTheCurrentFolder) {
  const PluginFolder folder;
  folder.add("good");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const Registry registry(search_path(Environment{}));
  const auto list = registry.list();
  const std::string why = registry.explain("controller", "good");
  std::filesystem::current_path(before);
  EXPECT_THAT(list, IsEmpty());
  EXPECT_EQ(why,
            "  not looked in the current folder, which has controller/good.so; --plugin-path DIR "
            "searches DIR/controller/*.so");
}

TEST(Registry, SaysWhatWasMeantAndWhereItLooked) {
  const PluginFolder folder;
  folder.add("good");
  const Registry registry({folder.folder(), {"/nowhere/plugins", "your data folder"}});
  EXPECT_EQ(
      thrown([&] { registry.require("controller", "godo"); }),
      "ConfigError: there is no controller 'godo'; did you mean 'good'?\n"
      "  looked in " +
          folder.path().string() +
          "/controller (a test): 1 file\n"
          "  looked in /nowhere/plugins/controller (your data folder): there is no such folder");
  EXPECT_EQ(thrown([&] { registry.require("controler", "good"); }),
            "ConfigError: there is no plugin kind 'controler'; did you mean 'controller'?");
}

TEST(Registry, SaysWhyEachCandidateWasPassedOver) {
  const PluginFolder folder;
  const auto text = folder.write("I am text", "text");
  const auto abi = folder.add("other_abi");
  EXPECT_THAT(Registry({folder.folder()}).explain("controller", "text"),
              AllOf(HasSubstr("passed over " + text.string() + ": it is not an ELF file"),
                    HasSubstr("passed over " + abi.string() + ": it was built for abi0-")));
}

TEST(Registry, AKindThatDoesNotExistIsAMistake) {
  EXPECT_EQ(thrown([&] { Registry({}).list("solvers"); }),
            "ConfigError: there is no plugin kind 'solvers'; did you mean 'solver'?");
}

TEST(Registry, InterfacesOfAnotherKindAreABug) {
  const PluginFolder folder;
  folder.add("good");
  const Registry registry({folder.folder()});
  Config config = configuration("good");
  config.kind_ = "device";
  EXPECT_THAT(thrown([&] { (void)registry.create<Controller>(config); }), StartsWith("bug: "));
}

TEST(Registry, TellsItsDecisionsWhenTraced) {
  const PluginFolder folder;
  const auto good = folder.add("good");
  const auto text = folder.write("I am text", "text");
  ::setenv("ODEUM_TRACE", "solve,plugins", 1);
  testing::internal::CaptureStderr();
  const Registry registry({folder.folder()});
  (void)registry.create<Controller>(configuration("good"));
  const std::string traced = testing::internal::GetCapturedStderr();
  ::unsetenv("ODEUM_TRACE");
  EXPECT_THAT(traced, HasSubstr("odeum plugins: " + good.string() + ": controller/good 1.2.3\n"));
  EXPECT_THAT(traced,
              HasSubstr(text.string() + ": controller/text passed over: it is not an ELF file\n"));
  EXPECT_THAT(traced, HasSubstr("odeum plugins: loading " + good.string() + "\n"));
}

TEST(BadPlugin, OfAnotherAbiIsRefusedBeforeItsCodeRuns) {
  const PluginFolder folder;
  folder.add("other_abi");
  const Registry registry({folder.folder()});
  EXPECT_THAT(
      create_complaint(registry, "other_abi"),
      AllOf(StartsWith("ConfigError: there is no controller 'other_abi'"),
            HasSubstr("it was built for abi0-cxx1002-libstdc++11-0, this odeum is " ODEUM_ABI_TAG),
            HasSubstr("build the plugin again")));
  EXPECT_EQ(std::getenv("ODEUM_TEST_OTHER_ABI_RAN"), nullptr);
}

TEST(BadPlugin, WithARecordOfAnotherSizeIsRefused) {
  const PluginFolder folder;
  folder.add("other_size");
  const auto list = Registry({folder.folder()}).list();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].name, "other_size") << "the file's name stands in for the unreadable one";
  EXPECT_THAT(list[0].unusable, StartsWith("its record has 576 bytes, this odeum's has 512"));
}

TEST(BadPlugin, ThatIsNoPluginIsListedWithTheReason) {
  const PluginFolder folder;
  folder.add("no_record");
  const auto list = Registry({folder.folder()}).list("controller");
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].unusable, "it has no section .odeum: it is not an odeum plugin");
}

TEST(BadPlugin, InTheFolderOfAnotherKindIsRefused) {
  const PluginFolder folder;
  folder.add("wrong_kind");
  const auto list = Registry({folder.folder()}).list("controller");
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].unusable,
            "its record says device/wrong_kind, so its place is the folder device");
}

TEST(BadPlugin, WithoutTheEntryPointIsRefused) {
  const PluginFolder folder;
  const auto file = folder.add("no_entry_point");
  EXPECT_EQ(create_complaint(Registry({folder.folder()}), "no_entry_point"),
            "ConfigError: the plugin file " + file.string() +
                " cannot be used: it lacks the symbol odeum_plugin_entries; odeum_add_plugin() "
                "links plugins "
                "as they have to be");
}

TEST(BadPlugin, WhoseLoadedRecordIsNotTheFilesIsRefused) {
  const PluginFolder folder;
  folder.add("stale");
  EXPECT_THAT(create_complaint(Registry({folder.folder()}), "stale"),
              HasSubstr("what was loaded is not what its record of controller/stale says"));
}

TEST(BadPlugin, WithAnUndefinedSymbolIsRefusedWithTheSymbol) {
  const PluginFolder folder;
  folder.add("undefined_symbol");
  EXPECT_THAT(create_complaint(Registry({folder.folder()}), "undefined_symbol"),
              AllOf(StartsWith("ConfigError: "),
                    HasSubstr("undefined symbol: _Z26a_function_that_nobody_hasv"),
                    Not(HasSubstr("boost"))));
}

TEST(BadPlugin, ThatNeedsAMissingLibraryIsRefusedWithTheLibrary) {
  const PluginFolder folder;
  folder.add("missing_library");
  EXPECT_THAT(create_complaint(Registry({folder.folder()}), "missing_library"),
              AllOf(StartsWith("ConfigError: "), HasSubstr("libodeum_test_absent.so"),
                    HasSubstr("No such file or directory"), Not(HasSubstr("Bad file descriptor"))));
}

TEST(BadPlugin, WhoseConstructorThrowsIsNamedWithThePlaceOfItsConfiguration) {
  const PluginFolder folder;
  folder.add("throwing");
  const Registry registry({folder.folder()});
  EXPECT_EQ(create_complaint(registry, "throws_config_error"),
            "ConfigError: x.yaml:3:20 solver.controller.value — it is not liked "
            "[controller/throws_config_error]");
  EXPECT_EQ(create_complaint(registry, "throws_run_error"),
            "RunError: the plugin controller/throws_run_error: the device is gone");
  EXPECT_EQ(create_complaint(registry, "throws_exception"),
            "ConfigError: x.yaml:3:5 solver.controller — the plugin controller/throws_exception "
            "refused it: "
            "three is no prime");
  EXPECT_EQ(create_complaint(registry, "throws_bad_alloc"),
            "RunError: the plugin controller/throws_bad_alloc: there is not enough memory");
  EXPECT_EQ(
      create_complaint(registry, "throws_int"),
      "ConfigError: x.yaml:3:5 solver.controller — the plugin controller/throws_int refused it: an "
      "exception of an unknown type");
}

TEST(BadPlugin, WhoseSchemaThrowsIsNamed) {
  const PluginFolder folder;
  const auto file = folder.add("throwing");
  const Registry registry({folder.folder()});
  EXPECT_THAT(thrown([&] { registry.schema("controller", "throws_in_schema"); }),
              AllOf(StartsWith("ConfigError: the plugin controller/throws_in_schema (" +
                               file.string() + ") failed to say its schema: "),
                    HasSubstr("schema key 'a' is declared twice")));
}

}  // namespace
}  // namespace odeum::plugin::test
