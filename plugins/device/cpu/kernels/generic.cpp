// SPDX-License-Identifier: Apache-2.0
// The kernels for any processor (SSE2 on x86-64, NEON on arm64).
#include <utility>

#include "kernels/table.hpp"

namespace odeum::cpu {
namespace {
inline constexpr int kVectorBytes = 16;
inline constexpr int kRegisters = 16;
#include "kernels/kernels.inc"
}  // namespace

const Kernels& generic::table() {
  static const Kernels k = filled("generic");
  return k;
}

}  // namespace odeum::cpu
