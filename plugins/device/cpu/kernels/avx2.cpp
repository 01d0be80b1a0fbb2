// SPDX-License-Identifier: Apache-2.0
// The kernels for processors with AVX2 and FMA.
#include <immintrin.h>

#include <utility>

#include "kernels/table.hpp"

namespace odeum::cpu {
namespace {
inline constexpr int kVectorBytes = 32;
inline constexpr int kRegisters = 16;
#include "kernels/kernels.inc"
}  // namespace

const Kernels& avx2::table() {
  static const Kernels k = filled("avx2");
  return k;
}

}  // namespace odeum::cpu
