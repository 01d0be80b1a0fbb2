// SPDX-License-Identifier: Apache-2.0
#include "report/on_the_way.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "model/multiscale.hpp"

namespace odeum::report {
namespace {

// Of a solve that is not begun: a span without length has no solve.
constexpr double kLeast = 1e-6;

bool is_solve(const Config& block) { return block.use() == "ode"; }

bool can_stop(const Config& block) {
  if (block.flag("learn_span")) return false;
  if (block.section("times").has("at") || block.section("times").has("count")) return false;
  const Config evaluated = block.for_evaluation();
  const Config& solver = evaluated.component("solver").for_evaluation();
  const auto names_times = [&](const Config& of, const char* key) {
    return of.has(key) && !of.numbers(key).empty();
  };
  for (const Config& of : {block.component("solver"), solver}) {
    if (names_times(of, "step_times") || names_times(of, "jump_times")) return false;
  }
  return evaluated.numbers("span") == block.numbers("span");
}

void set_both(Config& block, const std::string& key, const Config::Value& value) {
  block.entries_.at(key).value = value;
  if (!block.evaluate_) return;
  auto evaluate = std::make_shared<Config>(*block.evaluate_);
  evaluate->entries_.at(key).value = value;
  block.evaluate_ = std::move(evaluate);
}

/// The solve's last `share` of its span, which samples pass first. Regularizers have no part in
/// samples, and one that draws the end of the span may refuse so short a one.
void keep_last(Config& block, double share) {
  std::vector<double> span = block.numbers("span");
  span[0] = span[1] - std::clamp(share, kLeast, 1.0) * (span[1] - span[0]);
  set_both(block, "span", span);
  set_both(block, "regularizers", std::vector<Config>{});
}

}  // namespace

std::optional<Config> on_the_way(const Config& root, double share) {
  std::vector<Config> blocks = model::plain_blocks(root.components("model"));
  std::vector<Config*> solves;
  for (Config& block : blocks) {
    if (!is_solve(block)) continue;
    if (!can_stop(block)) return std::nullopt;
    solves.push_back(&block);
  }
  if (solves.empty()) return std::nullopt;
  double left = share * static_cast<double>(solves.size());
  for (auto solve = solves.rbegin(); solve != solves.rend(); ++solve, left -= 1.0) {
    keep_last(**solve, left);
  }
  Config stopped = root;
  stopped.entries_.at("model").value = std::move(blocks);
  return stopped;
}

}  // namespace odeum::report
