// SPDX-License-Identifier: Apache-2.0
#include "plugin/child.hpp"

#include <unistd.h>

#include <csignal>

#include "config/describe.hpp"
#include "plugin/folders.hpp"

namespace odeum::plugin::test {
namespace {

using std::chrono::seconds;

std::string in_child_complaint(const std::function<std::string()>& work,
                               seconds limit = seconds(30)) {
  return thrown([&] { in_child("the plugin a/b", work, limit); });
}

TEST(Child, AnswersWithItsText) {
  std::string large(1 << 20, 'x');
  EXPECT_EQ(in_child("it", [&] { return large; }), large);
  EXPECT_EQ(in_child("it", [] { return std::string(); }), "");
}

TEST(Child, MistakesInItAreMistakesHere) {
  EXPECT_EQ(in_child_complaint([]() -> std::string { throw ConfigError("no such thing"); }),
            "ConfigError: no such thing");
  EXPECT_EQ(in_child_complaint([]() -> std::string { throw 1; }),
            "ConfigError: an exception of an unknown type");
}

TEST(Child, ACrashIsSaidWithItsSignal) {
  EXPECT_EQ(in_child_complaint([]() -> std::string {
              std::raise(SIGKILL);
              return "";
            }),
            "ConfigError: the plugin a/b crashed (SIGKILL)");
}

TEST(Child, EndingTheProcessIsSaid) {
  EXPECT_EQ(in_child_complaint([]() -> std::string { ::_exit(3); }),
            "ConfigError: the plugin a/b ended the process (status 3)");
  EXPECT_EQ(in_child_complaint([]() -> std::string { ::_exit(0); }),
            "ConfigError: the plugin a/b ended the process (status 0)");
}

TEST(Child, SilenceIsNotWaitedForForEver) {
  EXPECT_EQ(in_child_complaint(
                []() -> std::string {
                  for (;;) ::pause();
                },
                seconds(1)),
            "ConfigError: the plugin a/b did not answer within 1 seconds");
}

TEST(Child, DescribesAPluginAndSurvivesOneThatCrashes) {
  const PluginFolder folder;
  folder.add("good");
  folder.add("crashing");
  const Registry registry({folder.folder()});
  EXPECT_EQ(
      in_child("it", [&] { return config::describe(*registry.schema("controller", "good")); }),
      "A good controller\n\nKeys:\n  value: a number; at least 0; default 3\n      returned as its "
      "memory\n");
  EXPECT_EQ(thrown([&] {
              in_child("the plugin controller/crashing", [&] {
                return config::describe(*registry.schema("controller", "crashing"));
              });
            }),
            "ConfigError: the plugin controller/crashing crashed (SIGKILL)");
}

}  // namespace
}  // namespace odeum::plugin::test
