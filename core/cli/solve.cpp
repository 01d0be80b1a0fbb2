// SPDX-License-Identifier: Apache-2.0
// odeum solve: one initial value problem.
#include <cstdio>

#include "cli/output.hpp"
#include "cli/session.hpp"
#include "train/problem.hpp"
#include "train/schemas.hpp"

namespace odeum::cli {
namespace {

constexpr std::size_t kMostLines = 40;  // of a table for people

Arguments arguments() {
  Arguments all(
      "CONFIG [options]",
      "Solves the initial value problem of a file with a section `problem:` and prints the states "
      "at its times, and the events that it met. Exit status 1 where the solve fails.");
  all.positional("CONFIG", "a file with a section problem:");
  add_set_option(all);
  all.option("out,o", "FILE", "write the solution there, .npy or .csv: a row per time, t in front");
  return all;
}

std::vector<std::string> column_names(const train::Problem& problem) {
  std::vector<std::string> names{"t"};
  for (std::size_t i = 0; i < problem.initial().size(); ++i) {
    const auto& components = problem.components();
    names.push_back(i < components.size() ? components[i] : "y" + std::to_string(i));
  }
  return names;
}

void print_table(const train::Solution& solution, const std::vector<std::string>& names) {
  const char* space = "";
  for (const std::string& name : names) {
    std::printf("%s%16s", space, name.c_str());
    space = " ";
  }
  std::printf("\n");
  const std::size_t rows = solution.t.size();
  for (std::size_t i = 0; i < rows; ++i) {
    if (rows > kMostLines && i == kMostLines / 2) {
      i = rows - kMostLines / 2;
      std::printf("%16s\n", "...");
    }
    std::printf("%16.9g", solution.t[i]);
    for (const double value : solution.y[i]) std::printf(" %16.9g", value);
    std::printf("\n");
  }
}

std::string name_of(const train::Problem& problem, const EventHit& hit) {
  return problem.events().events[hit.event].name;
}

io::Json hits_json(const train::Problem& problem, const SolveReport& report) {
  io::Json hits = io::Json::array();
  for (const EventHit& hit : report.hits) {
    hits.push_back(
        {{"event", hit.event}, {"name", name_of(problem, hit)}, {"t", hit.t}, {"y", hit.state}});
  }
  return hits;
}

void print_hits(const train::Problem& problem, const SolveReport& report) {
  for (const EventHit& hit : report.hits) {
    std::printf("event %s at t = %.15g\n", name_of(problem, hit).c_str(), hit.t);
  }
}

/// A number, or null where there is none.
io::Json measured(bool known, double value) { return known ? io::Json(value) : io::Json(); }

int run(const Values& values) {
  plugin::Registry& plugins = registry(values);
  const Config root =
      load(text_of(values, "CONFIG"), list_of(values, "set"), train::solve_schema(), plugins);
  const std::string out = text_of(values, "out");
  if (!out.empty()) require_table_file(out);
  train::Problem problem(root, plugins);
  for (const std::string& warning : problem.warnings()) {
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  }
  const train::Solution solution = problem.solve();
  const SolveReport& report = solution.report;

  const std::vector<std::string> names = column_names(problem);
  if (!out.empty() && !solution.t.empty()) {
    std::vector<double> rows;
    for (std::size_t i = 0; i < solution.t.size(); ++i) {
      rows.push_back(solution.t[i]);
      rows.insert(rows.end(), solution.y[i].begin(), solution.y[i].end());
    }
    write_table(out, names, rows, DType::f64);
  }
  if (is_set(values, "json")) {
    print_json({{"status", name(report.status)},
                {"message", report.message()},
                {"t", solution.t},
                {"y", solution.y},
                {"events", hits_json(problem, report)},
                {"evaluations", report.evaluations},
                {"accepted", report.accepted},
                {"rejected", report.rejected},
                {"cause", name(report.cause)},
                {"stiffness", measured(report.stiffness >= 0.0, report.stiffness)},
                {"stability", measured(report.stability > 0.0, report.stability)},
                {"note", report.note()}});
  } else {
    if (out.empty() && !solution.t.empty()) print_table(solution, names);
    print_hits(problem, report);
    std::printf("%s: %lld evaluations, %lld steps accepted, %lld rejected\n", name(report.status),
                static_cast<long long>(report.evaluations), static_cast<long long>(report.accepted),
                static_cast<long long>(report.rejected));
  }
  if (const std::string note = report.note(); !note.empty()) {
    std::fprintf(stderr, "note: %s\n", note.c_str());
  }
  if (report.ok()) return kDone;
  std::fprintf(stderr, "odeum: the solve failed: %s\n", report.message().c_str());
  return kFailed;
}

}  // namespace

Command solve_command() {
  return {"solve", "solve an initial value problem, no training", arguments, run};
}

}  // namespace odeum::cli
