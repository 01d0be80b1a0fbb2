// SPDX-License-Identifier: Apache-2.0
// The conformance suites: what every plugin of a kind must do, checked on the plugin itself.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "odeum/config.hpp"
#include "plugin/registry.hpp"

namespace odeum::verify {

/// One statement about the plugin.
struct Check {
  enum class Outcome : std::uint8_t { passed, failed, left_out };
  std::string statement;  ///< "its measured order is the stated one"
  Outcome outcome = Outcome::passed;
  std::string detail;  ///< figures; or why it failed or was left out
};

/// What a suite works with.
struct Workbench {
  const plugin::Registry& plugins;
  /// A validated configuration of a component: kind, and YAML such as "{use: mlp, hidden: [8]}".
  std::function<Config(const std::string& kind, const std::string& yaml)> configure;
  Config config;  ///< of the plugin under test

  template <class Interface>
  std::shared_ptr<Interface> make(const std::string& yaml) const {
    return plugins.create<Interface>(configure(plugin::kind_of<Interface>(), yaml));
  }
  template <class Interface>
  std::shared_ptr<Interface> tested() const {
    return plugins.create<Interface>(config);
  }
};

/// Collects checks. What a check throws fails it, with the message.
class Checks {
 public:
  /// `work` returns what to report, e.g. "measured 4.98, stated 5".
  void that(const std::string& statement, const std::function<std::string()>& work);
  void left_out(const std::string& statement, const std::string& why);
  const std::vector<Check>& all() const { return checks_; }

 private:
  std::vector<Check> checks_;
};

/// Fails the check that it is called in.
[[noreturn]] void fail(const std::string& why);
void require(bool holds, const std::string& why);
/// A number for people, three digits.
std::string shown(double value);

/// Runs the suite of the plugin's kind.
std::vector<Check> run_suite(const Workbench& bench);

// One file each.
void check_field(const Workbench& bench, Checks& checks);
void check_solver(const Workbench& bench, Checks& checks);
void check_controller(const Workbench& bench, Checks& checks);
void check_gradient(const Workbench& bench, Checks& checks);
void check_regularizer(const Workbench& bench, Checks& checks);
void check_block(const Workbench& bench, Checks& checks);
void check_objective(const Workbench& bench, Checks& checks);
void check_dataset(const Workbench& bench, Checks& checks);
void check_optimizer(const Workbench& bench, Checks& checks);
void check_device(const Workbench& bench, Checks& checks);

}  // namespace odeum::verify
