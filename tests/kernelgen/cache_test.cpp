// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/cache.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "plugins/loaded.hpp"

namespace odeum::kernelgen {
namespace {

namespace fs = std::filesystem;

fs::path only_file(const fs::path& folder) {
  fs::path found;
  for (const auto& entry : fs::directory_iterator(folder)) found = entry.path();
  return found;
}

TEST(KernelCache, FindsWhatItKeptByTheWholeContent) {
  const plugin_tests::Folder folder;
  const fs::path place = fs::path(folder.write("mark", "")).parent_path() / "kernels";
  const Cache cache(place);
  EXPECT_FALSE(cache.find("source"));
  cache.keep("source", std::string("binary\0code", 11));
  EXPECT_EQ(cache.find("source"), std::string("binary\0code", 11));
  EXPECT_FALSE(cache.find("source "));
  EXPECT_FALSE(cache.find(""));
  // For the user alone.
  EXPECT_EQ(fs::status(place).permissions() & (fs::perms::group_all | fs::perms::others_all),
            fs::perms::none);
}

TEST(KernelCache, PassesOverAFileThatIsCutOrHoldsOtherContent) {
  const plugin_tests::Folder folder;
  const fs::path place = fs::path(folder.write("mark", "")).parent_path() / "kernels";
  const Cache cache(place);
  cache.keep("one", "first");
  const fs::path file = only_file(place);
  std::ofstream(file, std::ios::binary) << "odeum kernels 1\n3\ntwosecond";
  EXPECT_FALSE(cache.find("one"));
  cache.keep("one", "first");
  EXPECT_TRUE(cache.find("one"));
  fs::resize_file(file, fs::file_size(file) - 1);
  EXPECT_FALSE(cache.find("one"));
  std::ofstream(file, std::ios::binary) << "odeum ker";
  EXPECT_FALSE(cache.find("one"));
}

TEST(KernelCache, LiesInTheUsersCacheFolderUnlessToldOtherwise) {
  const char* before = std::getenv("XDG_CACHE_HOME");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("XDG_CACHE_HOME", "/somewhere", 1);
  EXPECT_EQ(cache_folder("automatic"), "/somewhere/odeum/kernels");
  EXPECT_EQ(cache_folder("/elsewhere"), "/elsewhere");
  EXPECT_TRUE(cache_folder("none").empty());
  EXPECT_FALSE(Cache(cache_folder("none")).keeps());
  kept.empty() ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", kept.c_str(), 1);
}

}  // namespace
}  // namespace odeum::kernelgen
