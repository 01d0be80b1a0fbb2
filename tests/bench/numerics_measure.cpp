// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "numerics.hpp"
#include "odeum/error.hpp"
#include "plugin/registry.hpp"

namespace odeum::bench {
namespace {

std::shared_ptr<Controller> controller(const SolverEntry& entry, const SolveOptions& options) {
  const bool given = options.step > 0.0 || options.steps > 0;
  return testing::component<Controller>("controller",
                                        given || !entry.adaptive() ? "constant" : "integral");
}

/// The linear problem z' = -z, which every solver can do.
double evaluations_an_attempt(const SolverEntry& entry) {
  const Case decay{"decay", 1,   [](Tensor, Tensor z, std::span<const Tensor>) { return -z; },
                   {1.0},   0.0, 5.0,
                   {}};
  const SolveOptions options =
      entry.adaptive() ? adaptive_options(1e-6, 1000000) : given_steps(100);
  const Outcome outcome = solve(entry, dynamics_of(decay), decay, options);
  const std::int64_t attempts = outcome.report.accepted + outcome.report.rejected;
  if (attempts == 0) return 1.0;
  return static_cast<double>(outcome.report.evaluations) / static_cast<double>(attempts);
}

std::string number(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

std::vector<SolverEntry> installed_solvers() {
  const plugin::Registry& registry = plugin::registry();
  std::vector<SolverEntry> entries;
  for (const std::string& name : registry.names("solver")) {
    const Schema& schema = *registry.schema("solver", name);
    const auto make = [&](const std::map<std::string, Config::Value>& keys) {
      return std::shared_ptr<Solver>(
          registry.create<Solver>(testing::config_of("solver", name, schema, keys)));
    };
    const Key* method = schema.find("method");
    if (method == nullptr || method->choices.empty()) {
      entries.push_back({name, make({})});
      continue;
    }
    for (const std::string& choice : method->choices) {
      std::string label = name;
      label.append(" ").append(choice);
      entries.push_back({label, make({{"method", choice}})});
    }
  }
  for (SolverEntry& entry : entries) entry.evaluations_an_attempt = evaluations_an_attempt(entry);
  return entries;
}

Dynamics dynamics_of(const Case& problem) {
  Dynamics dynamics = testing::dynamics_of(problem.features, problem.field);
  dynamics.parts = [field = problem.field](Tensor t, const State& y,
                                           std::span<const Tensor> constants) {
    return Rates::Parts{.rest = {0.0 * y[0]}, .stiff = {field(t, y[0], constants)}};
  };
  return dynamics;
}

Outcome solve(const SolverEntry& entry, const Dynamics& dynamics, const Case& problem,
              const SolveOptions& options) {
  Outcome outcome;
  outcome.refusal = entry.solver->refusal(dynamics);
  if (!outcome.refusal.empty()) return outcome;
  const auto setting = odeum::solve::make_setting(
      dynamics, entry.solver, controller(entry, options), options, testing::test_device());
  const testing::Solution solution = testing::solve_with(
      setting, dynamics, options, SaveTimes::exact, problem.initial, {problem.from, problem.to});
  outcome.report = solution.report;
  double size = 1.0;
  for (std::size_t i = 0; i < problem.truth.size(); ++i) {
    const double difference = std::abs(solution.y[0][i] - problem.truth[i]);
    size = std::max(size, std::abs(problem.truth[i]));
    outcome.error = std::max(outcome.error, difference);
    outcome.relative = std::max(outcome.relative, difference / std::abs(problem.truth[i]));
  }
  outcome.error /= size;
  return outcome;
}

SolveOptions adaptive_options(double tolerance, std::int64_t max_steps) {
  SolveOptions options = testing::tolerances(tolerance, tolerance);
  options.max_steps = std::max<std::int64_t>(1, max_steps);
  return options;
}

SolveOptions given_steps(std::int64_t steps) {
  SolveOptions options;
  options.steps = steps;
  options.max_steps = steps;
  return options;
}

void Failures::add(const std::string& solver, const std::string& where, const Outcome& outcome) {
  const std::string what = outcome.refusal.empty() ? name(outcome.report.status) : "refused";
  Failure& failure = all_[{solver, what}];
  failure.where.push_back(where);
  if (failure.reason.empty()) {
    failure.reason = outcome.refusal.empty() ? outcome.report.message() : outcome.refusal;
  }
}

std::string Failures::text() const {
  Table table({"solver", "what", "where", "the first of them says"});
  for (const auto& [key, failure] : all_) {
    constexpr std::size_t kMost = 4;
    std::string where;
    for (std::size_t i = 0; i < std::min(kMost, failure.where.size()); ++i) {
      where += (i > 0 ? "; " : "") + failure.where[i];
    }
    if (failure.where.size() > kMost) {
      where += "; " + std::to_string(failure.where.size() - kMost) + " more";
    }
    table.row({key.first, key.second, where, failure.reason});
  }
  return all_.empty() ? "Nothing.\n" : table.text();
}

Table::Table(const std::vector<std::string>& head) {
  row(head);
  text_ += "|";
  for (std::size_t i = 0; i < head.size(); ++i) text_ += "-|";
  text_ += "\n";
}

void Table::row(const std::vector<std::string>& cells) {
  text_ += "|";
  for (const std::string& one : cells) text_ += " " + one + " |";
  text_ += "\n";
}

std::string scientific(double value) {
  if (value == 0.0) return "0";
  std::string text = number("%.1e", value);
  // "3.1e-06" as "3.1e-6".
  const std::size_t sign = text.find('e') + 1;
  const std::size_t digits = text.find_first_of("123456789", sign);
  const bool negative = text[sign] == '-';
  return text.substr(0, sign) + (negative ? "-" : "") +
         (digits == std::string::npos ? "0" : text.substr(digits));
}

std::string count_text(double value) {
  if (value < 9999.5) return number("%.0f", value);
  return value < 999950.0 ? number("%.1fk", value / 1e3) : number("%.1fM", value / 1e6);
}

std::string cell(const Outcome& outcome, double error) {
  if (!outcome.refusal.empty()) return "refused";
  if (outcome.ok()) {
    return scientific(error) + ", " + count_text(static_cast<double>(outcome.report.evaluations));
  }
  return "**" + std::string(name(outcome.report.status)) +
         "** at t = " + number("%.3g", outcome.report.t);
}

std::string tolerance_text(double tolerance) {
  return "1e-" + std::to_string(std::lround(-std::log10(tolerance)));
}

}  // namespace odeum::bench
