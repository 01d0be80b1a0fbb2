// SPDX-License-Identifier: Apache-2.0
// A command of the tool: its name, its options, what it does.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <vector>

namespace odeum::cli {

/// Exit statuses of the tool.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;  ///< found while running
inline constexpr int kWrong = 2;   ///< found wrong before the first step
inline constexpr int kInterrupted = 130;

using Values = boost::program_options::variables_map;

/// What one command takes. `--json`, `--plugin-path` and `--help` are common to all.
class Arguments {
 public:
  /// `usage`: what stands behind the command's name, e.g. "CONFIG [options]".
  Arguments(std::string usage, std::string help);

  /// A positional argument; the first `required` ones have to be there.
  Arguments& positional(const std::string& name, const std::string& help);
  Arguments& optional_positional(const std::string& name, const std::string& help);
  Arguments& option(const std::string& names, const std::string& value, const std::string& help);
  Arguments& list(const std::string& names, const std::string& value, const std::string& help);
  Arguments& flag(const std::string& names, const std::string& help);

  /// ConfigError: an unknown option (with the nearest one), a missing value or argument, too many.
  Values parse(const std::string& command, const std::vector<std::string>& words) const;
  std::string help(const std::string& command) const;

 private:
  std::string usage_;
  std::string help_;
  boost::program_options::options_description shown_;
  boost::program_options::options_description hidden_;
  boost::program_options::positional_options_description positions_;
  std::vector<std::string> required_;
  std::vector<std::string> option_names_;
};

struct Command {
  const char* name;
  const char* summary;
  Arguments (*arguments)();
  int (*run)(const Values& values);
};

// One file each.
Command train_command();
Command eval_command();
Command sample_command();
Command report_command();
Command solve_command();
Command gradcheck_command();
Command list_command();
Command describe_command();
Command validate_command();
Command doctor_command();
Command new_plugin_command();
Command verify_command();
Command tune_command();

// Reading values.
std::string text_of(const Values& values, const std::string& name);  ///< "" when it is not there
std::vector<std::string> list_of(const Values& values, const std::string& name);
bool is_set(const Values& values, const std::string& name);
/// A ConfigError naming the option when the text is no whole number from `least` on.
long long whole_number(const Values& values, const std::string& name, long long least);

}  // namespace odeum::cli
