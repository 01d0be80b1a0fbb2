// SPDX-License-Identifier: Apache-2.0
#include "machine/function_code.hpp"

#include <bit>

#include "kernels/powers.hpp"

namespace odeum::cpu {
namespace {

using Xbyak::Zmm;

/// The predicate of a < b.
constexpr std::uint8_t kLess = 0x11;
constexpr std::uint8_t kSignPlace = 31;
constexpr std::uint32_t kSign = std::uint32_t{1} << kSignPlace;

}  // namespace

Xbyak::Address FunctionCode::number(float value) {
  return code_.ptr_b[code_.rip + numbers_[std::bit_cast<std::uint32_t>(value)]];
}

void FunctionCode::write_numbers() {
  for (auto& [bits, label] : numbers_) {
    code_.L(label);
    code_.dd(bits);
  }
  for (auto& [table, label] : tables_) {
    code_.align(kPadding);
    code_.L(label);
    for (const float x : table == Table::powers ? kPowersOfTwo : kPowersOfTwoRest)
      code_.dd(std::bit_cast<std::uint32_t>(x));
  }
}

/// Lane by lane the element that the lowest four bits of the index say.
void FunctionCode::look_up(int to, int index, Table table) {
  code_.vpermps(Zmm(to), Zmm(index), code_.ptr[code_.rip + tables_[table]]);
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
void FunctionCode::exp_of_minus_magnitude(int to, int x, int rest, int exponent, int low,
                                          int moment) {
  const Zmm result(to), r(rest), n(exponent), p(moment);
  code_.vpord(r, Zmm(x), number(std::bit_cast<float>(kSign)));
  set(to, -104.0F);
  code_.vmaxps(r, result, r);
  set(to, kSixteenths);
  code_.vfmadd231ps(result, r, number(1.44269504088896341F));
  code_.vsubps(n, result, number(kSixteenths));
  code_.vfnmadd231ps(r, n, number(0.693147182464599609375F));
  code_.vfmadd231ps(r, n, number(1.904654299957768e-09F));
  look_up(low, to, Table::powers_rest);
  look_up(to, to, Table::powers);
  polynomial(moment, rest, {0.166666672F, 0.5F, 1.0F});
  code_.vfmadd213ps(p, r, Zmm(low));
  code_.vfmadd213ps(result, p, result);
  code_.vscalefps(result, result, n);
}

void FunctionCode::softplus_of(int to, int x, int e, int ratio, int square) {
  const Zmm s(ratio);
  code_.vaddps(s, Zmm(e), number(2.0F));
  code_.vdivps(s, Zmm(e), s);
  code_.vmulps(Zmm(square), s, s);
  polynomial(to, square,
             {0.28179035057125845F, 0.2796046649171498F, 0.4002491840252899F, 0.666663145313607F,
              2.000000007925238F});
  code_.vpsrad(Zmm(square), Zmm(x), kSignPlace);
  code_.vpandnd(Zmm(square), Zmm(square), Zmm(x));
  code_.vfmadd213ps(Zmm(to), s, Zmm(square));
}

void FunctionCode::sigmoid_of(int to, int x, int e, int divisor) {
  constexpr std::uint8_t kChoose = 0xCA;  // where `to` is set e, else 1
  code_.vaddps(Zmm(divisor), Zmm(e), number(1.0F));
  code_.vpsrad(Zmm(to), Zmm(x), kSignPlace);
  code_.vpternlogd(Zmm(to), Zmm(e), number(1.0F), kChoose);
  code_.vdivps(Zmm(to), Zmm(to), Zmm(divisor));
}

void FunctionCode::softplus(int x, const FunctionRegisters& r) {
  exp_of_minus_magnitude(r[1], x, r[2], r[3], r[0], r[4]);
  softplus_of(r[0], x, r[1], r[2], r[3]);
}

void FunctionCode::sigmoid(int x, const FunctionRegisters& r) {
  exp_of_minus_magnitude(r[1], x, r[2], r[3], r[0], r[4]);
  sigmoid_of(r[0], x, r[1], r[2]);
}

void FunctionCode::softplus_sigmoid(int x, const FunctionRegisters& r) {
  exp_of_minus_magnitude(r[1], x, r[2], r[3], r[0], r[4]);
  softplus_of(r[0], x, r[1], r[2], r[3]);
  sigmoid_of(r[2], x, r[1], r[3]);
  code_.vmovaps(Zmm(r[1]), Zmm(r[2]));
}

}  // namespace odeum::cpu
