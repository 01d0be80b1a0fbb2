// SPDX-License-Identifier: Apache-2.0
#include "machine/vector_code.hpp"

#include <array>
#include <bit>

#include "odeum/error.hpp"

namespace odeum::cpu {
namespace {

using Xbyak::Operand;
using Xbyak::Xmm;
using Code = Xbyak::CodeGenerator;

constexpr std::size_t kAlignment = 64;

/// An instruction for vectors and for one element, of both types.
template <class Instruction>
struct Forms {
  Instruction f32, f32_one, f64, f64_one;

  Instruction of(Lanes lanes) const {
    if (lanes.type == DType::f32) return lanes.count == 1 ? f32_one : f32;
    return lanes.count == 1 ? f64_one : f64;
  }
};
using Arithmetic = Forms<void (Code::*)(const Xmm&, const Operand&, const Operand&)>;
using MultiplyAdd = Forms<void (Code::*)(const Xmm&, const Xmm&, const Operand&)>;

Arithmetic arithmetic(Fn fn) {
  switch (fn) {
    case Fn::add:
      return {&Code::vaddps, &Code::vaddss, &Code::vaddpd, &Code::vaddsd};
    case Fn::sub:
      return {&Code::vsubps, &Code::vsubss, &Code::vsubpd, &Code::vsubsd};
    case Fn::mul:
      return {&Code::vmulps, &Code::vmulss, &Code::vmulpd, &Code::vmulsd};
    case Fn::div:
      return {&Code::vdivps, &Code::vdivss, &Code::vdivpd, &Code::vdivsd};
    case Fn::max:
      return {&Code::vmaxps, &Code::vmaxss, &Code::vmaxpd, &Code::vmaxsd};
    case Fn::min:
      return {&Code::vminps, &Code::vminss, &Code::vminpd, &Code::vminsd};
    default:
      bug("device cpu: a function that has no instruction");
  }
}

/// The digits name the factors and the addend: 213 is to = second to + last.
MultiplyAdd to_is_factor(Fn fn) {
  if (fn == Fn::mul_add)
    return {&Code::vfmadd213ps, &Code::vfmadd213ss, &Code::vfmadd213pd, &Code::vfmadd213sd};
  if (fn == Fn::mul_sub)
    return {&Code::vfmsub213ps, &Code::vfmsub213ss, &Code::vfmsub213pd, &Code::vfmsub213sd};
  return {&Code::vfnmadd213ps, &Code::vfnmadd213ss, &Code::vfnmadd213pd, &Code::vfnmadd213sd};
}
MultiplyAdd to_is_addend(Fn fn) {
  if (fn == Fn::mul_add)
    return {&Code::vfmadd231ps, &Code::vfmadd231ss, &Code::vfmadd231pd, &Code::vfmadd231sd};
  if (fn == Fn::mul_sub)
    return {&Code::vfmsub231ps, &Code::vfmsub231ss, &Code::vfmsub231pd, &Code::vfmsub231sd};
  return {&Code::vfnmadd231ps, &Code::vfnmadd231ss, &Code::vfnmadd231pd, &Code::vfnmadd231sd};
}

std::size_t bytes_of(Lanes lanes) {
  return static_cast<std::size_t>(lanes.count) * size_of(lanes.type);
}

/// A source as Xbyak takes it.
template <class Take>
void with(Lanes lanes, const Source& source, const Take& take) {
  if (source.reg >= 0) {
    take(VectorCode::reg(lanes, source.reg));
  } else {
    take(source.memory);
  }
}

}  // namespace

VectorCode::VectorCode(std::size_t bytes) : CodeGenerator(bytes, Xbyak::DontSetProtectRWE) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63U;
  for (const std::uint64_t constant : {~kSign, kSign, std::bit_cast<std::uint64_t>(1.0)}) {
    for (std::size_t at = 0; at < kPadding; at += sizeof constant) dq(constant);
  }
}

void VectorCode::begin() {
  align(kAlignment);
  start_ = getSize();
}

Xmm VectorCode::reg(Lanes lanes, int number) {
  const std::size_t bytes = bytes_of(lanes);
  if (bytes == 64) return Xbyak::Zmm(number);
  if (bytes == 32) return Xbyak::Ymm(number);
  return Xmm(number);
}

Source VectorCode::constant(Constant which) const {
  return Source::at(
      ptr[rip + static_cast<const void*>(getCode() + static_cast<std::size_t>(which) * kPadding)]);
}

void VectorCode::load(Lanes lanes, int to, const Xbyak::Address& from) {
  const Xmm target = reg(lanes, to);
  const bool f32 = lanes.type == DType::f32;
  if (lanes.count == 1) {
    f32 ? vmovss(target, from) : vmovsd(target, from);
  } else {
    f32 ? vmovups(target, from) : vmovupd(target, from);
  }
}

void VectorCode::store(Lanes lanes, const Xbyak::Address& to, int from) {
  const Xmm value = reg(lanes, from);
  const bool f32 = lanes.type == DType::f32;
  if (lanes.count == 1) {
    f32 ? vmovss(to, value) : vmovsd(to, value);
  } else {
    f32 ? vmovups(to, value) : vmovupd(to, value);
  }
}

void VectorCode::copy(Lanes lanes, int to, int from) { vmovaps(reg(lanes, to), reg(lanes, from)); }

void VectorCode::broadcast(Lanes lanes, int to, const Source& element) {
  const std::size_t bytes = bytes_of(lanes);
  const Xbyak::Ymm target = bytes == 64 ? Xbyak::Zmm(to) : Xbyak::Ymm(to);
  with({lanes.type, 1}, element, [&](const Operand& x) {
    lanes.type == DType::f32 ? vbroadcastss(target, x) : vbroadcastsd(target, x);
  });
}

void VectorCode::apply(Fn fn, Lanes lanes, int to, int a, const Source& b) {
  const Xmm target = reg(lanes, to);
  with(lanes, b, [&](const Operand& last) {
    (this->*arithmetic(fn).of(lanes))(target, reg(lanes, a), last);
  });
}

void VectorCode::scale_and_add(Fn fn, Lanes lanes, int to, int factor, const Source& addend) {
  with(lanes, addend, [&](const Operand& last) {
    (this->*to_is_factor(fn).of(lanes))(reg(lanes, to), reg(lanes, factor), last);
  });
}

void VectorCode::add_product(Fn fn, Lanes lanes, int to, int a, const Source& b) {
  with(lanes, b, [&](const Operand& last) {
    (this->*to_is_addend(fn).of(lanes))(reg(lanes, to), reg(lanes, a), last);
  });
}

}  // namespace odeum::cpu
