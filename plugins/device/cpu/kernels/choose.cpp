// SPDX-License-Identifier: Apache-2.0
#include "kernels/table.hpp"

namespace odeum::cpu {

const Kernels& kernels([[maybe_unused]] int limit) {
#if defined(__x86_64__)
  if (limit >= 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    return avx512::table();
  }
  if (limit >= 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return avx2::table();
#endif
  return generic::table();
}

}  // namespace odeum::cpu
