// SPDX-License-Identifier: Apache-2.0
#include "report/run_report.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "io/file.hpp"
#include "io/json.hpp"
#include "report/history.hpp"
#include "report/model_pictures.hpp"
#include "report/page.hpp"
#include "report/plot.hpp"

namespace odeum::report {
namespace {

/// Series of the history by their keys, under the given names; those that are not there left out.
std::vector<Series> chosen(const History& history,
                           const std::vector<std::pair<std::string, std::string>>& keys) {
  std::vector<Series> all;
  for (const auto& [key, name] : keys) {
    const auto found = history.find(key);
    if (found == history.end()) continue;
    all.push_back(found->second);
    all.back().name = name;
  }
  if (all.size() == 1) all.front().name.clear();
  return all;
}

bool is_metric(const std::string& key) {
  for (const char* other : {"loss", "lr", "seconds", "gradient_norm", "evaluations_forward",
                            "evaluations_backward", "rejected", "skipped_samples"}) {
    if (key == other) return false;
  }
  return key.find('.') == std::string::npos;
}

std::string plots(const History& history) {
  std::string html = line_plot({"Training loss", "step", ""}, chosen(history, {{"loss", ""}}));
  for (const auto& [key, series] : history) {
    if (!is_metric(key)) continue;
    html += line_plot({key, "step", ""},
                      chosen(history, {{key, "training"}, {"validation." + key, "validation"}}));
  }
  html += line_plot({"Evaluations of the field in a step's solves", "step", ""},
                    chosen(history, {{"evaluations_forward", "forward"},
                                     {"evaluations_backward", "backward"},
                                     {"validation.evaluations", "validation"}}));
  for (const auto& [key, series] : history) {
    if (key.rfind("costs.", 0) != 0) continue;
    html += line_plot({"Penalty " + key.substr(6) + ", unweighted", "step", "", Scale::logarithmic},
                      chosen(history, {{key, ""}}));
  }
  html += line_plot({"Seconds a step", "step", ""}, chosen(history, {{"seconds", ""}}));
  html += line_plot({"Learning rate", "step", ""}, chosen(history, {{"lr", ""}}));
  html += line_plot({"Norm of the gradient", "step", "", Scale::logarithmic},
                    chosen(history, {{"gradient_norm", ""}}));
  return html;
}

/// Of a training that goes on, or was killed, no more than that.
io::Json summary_of(const train::RunFolder& folder) {
  if (!std::filesystem::exists(folder.summary())) return {{"status", "not at its end"}};
  return io::parse_json(io::read_file(folder.summary()), folder.summary());
}

}  // namespace

void write_report(const train::RunFolder& folder, const Config& root, plugin::Registry& registry) {
  Page page;
  page.title = folder.path().filename().string();
  page.summary = summary_of(folder);
  page.configuration = io::read_file(folder.config());
  page.plots = plots(read_history(folder.metrics(), folder.timing()));
  for (const Figure& figure : figures(root, folder.final_checkpoint(), registry)) {
    page.pictures += figure.html;
    if (figure.png.empty()) continue;
    std::filesystem::create_directories(folder.path() / "pictures");
    io::write_atomically(folder.path() / "pictures" / (figure.name + ".png"), figure.png);
  }
  io::write_atomically(folder.report(), to_html(page));
}

}  // namespace odeum::report
