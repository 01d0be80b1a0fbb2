// SPDX-License-Identifier: Apache-2.0
#include "machine/function_code.hpp"

#include <bit>

namespace odeum::cpu {
namespace {

using Xbyak::Zmm;

/// The predicate of a < b.
constexpr std::uint8_t kLess = 0x11;
constexpr std::uint32_t kSign = std::uint32_t{1} << 31U;

}  // namespace

Xbyak::Address FunctionCode::number(float value) {
  return code_.ptr_b[code_.rip + numbers_[std::bit_cast<std::uint32_t>(value)]];
}

void FunctionCode::write_numbers() {
  for (auto& [bits, label] : numbers_) {
    code_.L(label);
    code_.dd(bits);
  }
}

void FunctionCode::set(int to, float value) {
  code_.vpbroadcastd(Zmm(to), code_.ptr[code_.rip + numbers_[std::bit_cast<std::uint32_t>(value)]]);
}

/// Coefficients from the highest power down.
void FunctionCode::polynomial(int to, int at, std::initializer_list<float> coefficients) {
  const float* next = coefficients.begin();
  set(to, *next++);
  for (; next != coefficients.end(); ++next) code_.vfmadd213ps(Zmm(to), Zmm(at), number(*next));
}

void FunctionCode::tanh(int x, const FunctionRegisters& r) {
  constexpr float kLargest = 7.90531110763549805F;
  const Zmm result(r[0]), within(r[1]), square(r[2]), divisor(r[3]);
  // The second operand of the instructions is what they give where it is not a number.
  set(r[1], kLargest);
  code_.vminps(within, within, Zmm(x));
  set(r[2], -kLargest);
  code_.vmaxps(within, square, within);
  code_.vmulps(square, within, within);
  polynomial(
      r[0], r[2],
      {-2.76076847742355e-16F, 2.00018790482477e-13F, -8.60467152213735e-11F, 5.12229709037114e-08F,
       1.48572235717979e-05F, 6.37261928875436e-04F, 4.89352455891786e-03F});
  code_.vmulps(result, within, result);
  polynomial(
      r[3], r[2],
      {1.19825839466702e-06F, 1.18534705686654e-04F, 2.26843463243900e-03F, 4.89352518554385e-03F});
  code_.vdivps(result, result, divisor);
  code_.vpandd(within, Zmm(x), number(std::bit_cast<float>(~kSign)));
  code_.vcmpps(code_.k1, within, number(0.0004F), kLess);
  code_.vmovaps(result | code_.k1, Zmm(x));
}

/// exp(-|x|)
void FunctionCode::exp_of_minus_magnitude(int to, int x, int argument, int exponent, int square) {
  const Zmm result(to), rest(argument), n(exponent);
  code_.vpord(rest, Zmm(x), number(std::bit_cast<float>(kSign)));
  set(to, -104.0F);
  code_.vmaxps(rest, result, rest);
  set(exponent, 12582912.0F);
  code_.vfmadd231ps(n, rest, number(1.44269504088896341F));
  code_.vsubps(n, n, number(12582912.0F));
  code_.vfnmadd231ps(rest, n, number(0.693359375F));
  code_.vfmadd231ps(rest, n, number(2.12194440e-4F));
  polynomial(to, argument,
             {1.9875691500e-4F, 1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F,
              1.6666665459e-1F, 5.0000001201e-1F});
  code_.vmulps(Zmm(square), rest, rest);
  code_.vfmadd213ps(result, Zmm(square), rest);
  code_.vaddps(result, result, number(1.0F));
  code_.vscalefps(result, result, n);
}

void FunctionCode::softplus_of(int to, int x, int e, int ratio, int square) {
  const Zmm s(ratio);
  code_.vaddps(s, Zmm(e), number(2.0F));
  code_.vdivps(s, Zmm(e), s);
  code_.vmulps(Zmm(square), s, s);
  polynomial(to, square,
             {0.24393908084023025F, 0.21398560506678543F, 0.28620207408437237F,
              0.39998711246862334F, 0.6666667902643397F, 1.9999999998090061F});
  // Its second operand is what this gives of zeros, and where x is not a number.
  code_.vxorps(Zmm(square), Zmm(square), Zmm(square));
  code_.vmaxps(Zmm(square), Zmm(square), Zmm(x));
  code_.vfmadd213ps(Zmm(to), s, Zmm(square));
}

void FunctionCode::sigmoid_of(int to, int x, int e, int divisor) {
  set(to, 1.0F);
  code_.vaddps(Zmm(divisor), Zmm(e), Zmm(to));
  code_.vcmpps(code_.k1, Zmm(x), number(0.0F), kLess);
  code_.vmovaps(Zmm(to) | code_.k1, Zmm(e));
  code_.vdivps(Zmm(to), Zmm(to), Zmm(divisor));
}

void FunctionCode::softplus(int x, const FunctionRegisters& r) {
  exp_of_minus_magnitude(r[1], x, r[2], r[3], r[0]);
  softplus_of(r[0], x, r[1], r[2], r[3]);
}

void FunctionCode::sigmoid(int x, const FunctionRegisters& r) {
  exp_of_minus_magnitude(r[1], x, r[2], r[3], r[0]);
  sigmoid_of(r[0], x, r[1], r[2]);
}

void FunctionCode::softplus_sigmoid(int x, const FunctionRegisters& r) {
  exp_of_minus_magnitude(r[1], x, r[2], r[3], r[0]);
  softplus_of(r[0], x, r[1], r[2], r[3]);
  sigmoid_of(r[2], x, r[1], r[3]);
  code_.vmovaps(Zmm(r[1]), Zmm(r[2]));
}

}  // namespace odeum::cpu
