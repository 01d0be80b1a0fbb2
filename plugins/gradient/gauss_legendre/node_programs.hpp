// SPDX-License-Identifier: Apache-2.0
// The programs that run on a batch of nodes. Rows are (node, sample) pairs; inputs are, in order:
// t, weight (both float64 [rows]), the states, the forward dynamics' constants, the direction in
// time, the cotangents of all members.
#pragma once

#include "odeum/adjoint.hpp"

namespace gauss_legendre {

using namespace odeum;

/// To the weighted product a^T df/dparameter, by wanted parameter.
Program record_product(const Dynamics& forward, const AdjointEquation& equation);

/// To a^T df/dparameters along fixed random directions, without weight, float64 [rows] each: first
/// for the parameters that all rows share, then for those with rows of their own.
struct Projection {
  Program program;
  std::size_t by_row = 0;  ///< how many of the outputs are of the second kind
};
Projection record_projection(const Dynamics& forward, const AdjointEquation& equation);

/// Why the rates cannot be recorded for rows of several times; empty: they can.
std::string recording_refusal(const Dynamics& forward);

}  // namespace gauss_legendre
