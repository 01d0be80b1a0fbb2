// SPDX-License-Identifier: Apache-2.0
// Where the nodes of the parameter integral lie.
#pragma once

#include <cstdint>
#include <vector>

#include "odeum/quadrature.hpp"

namespace gauss_legendre {

/// A stretch of an interval on which the integrand is taken for smooth, in the order of the
/// backward solve: `to` is nearer to the initial time.
struct Panel {
  double from = 0.0;
  double to = 0.0;
  std::int64_t steps = 1;  ///< of the forward solve, where panels are made of them
};

struct Node {
  double t = 0.0;
  double weight = 0.0;  ///< of the integral from `to` to `from`, signed as from - to
};

/// The stretch from `from` to `to`, cut at those of `breaks` that lie inside, whatever their order.
std::vector<Panel> cut(Panel whole, std::vector<double> breaks);

/// A piece in panels of at most `most` steps each, as equal in number as can be; `begins` are the
/// forward solve's steps.
std::vector<Panel> group(const Panel& piece, const std::vector<double>& begins, std::int64_t most);

/// A rule's nodes on a panel, behind those already there, in the order of the backward solve.
void place(const odeum::QuadratureRule& rule, const Panel& panel, std::vector<Node>& nodes);

}  // namespace gauss_legendre
