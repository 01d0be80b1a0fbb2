// SPDX-License-Identifier: Apache-2.0
// odeum train: trains, validates, tests, and writes the run folder.
#include <cstdio>
#include <memory>

#include "cli/session.hpp"
#include "config/differences.hpp"
#include "config/write.hpp"
#include "report/run_report.hpp"
#include "train/fingerprint.hpp"
#include "train/progress_line.hpp"
#include "train/run_folder.hpp"
#include "train/schemas.hpp"
#include "train/training.hpp"

namespace odeum::cli {
namespace {

namespace fs = std::filesystem;

Arguments arguments() {
  Arguments all("CONFIG [options]",
                "Trains what the configuration describes. The run folder gets config.yaml "
                "(resolved), metrics.jsonl, "
                "summary.json, report.html and checkpoints/. Ctrl-C finishes the step and writes a "
                "checkpoint.");
  all.positional("CONFIG", "a training file");
  add_set_option(all);
  all.option("out", "DIR", "the run folder; runs/<name of CONFIG> unless given");
  all.flag("resume",
           "go on from the run folder's last checkpoint; from the start if there is no folder");
  all.flag("no-report", "leave out report.html; odeum report writes it later");
  all.flag("allow-changed-config", "resume although the configuration has changed");
  return all;
}

fs::path run_folder(const Values& values, const fs::path& file) {
  if (is_set(values, "out")) return text_of(values, "out");
  return fs::path("runs") / file.stem();
}

void forget(const char* key, Config& config) {
  config.entries_.erase(key);
  for (auto& [name, entry] : config.entries_) {
    if (auto* const parts = std::get_if<std::vector<Config>>(&entry.value)) {
      for (Config& part : *parts) forget(key, part);
    }
  }
  if (!config.evaluate_) return;
  auto evaluate = std::make_shared<Config>(*config.evaluate_);
  forget(key, *evaluate);
  config.evaluate_ = std::move(evaluate);
}

/// Of all but the device and what it is given together, which change no result.
std::string fingerprint(Config root) {
  root.entries_.erase("device");
  forget("steps_at_once", root);
  return train::fingerprint(config::write_yaml(root));
}

void require_unchanged(const fs::path& folder, Config root, plugin::Registry& plugins) {
  Config before = load(train::RunFolder::open(folder).config(), {}, train::root_schema(), plugins,
                       config::Files::may_be_missing);
  for (Config* const config : {&before, &root}) forget("steps_at_once", *config);
  const auto changes = config::differences(before, root);
  if (changes.empty()) return;
  std::string message = "the configuration is not the one that " + folder.string() +
                        " was started with (before, then now):";
  for (const std::string& change : changes) message += "\n  " + change;
  throw ConfigError(message + "\n--allow-changed-config goes on with the new one");
}

void print_outcome(const train::TrainOutcome& outcome, const fs::path& folder) {
  const io::Json& s = outcome.summary;
  if (s.contains("test")) {
    for (const auto& [name, value] : s["test"].items()) {
      const std::string error = name + "_stderr";
      if (!s["test"].contains(error)) continue;
      std::printf("test %s %s +- %s over %s samples\n", name.c_str(), shown(value).c_str(),
                  shown(s["test"][error]).c_str(), s["test"]["samples"].dump().c_str());
    }
  }
  if (s.contains("entropy")) std::printf("entropy of the data %s\n", shown(s["entropy"]).c_str());
  std::printf("%s: %s steps in %s; run folder %s\n", s["status"].get<std::string>().c_str(),
              s["steps"].dump().c_str(), train::duration_text(s["seconds"].get<double>()).c_str(),
              folder.string().c_str());
}

/// A training is not lost with its page.
void write_report(const fs::path& folder, const Config& root, plugin::Registry& plugins) {
  try {
    report::write_report(train::RunFolder::open(folder), root, plugins);
  } catch (const std::runtime_error& error) {
    std::fprintf(stderr, "warning: report.html was not written: %s\n", error.what());
  }
}

int run(const Values& values) {
  const fs::path file = text_of(values, "CONFIG");
  plugin::Registry& plugins = registry(values);
  train::TrainRequest request;
  request.root = load(file, list_of(values, "set"), train::root_schema(), plugins);
  request.out = run_folder(values, file);
  request.resume = is_set(values, "resume");
  request.config_text = config::write_yaml(request.root);
  request.fingerprint = fingerprint(request.root);
  request.allow_other_table = is_set(values, "allow-changed-config");
  if (request.resume && !train::RunFolder::taken(request.out)) {
    std::fprintf(stderr, "there is no run folder %s yet: starting one\n", request.out.c_str());
  } else if (request.resume && !is_set(values, "allow-changed-config")) {
    require_unchanged(request.out, request.root, plugins);
  }

  train::TrainOutcome outcome;
  try {
    outcome = train::train(request, plugins);
  } catch (const RunError& error) {
    throw ConfigError(error.what());  // before the first step
  }
  if (outcome.ending == train::Ending::failed) {
    std::fprintf(stderr, "odeum: %s\n", outcome.message.c_str());
  }
  if (!is_set(values, "no-report")) write_report(request.out, request.root, plugins);
  if (is_set(values, "json")) {
    print_json(outcome.summary);
  } else {
    print_outcome(outcome, request.out);
  }
  if (outcome.ending == train::Ending::interrupted) return kInterrupted;
  return outcome.ending == train::Ending::failed ? kFailed : kDone;
}

}  // namespace

Command train_command() {
  return {"train", "train a model and write its run folder", arguments, run};
}

}  // namespace odeum::cli
