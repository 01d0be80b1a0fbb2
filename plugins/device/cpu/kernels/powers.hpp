// SPDX-License-Identifier: Apache-2.0
// Powers of two for exp in AVX-512, which looks sixteen numbers up at once.
#pragma once

namespace odeum::cpu {

/// 1.5 2^19: what is added to it is rounded to a multiple of 1/16, whose fraction then stands in
/// the lowest four bits.
inline constexpr float kSixteenths = 786432.0F;

/// 2^(j / 16) in float32, ...
alignas(64) inline constexpr float kPowersOfTwo[16] = {
    1.000000000e+00F, 1.044273734e+00F, 1.090507746e+00F, 1.138788581e+00F,
    1.189207077e+00F, 1.241857767e+00F, 1.296839595e+00F, 1.354255557e+00F,
    1.414213538e+00F, 1.476826191e+00F, 1.542210817e+00F, 1.610490322e+00F,
    1.681792855e+00F, 1.756252170e+00F, 1.834008098e+00F, 1.915206552e+00F};
/// ... and what is missing there, relative to it.
alignas(64) inline constexpr float kPowersOfTwoRest[16] = {
    0.000000000e+00F,  4.628547146e-08F,  -1.199215749e-08F, 4.729782432e-08F,
    3.193418152e-08F,  3.621057232e-08F,  -3.099071932e-08F, -7.475213337e-09F,
    1.711427089e-08F,  -3.047683350e-08F, 5.233334210e-09F,  6.107591766e-09F,
    -1.471960509e-08F, -5.258795177e-09F, -6.128259677e-09F, 5.140609272e-09F};

}  // namespace odeum::cpu
