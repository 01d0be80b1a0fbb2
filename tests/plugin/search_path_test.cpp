// SPDX-License-Identifier: Apache-2.0
#include "plugin/search_path.hpp"

#include "plugin/folders.hpp"

namespace odeum::plugin::test {
namespace {

using testing::ElementsAre;

std::vector<std::string> paths(const Environment& environment) {
  std::vector<std::string> all;
  for (const Folder& folder : search_path(environment)) all.push_back(folder.path.string());
  return all;
}

TEST(SearchPath, GoesFromWhatWasGivenToTheInstallation) {
  Environment environment;
  environment.given = {"/given/"};
  environment.plugin_path_set = true;
  environment.plugin_path = "/variable/a:/variable/b";
  environment.data_home = "/data";
  environment.home = "/home/me";
  environment.library = "/usr/lib/libodeum.so.1";
  EXPECT_THAT(paths(environment), ElementsAre("/given", "/variable/a", "/variable/b",
                                              "/data/odeum/plugins", "/usr/lib/odeum/plugins"));
  EXPECT_EQ(search_path(environment)[0].origin, "--plugin-path");
  EXPECT_EQ(search_path(environment)[1].origin, "ODEUM_PLUGIN_PATH");
}

TEST(SearchPath, FallsBackToTheHomeFolder) {
  Environment environment;
  environment.home = "/home/me";
  EXPECT_THAT(paths(environment), ElementsAre("/home/me/.local/share/odeum/plugins"));
  environment.data_home = "relative";
  EXPECT_THAT(paths(environment), ElementsAre("/home/me/.local/share/odeum/plugins"));
}

TEST(SearchPath, HasEachFolderOnce) {
  Environment environment;
  environment.given = {"/a/../b", "/b/"};
  environment.plugin_path_set = true;
  environment.plugin_path = "/b";
  EXPECT_THAT(paths(environment), ElementsAre("/b"));
}

TEST(SearchPath, WhatWasGivenMayBeRelative) {
  Environment environment;
  environment.given = {"mine"};
  EXPECT_THAT(paths(environment), ElementsAre((std::filesystem::current_path() / "mine").string()));
}

TEST(SearchPath, AnEmptyOrRelativeEntryOfTheVariableIsRefused) {
  Environment environment;
  environment.plugin_path_set = true;
  for (const char* path : {"", ":", "/a:", ":/a", "/a::/b"}) {
    environment.plugin_path = path;
    EXPECT_EQ(thrown([&] { search_path(environment); }),
              std::string("ConfigError: ODEUM_PLUGIN_PATH='") + path +
                  "' has an empty entry: it is a list of absolute folders separated by colons");
  }
  environment.plugin_path = "/a:b";
  EXPECT_EQ(thrown([&] { search_path(environment); }),
            "ConfigError: ODEUM_PLUGIN_PATH: 'b' is relative; only absolute folders are searched");
}

TEST(SearchPath, OfThisProcessEndsBesideItsLibrary) {
  const std::vector<Folder> folders = search_path(Environment::current({}));
  ASSERT_FALSE(folders.empty());
  EXPECT_EQ(folders.back().origin, "the installation");
  EXPECT_TRUE(folders.back().path.string().ends_with("/odeum/plugins"));
  EXPECT_TRUE(
      std::filesystem::exists(folders.back().path.parent_path().parent_path() / "libodeum.so"));
}

}  // namespace
}  // namespace odeum::plugin::test
