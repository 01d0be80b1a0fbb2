// SPDX-License-Identifier: Apache-2.0
// The kernels for processors with AVX-512 (F, DQ, BW, VL).
#include <immintrin.h>

#include <utility>

#include "kernels/powers.hpp"
#include "kernels/table.hpp"

namespace odeum::cpu {
namespace {
inline constexpr int kVectorBytes = 64;
inline constexpr int kRegisters = 32;
#include "kernels/kernels.inc"
}  // namespace

const Kernels& avx512::table() {
  static const Kernels k = filled("avx512");
  return k;
}

}  // namespace odeum::cpu
