// SPDX-License-Identifier: Apache-2.0
#include "plan/functions.hpp"

namespace odeum::cpu {

Fn function_of(Op op) {
  switch (op) {
    case Op::neg:
      return Fn::neg;
    case Op::abs:
      return Fn::abs;
    case Op::sign:
      return Fn::sign;
    case Op::floor:
      return Fn::floor;
    case Op::exp:
      return Fn::exp;
    case Op::expm1:
      return Fn::expm1;
    case Op::log:
      return Fn::log;
    case Op::log1p:
      return Fn::log1p;
    case Op::sqrt:
      return Fn::sqrt;
    case Op::sin:
      return Fn::sin;
    case Op::cos:
      return Fn::cos;
    case Op::tanh:
      return Fn::tanh;
    case Op::sigmoid:
      return Fn::sigmoid;
    case Op::softplus:
      return Fn::softplus;
    case Op::erf:
      return Fn::erf;
    case Op::add:
      return Fn::add;
    case Op::sub:
      return Fn::sub;
    case Op::mul:
      return Fn::mul;
    case Op::div:
      return Fn::div;
    case Op::max:
      return Fn::max;
    case Op::min:
      return Fn::min;
    case Op::less:
      return Fn::less;
    case Op::equal:
      return Fn::equal;
    case Op::select:
      return Fn::select;
    default:
      return Fn::copy;
  }
}

}  // namespace odeum::cpu
