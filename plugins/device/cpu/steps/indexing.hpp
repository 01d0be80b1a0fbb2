// SPDX-License-Identifier: Apache-2.0
// Gather, scatter, windows' maxima and small linear solves: steps on contiguous operands.
#pragma once

#include <cstdint>
#include <memory>

#include "odeum/tensor.hpp"
#include "steps/step.hpp"

namespace odeum::cpu {

/// Lines of `x_size` elements read at, or added to, places in the last axis.
struct IndexSpec {
  DType type = DType::f32;
  bool rowful = false;
  std::int64_t lines = 1;  ///< of a row, or in total
  std::int64_t x_size = 0, index_size = 0, out_size = 0;
  int x = -1, index = -1, out = -1;
};
/// An index outside of x gives NaN (0 for integers).
std::unique_ptr<Step> make_gather(const IndexSpec& spec);
/// An index outside of the result is left out.
std::unique_ptr<Step> make_scatter_add(const IndexSpec& spec);

struct WindowSpec {
  DType type = DType::f32;
  bool rowful = false;
  std::int64_t planes = 1;  ///< of a row, or in total
  std::int64_t height = 0, width = 0, out_height = 0, out_width = 0;
  Window window;
  int x = -1, out = -1;
};
std::unique_ptr<Step> make_window_argmax(const WindowSpec& spec);

/// Systems A x = b with A [n, n], b [n, k], solved in float64 with partial pivoting.
struct SolveSpec {
  DType type = DType::f32;
  bool rowful = false;
  bool transposed = false;
  std::int64_t systems = 1;  ///< of a row, or in total
  std::int64_t n = 0, k = 0;
  int a = -1, b = -1, out = -1;
};
std::unique_ptr<Step> make_lu_solve(const SolveSpec& spec);

}  // namespace odeum::cpu
