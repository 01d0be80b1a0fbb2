// SPDX-License-Identifier: Apache-2.0
// odeum validate: all mistakes of a configuration, nothing run.
#include <cstdio>

#include "cli/session.hpp"
#include "model/pipeline.hpp"
#include "train/line_search.hpp"
#include "train/problem.hpp"
#include "train/schemas.hpp"
#include "train/settings.hpp"
#include "train/summary.hpp"

namespace odeum::cli {
namespace {

Arguments arguments() {
  Arguments all(
      "CONFIG [options]",
      "Checks a configuration of any command, builds what it describes, and tells the number of "
      "parameters and about how much memory a training step needs, with what its solves keep "
      "between "
      "forward and backward. Nothing is run.");
  all.positional("CONFIG", "a configuration file");
  add_set_option(all);
  return all;
}

std::string megabytes(std::size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

using Memory = model::Pipeline::MemoryEstimate;

io::Json to_json(const Memory& memory) {
  io::Json solves = io::Json::array();
  for (const Memory::Solve& solve : memory.solves) {
    io::Json one{
        {"block", solve.block}, {"steps", solve.steps}, {"steps_assumed", solve.steps_assumed}};
    if (solve.kept) one["kept_bytes"] = *solve.kept;
    solves.push_back(std::move(one));
  }
  return solves;
}

/// "'flow' keeps 3.1 MB of 64 steps (assumed: the tolerance decides)".
std::string line(const Memory::Solve& solve) {
  const std::string kept =
      solve.kept ? megabytes(*solve.kept) : "what its gradient method cannot tell";
  return "'" + solve.block + "' keeps " + kept + " of " + std::to_string(solve.steps) + " steps" +
         (solve.steps_assumed ? " (assumed: the tolerance decides)" : "");
}

int validate_training(const Values& values, plugin::Registry& plugins) {
  const std::string file = text_of(values, "CONFIG");
  const Config root = load(file, list_of(values, "set"), train::root_schema(), plugins);
  const model::Pipeline pipeline(root, plugins);
  const train::Settings settings(root, pipeline.dataset());
  for (const std::string& warning : pipeline.warnings()) {
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  }
  const std::shared_ptr<const Optimizer> optimizer = train::make_optimizer(root, plugins);
  const std::string search =
      train::search_warning(dynamic_cast<const LineSearchOptimizer*>(optimizer.get()), pipeline);
  if (!search.empty()) std::fprintf(stderr, "warning: %s\n", search.c_str());
  const Memory memory = pipeline.memory_estimate(pipeline.batch_rows());
  if (is_set(values, "json")) {
    print_json({{"status", "valid"},
                {"parameters", train::parameter_count(pipeline.parameters())},
                {"buffers", train::parameter_count(pipeline.buffers())},
                {"memory_bytes", memory.total()},
                {"solves", to_json(memory)},
                {"steps", settings.steps}});
    return kDone;
  }
  std::printf("%s is valid\n", file.c_str());
  for (const model::Entry& entry : pipeline.parameters().entries) {
    std::printf("  %-40s %-16s %lld\n", entry.name.c_str(), entry.shape.text().c_str(),
                static_cast<long long>(entry.size));
  }
  const std::int64_t buffers = train::parameter_count(pipeline.buffers());
  if (buffers > 0) std::printf("buffers %lld\n", static_cast<long long>(buffers));
  std::printf("parameters %lld\nmemory of a training step, about %s\n",
              static_cast<long long>(train::parameter_count(pipeline.parameters())),
              megabytes(memory.total()).c_str());
  for (const Memory::Solve& solve : memory.solves) std::printf("  %s\n", line(solve).c_str());
  std::printf("steps %lld\n", static_cast<long long>(settings.steps));
  return kDone;
}

int validate_problem(const Values& values, plugin::Registry& plugins) {
  const std::string file = text_of(values, "CONFIG");
  const Config root = load(file, list_of(values, "set"), train::solve_schema(), plugins);
  const train::Problem problem(root, plugins);
  if (is_set(values, "json")) {
    print_json({{"status", "valid"}, {"parameters", train::parameter_count(problem.parameters())}});
  } else {
    std::printf("%s is valid\nparameters %lld\n", file.c_str(),
                static_cast<long long>(train::parameter_count(problem.parameters())));
  }
  return kDone;
}

int run(const Values& values) {
  plugin::Registry& plugins = registry(values);
  return root_kind(text_of(values, "CONFIG")) == RootKind::solve
             ? validate_problem(values, plugins)
             : validate_training(values, plugins);
}

}  // namespace

Command validate_command() {
  return {"validate", "all mistakes of a configuration, nothing run", arguments, run};
}

}  // namespace odeum::cli
