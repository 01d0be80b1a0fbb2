// SPDX-License-Identifier: Apache-2.0
#include "plugin/trust.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "plugin/folders.hpp"

namespace odeum::plugin::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr Account kMe{1000, 1000};

struct stat status(uid_t user, gid_t group, mode_t mode) {
  struct stat status {};
  status.st_uid = user;
  status.st_gid = group;
  status.st_mode = S_IFREG | mode;
  return status;
}

TEST(Trust, MyFilesAndRootsAreTrusted) {
  EXPECT_EQ(why_untrusted(status(1000, 1000, 0644), kMe), "");
  EXPECT_EQ(why_untrusted(status(0, 0, 0755), kMe), "");
}

TEST(Trust, FilesOfOthersAreNot) {
  EXPECT_EQ(why_untrusted(status(1001, 1001, 0644), kMe),
            "its owner (user 1001) is neither root nor you");
}

TEST(Trust, WhatEverybodyMayWriteIsNot) {
  EXPECT_EQ(why_untrusted(status(1000, 1000, 0646), kMe),
            "everybody may write it; chmod o-w makes it usable");
  EXPECT_NE(why_untrusted(status(0, 0, 01777), kMe), "")
      << "a sticky folder, as /tmp, is no exception";
}

TEST(Trust, WhatAGroupMayWriteIsOnlyIfTheGroupIsMineAlone) {
  EXPECT_EQ(why_untrusted(status(1000, 1000, 0664), kMe), "");
  EXPECT_EQ(why_untrusted(status(1000, 100, 0664), kMe),
            "its group (100) may write it; chmod g-w makes it usable");
  const Account shared{1000, static_cast<gid_t>(-1)};
  EXPECT_NE(why_untrusted(status(1000, 1000, 0664), shared), "");
}

TEST(Trust, AFileInAFolderThatEverybodyMayWriteIsNotTrusted) {
  const PluginFolder folder;
  const auto file = folder.add("good");
  ::chmod(file.parent_path().c_str(), 0777);
  EXPECT_THAT(why_untrusted(file, Account::current()),
              AllOf(HasSubstr(file.parent_path().string()), HasSubstr("everybody may write it")));
}

TEST(Trust, ALinkIsJudgedByWhatItPointsAt) {
  const PluginFolder folder;
  const PluginFolder elsewhere;
  const auto target = elsewhere.add("good");
  folder.write("", "placeholder");
  const auto link = folder.path() / "controller" / "link.so";
  std::filesystem::create_symlink(target, link);
  EXPECT_EQ(why_untrusted(link, Account::current()), "");
  ::chmod(target.c_str(), 0666);
  EXPECT_EQ(
      why_untrusted(link, Account::current()),
      "it is a link to " + target.string() + ": everybody may write it; chmod o-w makes it usable");
}

TEST(Trust, UntrustedFilesAreListedWithTheReasonAndNotUsed) {
  const PluginFolder folder;
  const auto file = folder.add("good");
  ::chmod(file.c_str(), 0666);
  const Registry registry({folder.folder()});
  ASSERT_EQ(registry.list().size(), 1U);
  EXPECT_EQ(registry.list()[0].unusable, "everybody may write it; chmod o-w makes it usable");
  EXPECT_EQ(registry.find("controller", "good"), nullptr);
}

TEST(Trust, UntrustedFoldersAreSkippedAndSaidSo) {
  const PluginFolder folder;
  folder.add("good");
  ::chmod(folder.path().c_str(), 0777);
  const Registry registry({folder.folder()});
  ASSERT_EQ(registry.list().size(), 1U);
  EXPECT_EQ(registry.list()[0].unusable, "its folder " + folder.path().string() +
                                             ": everybody may write it; chmod o-w makes it usable");
  EXPECT_EQ(registry.find("controller", "good"), nullptr);
  EXPECT_THAT(
      registry.explain("controller", "good"),
      AllOf(HasSubstr("not used, " + folder.path().string()), HasSubstr("everybody may write it")));
}

}  // namespace
}  // namespace odeum::plugin::test
