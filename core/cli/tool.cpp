// SPDX-License-Identifier: Apache-2.0
#include "odeum/tool.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/session.hpp"
#include "cli/streams.hpp"
#include "config/nearest.hpp"
#include "odeum/error.hpp"

namespace odeum {
namespace cli {
namespace {

std::vector<Command> commands() {
  return {train_command(),    eval_command(),      sample_command(),     report_command(),
          solve_command(),    gradcheck_command(), list_command(),       describe_command(),
          validate_command(), doctor_command(),    new_plugin_command(), verify_command(),
          tune_command()};
}

void print_overview(std::FILE* to) {
  std::fprintf(to,
               "odeum %s: neural ordinary differential equations, composed in YAML from plugins\n\n"
               "usage: odeum COMMAND ...\n\n",
               version());
  for (const Command& command : commands()) {
    std::fprintf(to, "  %-10s %s\n", command.name, command.summary);
  }
  std::fprintf(to,
               "\nodeum COMMAND --help shows what a command takes; odeum --version the version.\n");
}

int run_command(const Command& command, const std::vector<std::string>& words) {
  const Arguments arguments = command.arguments();
  const Values values = arguments.parse(command.name, words);
  if (is_set(values, "help")) {
    std::printf("%s", arguments.help(command.name).c_str());
    return kDone;
  }
  return command.run(values);
}

/// Tells what went wrong, as JSON too where that was asked for.
int report(const std::string& message, const char* status, int exit_status, bool json) {
  std::fprintf(stderr, "odeum: %s\n", message.c_str());
  if (json) print_json({{"status", status}, {"message", message}});
  return exit_status;
}

int run_words(std::vector<std::string> words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print_overview(stdout);
    return kDone;
  }
  if (words[0] == "--version") {
    std::printf("odeum %s\n", version());
    return kDone;
  }
  const std::string name = words[0];
  words.erase(words.begin());
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  try {
    std::vector<std::string> names;
    for (const Command& command : commands()) {
      if (name == command.name) return run_command(command, words);
      names.emplace_back(command.name);
    }
    throw ConfigError("there is no command '" + name + "'; " +
                      config::suggestion(name, names, "there are"));
  } catch (const ConfigError& error) {
    return report(error.what(), "wrong", kWrong, json);
  } catch (const RunError& error) {
    return report(error.what(), "failed", kFailed, json);
  } catch (const std::filesystem::filesystem_error& error) {
    return report(error.path1().string() + ": " + error.code().message(), "wrong", kWrong, json);
  } catch (const std::bad_alloc&) {
    return report("there is not enough memory", "failed", kFailed, json);
  } catch (const std::exception& error) {
    return report(std::string("a bug, in odeum or in a plugin: ") + error.what(), "failed", kFailed,
                  json);
  }
}

}  // namespace
}  // namespace cli

inline namespace v1 {

const char* version() { return "0.1.0"; }

int run_tool(int argc, char** argv) {
  cli::open_closed_streams();
  return cli::with_output_written(
      cli::run_words(std::vector<std::string>(argv + std::min(argc, 1), argv + argc)));
}

}  // namespace v1
}  // namespace odeum
