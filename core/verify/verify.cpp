// SPDX-License-Identifier: Apache-2.0
#include "verify/verify.hpp"

#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>

namespace odeum::verify {
namespace {

/// A statement that does not hold.
struct DoesNotHold : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

void Checks::that(const std::string& statement, const std::function<std::string()>& work) {
  Check check{statement, Check::Outcome::failed, ""};
  try {
    check.detail = work();
    check.outcome = Check::Outcome::passed;
  } catch (const std::exception& error) {
    check.detail = error.what();
  } catch (...) {
    check.detail = "an exception of an unknown type";
  }
  checks_.push_back(std::move(check));
}

void Checks::left_out(const std::string& statement, const std::string& why) {
  checks_.push_back({statement, Check::Outcome::left_out, why});
}

void fail(const std::string& why) { throw DoesNotHold(why); }

void require(bool holds, const std::string& why) {
  if (!holds) fail(why);
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::vector<Check> run_suite(const Workbench& bench) {
  static const std::map<std::string, void (*)(const Workbench&, Checks&)> suites = {
      {"field", check_field},
      {"solver", check_solver},
      {"controller", check_controller},
      {"gradient", check_gradient},
      {"regularizer", check_regularizer},
      {"block", check_block},
      {"objective", check_objective},
      {"dataset", check_dataset},
      {"optimizer", check_optimizer},
      {"device", check_device}};
  Checks checks;
  suites.at(bench.config.kind())(bench, checks);
  return checks.all();
}

}  // namespace odeum::verify
