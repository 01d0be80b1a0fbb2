// SPDX-License-Identifier: Apache-2.0
// The step of a contraction, and the packing of matrices that every row block multiplies by.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "odeum/shape.hpp"
#include "plan/contraction.hpp"
#include "steps/step.hpp"

namespace odeum::cpu {

struct ContractionSpec {
  DType type = DType::f32;
  ContractionShape shape;
  int a = -1, b = -1, c = -1;  ///< slots
  bool a_in_arena = false, b_in_arena = false;
  bool turned = false;        ///< the product is computed transposed in scratch, then turned round
  int packed = -1;            ///< slot with B packed into panels for the whole run, or -1
  bool reduces_rows = false;  ///< C is an accumulator that grows
  double scale = 1.0;         ///< of a reduction: times this and
  std::vector<int> scalars;   ///< ... the first elements of these slots
};

/// Exchanges A and B where the kernels then write longer rows of C; to be called before packing is
/// decided.
ContractionSpec oriented(ContractionSpec spec, const Kernels& kernels);
/// Is B the same for every row, so that packing it once a run pays?
bool worth_packing(const ContractionSpec& spec, const Kernels& kernels);

/// With fewer rows than this in a block, B is read where it stands.
inline constexpr std::int64_t kRowsWorthPacking = 4;
/// Elements of the packed form of B[k, n].
std::int64_t packed_elements(const Kernels& kernels, DType type, std::int64_t k, std::int64_t n);

std::unique_ptr<Step> make_contraction(ContractionSpec spec, const Kernels& kernels);
/// Packs B of `spec` into its `packed` slot.
std::unique_ptr<Step> make_packing(const ContractionSpec& spec, const Kernels& kernels);

}  // namespace odeum::cpu
