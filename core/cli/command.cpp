// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <charconv>
#include <sstream>

#include "config/nearest.hpp"
#include "odeum/error.hpp"

namespace odeum::cli {
namespace {

namespace po = boost::program_options;

/// The long name in Boost's "long,s".
std::string long_name(const std::string& names) { return names.substr(0, names.find(',')); }

}  // namespace

Arguments::Arguments(std::string usage, std::string help)
    : usage_(std::move(usage)), help_(std::move(help)), shown_("Options") {
  list("plugin-path", "DIR", "look for plugins here first; may be given several times");
  flag("json",
       "the last line of standard output is one JSON value, all else goes to standard error");
  flag("help,h", "show this");
}

Arguments& Arguments::positional(const std::string& name, const std::string& help) {
  required_.push_back(name);
  return optional_positional(name, help);
}

Arguments& Arguments::optional_positional(const std::string& name, const std::string& help) {
  hidden_.add_options()(name.c_str(), po::value<std::string>(), help.c_str());
  positions_.add(name.c_str(), 1);
  return *this;
}

Arguments& Arguments::option(const std::string& names, const std::string& value,
                             const std::string& help) {
  shown_.add_options()(names.c_str(), po::value<std::string>()->value_name(value), help.c_str());
  option_names_.push_back("--" + long_name(names));
  return *this;
}

Arguments& Arguments::list(const std::string& names, const std::string& value,
                           const std::string& help) {
  shown_.add_options()(names.c_str(),
                       po::value<std::vector<std::string>>()->composing()->value_name(value),
                       help.c_str());
  option_names_.push_back("--" + long_name(names));
  return *this;
}

Arguments& Arguments::flag(const std::string& names, const std::string& help) {
  shown_.add_options()(names.c_str(), help.c_str());
  option_names_.push_back("--" + long_name(names));
  return *this;
}

Values Arguments::parse(const std::string& command, const std::vector<std::string>& words) const {
  po::options_description all;
  all.add(shown_).add(hidden_);
  const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  const auto misused = [&](const std::string& what) {
    return ConfigError(what + "; the usage is: odeum " + command + " " + usage_);
  };
  Values values;
  try {
    po::store(po::command_line_parser(words).options(all).positional(positions_).style(style).run(),
              values);
  } catch (const po::unknown_option& error) {
    const std::string word = error.get_option_name();
    throw ConfigError("unknown option " + word + "; " +
                      config::suggestion(word, option_names_, "there are"));
  } catch (const po::too_many_positional_options_error&) {
    throw misused("too many arguments");
  } catch (const po::error& error) {
    throw ConfigError(error.what());
  }
  if (values.count("help") != 0) return values;
  for (const std::string& name : required_) {
    if (values.count(name) == 0) throw misused(name + " is missing");
  }
  for (const auto& [name, value] : values) {
    const auto* const text = boost::any_cast<std::string>(&value.value());
    const bool flag = all.find(name, false).semantic()->max_tokens() == 0;
    if (flag || text == nullptr || !text->empty()) continue;
    const bool positional = hidden_.find_nothrow(name, false) != nullptr;
    throw misused((positional ? "" : "--") + name + " is empty");
  }
  return values;
}

std::string Arguments::help(const std::string& command) const {
  std::ostringstream text;
  text << "odeum " << command << " " << usage_ << "\n\n" << help_ << "\n\n" << shown_;
  return text.str();
}

std::string text_of(const Values& values, const std::string& name) {
  return values.count(name) != 0 ? values[name].as<std::string>() : "";
}

std::vector<std::string> list_of(const Values& values, const std::string& name) {
  if (values.count(name) == 0) return {};
  return values[name].as<std::vector<std::string>>();
}

bool is_set(const Values& values, const std::string& name) { return values.count(name) != 0; }

long long whole_number(const Values& values, const std::string& name, long long least) {
  const std::string text = text_of(values, name);
  long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least) {
    throw ConfigError("--" + name + " wants a whole number from " + std::to_string(least) +
                      " on, this is '" + text + "'");
  }
  return number;
}

}  // namespace odeum::cli
