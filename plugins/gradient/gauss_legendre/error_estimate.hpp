// SPDX-License-Identifier: Apache-2.0
// How far a nested rule's Gauss part is from its Kronrod extension, panel by panel.
#pragma once

#include <vector>

#include "node_batch.hpp"

namespace gauss_legendre {

/// Root mean squares over the projections' random directions, which have the Euclidean norm over
/// all parameters as their expectation.
struct Estimate {
  double error = 0.0;      ///< of |Kronrod - Gauss|: what the Gauss rule is wrong by
  double magnitude = 0.0;  ///< of the integral over |integrand|
};

/// `panels` with the rule's nodes each, one behind the other.
std::vector<Estimate> estimate(const NodeBatch::Projections& projections, std::int64_t rows,
                               const NestedRule& rule, const std::vector<Panel>& panels);

}  // namespace gauss_legendre
