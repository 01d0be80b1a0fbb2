// SPDX-License-Identifier: Apache-2.0
#include "train/summary.hpp"

#include <time.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "odeum/abi.hpp"
#include "odeum/tool.hpp"
#include "plugin/registry.hpp"

namespace odeum::train {
namespace {

using io::Json;

void collect(const Config& config, std::set<std::pair<std::string, std::string>>& found) {
  if (!config.use().empty()) found.emplace(config.kind(), config.use());
  for (const auto& [key, entry] : config.entries_) {
    const auto* nested = std::get_if<std::vector<Config>>(&entry.value);
    if (nested == nullptr) continue;
    for (const Config& one : *nested) collect(one, found);
  }
  if (config.evaluate_) collect(*config.evaluate_, found);
}

Json per_step(const Progress& progress) {
  const auto mean = [&](std::int64_t total) {
    return static_cast<double>(total) / static_cast<double>(progress.step);
  };
  const model::Evaluations& e = progress.evaluations;
  return {{"forward_mean", mean(e.forward)},
          {"backward_mean", mean(e.backward)},
          {"accepted_mean", mean(e.accepted)},
          {"rejected_mean", mean(e.rejected)}};
}

}  // namespace

Json to_json(const Evaluation& evaluation) {
  Json json = Json::object();
  for (const auto& [name, value] : evaluation.metrics) {
    json[name] = value.mean;
    json[name + "_stderr"] = value.stderr_;
  }
  for (const auto& [name, value] : evaluation.figures) json[name] = value;
  json["samples"] = evaluation.samples;
  json["evaluations"] = evaluation.forward_evaluations;
  if (evaluation.skipped > 0) json["skipped_samples"] = evaluation.skipped;
  return json;
}

Json plugins_of(const Config& root, plugin::Registry& registry) {
  std::set<std::pair<std::string, std::string>> used;
  collect(root, used);
  Json list = Json::array();
  for (const auto& [kind, name] : used) {
    const plugin::Listed* listed = registry.find(kind, name);
    if (listed == nullptr) continue;  // it comes with the core, whose version stands above
    list.push_back({{"kind", kind}, {"name", name}, {"version", listed->version}});
  }
  return list;
}

Json make_summary(const Config& root, const model::Pipeline& pipeline, plugin::Registry& registry,
                  const SummaryFacts& facts) {
  const Progress& progress = *facts.progress;
  Json json{{"status", facts.status}};
  if (!facts.message.empty()) json["message"] = facts.message;
  json["steps"] = progress.step;
  if (progress.stopped_early) json["stopped_early"] = true;
  if (facts.resumed_from) json["resumed_from"] = *facts.resumed_from;
  json["seconds"] = facts.seconds;
  json["train_seconds"] = facts.train_seconds;
  json["startup_seconds"] = facts.startup_seconds;
  json["seed"] = root.integer("seed");
  json["device"] = root.component("device").use();
  json["precision"] = root.text("precision");
  json["parameters"] = parameter_count(pipeline.parameters());
  if (facts.last_loss) json["loss"] = *facts.last_loss;
  if (progress.best.step >= 0) {
    json["validation"] = {{"step", progress.best.step},
                          {pipeline.main_metric(), progress.best.metric}};
  }
  if (facts.test) json["test"] = to_json(*facts.test);
  if (facts.traffic.launches + facts.traffic.replays > 0) {
    json["traffic"] = {{"launches", facts.traffic.launches},
                       {"replays", facts.traffic.replays},
                       {"synchronizations", facts.traffic.synchronizations},
                       {"uploads", facts.traffic.uploads},
                       {"downloads", facts.traffic.downloads}};
  }
  if (const auto entropy = pipeline.dataset().entropy()) json["entropy"] = *entropy;
  if (progress.step > 0) json["evaluations"] = per_step(progress);
  if (progress.loss_evaluations > 0) {
    json["search"] = {{"iterations", progress.iterations},
                      {"loss_evaluations", progress.loss_evaluations}};
    if (!facts.finished.empty()) json["search"]["finished"] = facts.finished;
  }
  if (progress.skipped_samples > 0) json["skipped_samples"] = progress.skipped_samples;
  json["versions"] = {{"odeum", version()}, {"abi", ODEUM_ABI_TAG}};
  json["plugins"] = plugins_of(root, registry);
  return json;
}

std::int64_t parameter_count(const model::Layout& layout) {
  std::int64_t count = 0;
  for (const model::Entry& entry : layout.entries) count += entry.size;
  return count;
}

double process_seconds() {
  // Field 22 of /proc/self/stat: the start, in clock ticks since boot. The fields are counted from
  // behind the command's name, which may contain anything.
  std::ifstream stat("/proc/self/stat");
  std::string text;
  std::getline(stat, text);
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return 0.0;
  std::istringstream fields(text.substr(end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double ticks = 0.0;
  fields >> ticks;
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const double seconds = static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  return seconds - ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace odeum::train
