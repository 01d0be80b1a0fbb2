// SPDX-License-Identifier: Apache-2.0
// Which kernel an elementwise operation is.
#pragma once

#include "kernels/table.hpp"
#include "odeum/program.hpp"

namespace odeum::cpu {

/// Fn::copy for all that only moves elements.
Fn function_of(Op op);

/// An addition or subtraction whose operand k is a product.
constexpr Fn with_product(Op op, int k) {
  return op == Op::add ? Fn::mul_add : (k == 0 ? Fn::mul_sub : Fn::sub_mul);
}

/// Does the function take several times as long as an addition?
constexpr bool is_slow(Fn fn) { return fn >= Fn::exp && fn <= Fn::erf; }

}  // namespace odeum::cpu
