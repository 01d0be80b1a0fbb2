// SPDX-License-Identifier: Apache-2.0
// odeum validate: all mistakes of a configuration, nothing run.
#include <cstdio>

#include "cli/session.hpp"
#include "model/pipeline.hpp"
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
      "parameters and about how much memory a training step needs. Nothing is run.");
  all.positional("CONFIG", "a configuration file");
  add_set_option(all);
  return all;
}

std::string megabytes(std::size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

int validate_training(const Values& values, plugin::Registry& plugins) {
  const std::string file = text_of(values, "CONFIG");
  const Config root = load(file, list_of(values, "set"), train::root_schema(), plugins);
  const model::Pipeline pipeline(root, plugins);
  const train::Settings settings(root, pipeline.dataset());
  for (const std::string& warning : pipeline.warnings()) {
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  }
  const std::size_t memory = pipeline.memory_estimate(pipeline.batch_rows());
  if (is_set(values, "json")) {
    print_json({{"status", "valid"},
                {"parameters", train::parameter_count(pipeline.parameters())},
                {"memory_bytes", memory},
                {"steps", settings.steps}});
    return kDone;
  }
  std::printf("%s is valid\n", file.c_str());
  for (const model::Entry& entry : pipeline.parameters().entries) {
    std::printf("  %-40s %-16s %lld\n", entry.name.c_str(), entry.shape.text().c_str(),
                static_cast<long long>(entry.size));
  }
  std::printf(
      "parameters %lld\nmemory of a training step, about %s, and what its solves keep\nsteps "
      "%lld\n",
      static_cast<long long>(train::parameter_count(pipeline.parameters())),
      megabytes(memory).c_str(), static_cast<long long>(settings.steps));
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
