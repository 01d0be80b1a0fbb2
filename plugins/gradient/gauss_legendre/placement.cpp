// SPDX-License-Identifier: Apache-2.0
#include "placement.hpp"

#include <algorithm>

namespace gauss_legendre {

std::vector<Panel> cut(Panel whole, std::vector<double> breaks) {
  const bool falls = whole.to < whole.from;
  std::sort(breaks.begin(), breaks.end());
  if (falls) std::reverse(breaks.begin(), breaks.end());
  std::vector<Panel> panels{whole};
  for (const double t : breaks) {
    Panel& last = panels.back();
    const bool inside = falls ? t < last.from && t > last.to : t > last.from && t < last.to;
    if (!inside) continue;
    last.to = t;
    panels.push_back({.from = t, .to = whole.to});
  }
  return panels;
}

std::vector<Panel> group(const Panel& piece, const std::vector<double>& begins, std::int64_t most) {
  const std::vector<Panel> steps = cut(piece, begins);
  const auto count = static_cast<std::int64_t>(steps.size());
  const std::int64_t panels = (count + most - 1) / most;
  std::vector<Panel> result;
  for (std::int64_t i = 0; i < panels; ++i) {
    const std::int64_t first = i * count / panels;
    const std::int64_t end = (i + 1) * count / panels;
    result.push_back({.from = steps[static_cast<std::size_t>(first)].from,
                      .to = steps[static_cast<std::size_t>(end - 1)].to,
                      .steps = end - first});
  }
  return result;
}

void place(const odeum::QuadratureRule& rule, const Panel& panel, std::vector<Node>& nodes) {
  const double half = 0.5 * (panel.from - panel.to);
  const double middle = 0.5 * (panel.from + panel.to);
  for (std::size_t i = rule.nodes.size(); i-- > 0;) {
    nodes.push_back({middle + half * rule.nodes[i], half * rule.weights[i]});
  }
}

}  // namespace gauss_legendre
