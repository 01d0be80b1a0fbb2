// SPDX-License-Identifier: Apache-2.0
// Block-diagonal systems for CVODE: one dense block a sample, stored column by column, factorised
// by LU with partial pivoting. With one sample this is a plain dense matrix.
#pragma once

#include <sundials/sundials_linearsolver.h>
#include <sundials/sundials_matrix.h>

#include <cstdint>
#include <vector>

namespace odeum::cvode {

struct BlockMatrix {
  std::int64_t blocks = 0;
  std::int64_t n = 0;
  std::vector<double> values;  ///< [blocks, column, row]
};
BlockMatrix& blocks_of(SUNMatrix matrix);

/// Owned by the caller, given back by SUNMatDestroy.
SUNMatrix make_block_matrix(std::int64_t blocks, std::int64_t n, SUNContext context);

/// Solves with such matrices, whose values its setup overwrites. Given back by SUNLinSolFree.
SUNLinearSolver make_block_solver(SUNContext context);

}  // namespace odeum::cvode
