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
    panels.push_back({t, whole.to});
  }
  return panels;
}

void place(const odeum::QuadratureRule& rule, const Panel& panel, std::vector<Node>& nodes) {
  const double half = 0.5 * (panel.from - panel.to);
  const double middle = 0.5 * (panel.from + panel.to);
  for (std::size_t i = rule.nodes.size(); i-- > 0;) {
    nodes.push_back({middle + half * rule.nodes[i], half * rule.weights[i]});
  }
}

}  // namespace gauss_legendre
