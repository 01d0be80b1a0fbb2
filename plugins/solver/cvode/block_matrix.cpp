// SPDX-License-Identifier: Apache-2.0
#include "block_matrix.hpp"

#include <nvector/nvector_serial.h>
#include <sundials/sundials_dense.h>

#include <algorithm>
#include <memory>
#include <type_traits>

namespace odeum::cvode {
namespace {

static_assert(std::is_same_v<sunrealtype, double>, "a SUNDIALS of double precision is wanted");

// --- The matrix ---

SUNMatrix_ID matrix_id(SUNMatrix) { return SUNMATRIX_CUSTOM; }

SUNMatrix clone(SUNMatrix matrix) {
  const BlockMatrix& from = blocks_of(matrix);
  return make_block_matrix(from.blocks, from.n, matrix->sunctx);
}

void destroy(SUNMatrix matrix) {
  delete &blocks_of(matrix);
  matrix->content = nullptr;
  SUNMatFreeEmpty(matrix);
}

int zero(SUNMatrix matrix) {
  std::vector<double>& values = blocks_of(matrix).values;
  std::fill(values.begin(), values.end(), 0.0);
  return SUNMAT_SUCCESS;
}

int copy(SUNMatrix from, SUNMatrix to) {
  blocks_of(to).values = blocks_of(from).values;
  return SUNMAT_SUCCESS;
}

/// A = c A + I.
int scale_add_unit(sunrealtype c, SUNMatrix matrix) {
  BlockMatrix& a = blocks_of(matrix);
  for (double& value : a.values) value *= c;
  for (std::int64_t block = 0; block < a.blocks; ++block) {
    for (std::int64_t i = 0; i < a.n; ++i) {
      a.values[static_cast<std::size_t>((block * a.n + i) * a.n + i)] += 1.0;
    }
  }
  return SUNMAT_SUCCESS;
}

// --- The solver ---

struct Factors {
  std::vector<sunindextype> pivots;  ///< [blocks, n]
  std::vector<double*> columns;      ///< [blocks, n], into the matrix
};

Factors& factors_of(SUNLinearSolver solver) { return *static_cast<Factors*>(solver->content); }

SUNLinearSolver_Type solver_type(SUNLinearSolver) { return SUNLINEARSOLVER_DIRECT; }
SUNLinearSolver_ID solver_id(SUNLinearSolver) { return SUNLINEARSOLVER_CUSTOM; }
int initialize(SUNLinearSolver) { return SUNLS_SUCCESS; }

int factorise(SUNLinearSolver solver, SUNMatrix matrix) {
  BlockMatrix& a = blocks_of(matrix);
  Factors& factors = factors_of(solver);
  const auto n = static_cast<std::size_t>(a.n);
  const auto rows = static_cast<std::size_t>(a.blocks) * n;
  factors.pivots.resize(rows);
  factors.columns.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) factors.columns[i] = a.values.data() + i * n;
  for (std::size_t first = 0; first < rows; first += n) {
    const sunindextype singular =
        SUNDlsMat_denseGETRF(&factors.columns[first], a.n, a.n, &factors.pivots[first]);
    if (singular > 0) return SUNLS_LUFACT_FAIL;  // recoverable: CVODE tries a shorter step
  }
  return SUNLS_SUCCESS;
}

int solve(SUNLinearSolver solver, SUNMatrix matrix, N_Vector x, N_Vector b, sunrealtype) {
  const BlockMatrix& a = blocks_of(matrix);
  Factors& factors = factors_of(solver);
  N_VScale(1.0, b, x);
  double* values = N_VGetArrayPointer(x);
  const auto n = static_cast<std::size_t>(a.n);
  for (std::size_t first = 0; first < factors.pivots.size(); first += n) {
    SUNDlsMat_denseGETRS(&factors.columns[first], a.n, &factors.pivots[first], values + first);
  }
  return SUNLS_SUCCESS;
}

int release(SUNLinearSolver solver) {
  delete &factors_of(solver);
  solver->content = nullptr;
  SUNLinSolFreeEmpty(solver);
  return SUNLS_SUCCESS;
}

}  // namespace

BlockMatrix& blocks_of(SUNMatrix matrix) { return *static_cast<BlockMatrix*>(matrix->content); }

SUNMatrix make_block_matrix(std::int64_t blocks, std::int64_t n, SUNContext context) {
  auto content = std::make_unique<BlockMatrix>();
  content->blocks = blocks;
  content->n = n;
  content->values.resize(static_cast<std::size_t>(blocks * n * n));
  SUNMatrix matrix = SUNMatNewEmpty(context);
  matrix->ops->getid = matrix_id;
  matrix->ops->clone = clone;
  matrix->ops->destroy = destroy;
  matrix->ops->zero = zero;
  matrix->ops->copy = copy;
  matrix->ops->scaleaddi = scale_add_unit;
  matrix->content = content.release();
  return matrix;
}

SUNLinearSolver make_block_solver(SUNContext context) {
  auto content = std::make_unique<Factors>();
  SUNLinearSolver solver = SUNLinSolNewEmpty(context);
  solver->ops->gettype = solver_type;
  solver->ops->getid = solver_id;
  solver->ops->initialize = initialize;
  solver->ops->setup = factorise;
  solver->ops->solve = solve;
  solver->ops->free = release;
  solver->content = content.release();
  return solver;
}

}  // namespace odeum::cvode
