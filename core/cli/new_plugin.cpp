// SPDX-License-Identifier: Apache-2.0
// odeum new-plugin: a complete project for a plugin of one's own.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <map>

#include "cli/command.hpp"
#include "cli/session.hpp"
#include "config/nearest.hpp"
#include "io/file.hpp"
#include "odeum/tool.hpp"
#include "plugin/registry.hpp"

namespace odeum::cli {
namespace {

namespace fs = std::filesystem;

Arguments arguments() {
  return Arguments("KIND NAME [options]",
                   "Writes a project that builds, tests and runs as it is: source, CMakeLists.txt, "
                   "a pipeline, README. A folder that is there already is left alone.")
      .positional("KIND", "solver, field, regularizer, ...")
      .positional("NAME", "as configurations will name it: small letters, digits, _")
      .option("folder", "DIR", "where the project goes; default: NAME");
}

void check_kind(const std::string& kind) {
  const std::vector<std::string> kinds(plugin::kKinds.begin(), plugin::kKinds.end());
  if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) return;
  throw ConfigError("there is no kind '" + kind + "'; " +
                    config::suggestion(kind, kinds, "there are"));
}

void check_name(const std::string& name) {
  bool good = !name.empty() && name.size() < sizeof(PluginRecord::name) &&
              std::islower(static_cast<unsigned char>(name[0])) != 0;
  for (const char c : name) {
    const auto letter = static_cast<unsigned char>(c);
    good = good && (std::islower(letter) != 0 || std::isdigit(letter) != 0 || c == '_');
  }
  if (!good) {
    throw ConfigError("'" + name +
                      "' is no plugin name: it begins with a small letter, has small letters, "
                      "digits and _, and fewer than 64 of them");
  }
}

/// "my_solver" to "MySolver".
std::string class_name(const std::string& name) {
  std::string result;
  bool upper = true;
  for (const char c : name) {
    if (c != '_') {
      result += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    }
    upper = c == '_';
  }
  return result;
}

/// The command that runs the kind's example pipeline.
std::string example_command(const std::string& kind) {
  if (kind == "gradient") return "gradcheck";
  const bool solves =
      kind == "field" || kind == "solver" || kind == "controller" || kind == "device";
  return solves ? "solve" : "train";
}

std::string filled(std::string text, const std::map<std::string, std::string>& words) {
  for (const auto& [word, value] : words) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += value.size()) {
      text.replace(at, word.size(), value);
    }
  }
  return text;
}

fs::path template_folder() {
  const fs::path library = plugin::Environment::current({}).library;
  fs::path folder = library.parent_path().parent_path() / "share/odeum/template";
  if (library.empty() || !fs::is_directory(folder)) {
    throw ConfigError("the template is missing: " + folder.string() +
                      " belongs to the installation of odeum");
  }
  return folder;
}

int run(const Values& values) {
  const std::string kind = text_of(values, "KIND");
  const std::string name = text_of(values, "NAME");
  check_kind(kind);
  check_name(name);
  const fs::path source = template_folder();
  const fs::path folder = is_set(values, "folder") ? text_of(values, "folder") : name;
  if (fs::exists(folder)) {
    throw ConfigError("'" + folder.string() + "' is there already: give another name or --folder");
  }

  const std::string command = example_command(kind);
  // Sources stay compilable, other files mark their words.
  const std::map<std::string, std::string> words = {
      {"plugin_name", name}, {"PluginClass", class_name(name)}, {"@name@", name},
      {"@kind@", kind},      {"@version@", version()},          {"@header@", kind + ".hpp"},
      {"@command@", command}};
  const std::vector<std::pair<fs::path, fs::path>> files = {
      {source / kind / "plugin.cpp", name + ".cpp"},
      {source / kind / "config.yaml", "config.yaml"},
      {source / "common/CMakeLists.txt", "CMakeLists.txt"},
      {source / "common/README.md", "README.md"},
      {source / "common/ci.yml", ".github/workflows/ci.yml"},
      {source / "common/gitignore", ".gitignore"}};
  for (const auto& [from, to] : files) {
    const std::string text = filled(io::read_file(from), words);
    std::error_code error;
    fs::create_directories((folder / to).parent_path(), error);
    if (error) throw ConfigError(folder.string() + ": " + error.message());
    io::write_atomically(folder / to, text);
  }

  const fs::path prefix = source.parent_path().parent_path().parent_path();
  if (is_set(values, "json")) {
    print_json({{"kind", kind}, {"name", name}, {"folder", fs::absolute(folder).string()}});
    return kDone;
  }
  std::printf("%s: a %s '%s'. Next:\n\n", folder.string().c_str(), kind.c_str(), name.c_str());
  std::printf("  cd %s\n  cmake -B build -D CMAKE_PREFIX_PATH=%s\n", folder.string().c_str(),
              prefix.string().c_str());
  std::printf("  cmake --build build\n  ctest --test-dir build\n");
  std::printf("  odeum %s config.yaml --plugin-path build/lib/odeum/plugins\n", command.c_str());
  return kDone;
}

}  // namespace

Command new_plugin_command() {
  return {"new-plugin", "a project for a plugin of your own", arguments, run};
}

}  // namespace odeum::cli
