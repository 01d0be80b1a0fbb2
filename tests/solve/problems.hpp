// SPDX-License-Identifier: Apache-2.0
// Initial value problems with values known to twelve digits (conformance.md, sections 1 to 4; of
// section 3 the last two are published values).
#pragma once

#include <cmath>
#include <numbers>

#include "problem.hpp"

namespace odeum::testing {

struct Case {
  std::string name;
  std::int64_t features;
  Field field;
  Values initial;
  double from, to;
  Values truth;
};

inline Tensor column(Tensor z, std::int64_t i) { return slice(z, -1, i, i + 1); }

inline Tensor kepler(Tensor, Tensor z, std::span<const Tensor>) {
  const Tensor x = column(z, 0), y = column(z, 1);
  const Tensor r2 = x * x + y * y;
  const Tensor r3 = r2 * sqrt(r2);
  return concat({column(z, 2), column(z, 3), -x / r3, -y / r3});
}

inline Values kepler_start(double e) {
  return {1.0 - e, 0.0, 0.0, std::sqrt((1.0 + e) / (1.0 - e))};
}

inline Tensor decay_chain(Tensor, Tensor z, std::span<const Tensor>) {
  const Tensor first = slice(z, -1, 0, 9);
  return concat({-first, 0.0 * column(z, 9)}) + concat({0.0 * column(z, 0), first});
}

/// Restricted three-body problem; the orbit closes.
inline Tensor arenstorf(Tensor, Tensor z, std::span<const Tensor>) {
  constexpr double mu = 0.012277471, other = 1.0 - mu;
  const Tensor x = column(z, 0), y = column(z, 1), u = column(z, 2), v = column(z, 3);
  const Tensor d1 = square(x + mu) + square(y), d2 = square(x - other) + square(y);
  const Tensor e1 = d1 * sqrt(d1), e2 = d2 * sqrt(d2);
  return concat({u, v, x + 2.0 * v - other * (x + mu) / e1 - mu * (x - other) / e2,
                 y - 2.0 * u - other * y / e1 - mu * y / e2});
}

inline Tensor brusselator(Tensor, Tensor z, std::span<const Tensor>) {
  const Tensor a = column(z, 0), b = column(z, 1);
  const Tensor aab = a * a * b;
  return concat({1.0 + aab - 4.0 * a, 3.0 * a - aab});
}

inline Tensor spiral(Tensor, Tensor z, std::span<const Tensor>) {
  const Tensor cubes = z * z * z;
  const Tensor a = column(cubes, 0), b = column(cubes, 1);
  return concat({-0.1 * a - 2.0 * b, 2.0 * a - 0.1 * b});
}

inline Tensor sine(Tensor t, Tensor z, std::span<const Tensor>) {
  const Tensor t2 = t * t;
  return 2.0 * z / t + t2 * t2 * sin(2.0 * t) - t2 + 4.0 * t2 * t;
}

inline Tensor constant_line(Tensor t, Tensor z, std::span<const Tensor>) {
  return 0.2 + pow(z - (0.2 * t + 3.0), 5);
}

/// y' = (y^3) A, A = [[-0.1, 2], [-2, -0.1]] a constant, so that it has gradients.
inline Tensor spiral_of_matrix(Tensor, Tensor z, std::span<const Tensor> constants) {
  return dot("ri,io->ro", z * z * z, constants[0]);
}

/// Robertson's kinetics.
inline Tensor robertson(Tensor, Tensor z, std::span<const Tensor>) {
  const Tensor a = column(z, 0), b = column(z, 1), c = column(z, 2);
  const Tensor slow = 0.04 * a, back = 1e4 * b * c, fast = 3e7 * b * b;
  return concat({back - slow, slow - back - fast, fast});
}

inline Tensor van_der_pol(double mu, Tensor z) {
  const Tensor a = column(z, 0), b = column(z, 1);
  return concat({b, mu * (1.0 - a * a) * b - a});
}

/// Sections 1, 2 and 4.
inline std::vector<Case> cases() {
  const double pi = std::numbers::pi;
  const auto exact_sine = [pi](double t) {
    return -std::pow(t, 4) * std::cos(2 * t) / 2 + std::pow(t, 3) * std::sin(2 * t) / 2 +
           t * t * std::cos(2 * t) / 4 - t * t * t + 2 * std::pow(t, 4) + (pi - 0.25) * t * t;
  };
  return {
      {"A1", 1, [](Tensor, Tensor z, auto) { return -z; }, {1}, 0, 20, {2.061153622438558e-9}},
      {"A2",
       1,
       [](Tensor, Tensor z, auto) { return -0.5 * z * z * z; },
       {1},
       0,
       20,
       {0.2182178902359924}},
      {"A3",
       1,
       [](Tensor t, Tensor z, auto) { return z * cos(t); },
       {1},
       0,
       20,
       {2.491650271850415}},
      {"A4",
       1,
       [](Tensor, Tensor z, auto) { return 0.25 * z * (1.0 - 0.05 * z); },
       {1},
       0,
       20,
       {17.73016648131484}},
      {"A5",
       1,
       [](Tensor t, Tensor z, auto) { return (z - t) / (z + t); },
       {4},
       0,
       20,
       {-0.7887826688964014}},
      {"B1",
       2,
       [](Tensor, Tensor z, auto) {
         const Tensor a = column(z, 0), b = column(z, 1);
         return concat({2.0 * (a - a * b), -(b - a * b)});
       },
       {1, 3},
       0,
       20,
       {0.6761876008576607, 0.1860816099640030}},
      {"C1",
       10,
       decay_chain,
       {1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
       0,
       20,
       {2.061153622438558e-9, 4.122307244877116e-8, 4.122307244877116e-7, 2.748204829918077e-6,
        1.374102414959039e-5, 5.496409659836154e-5, 1.832136553278718e-4, 5.234675866510623e-4,
        1.308668966627656e-3, 0.9979127409508650}},
      {"D1",
       4,
       kepler,
       kepler_start(0.1),
       0,
       20,
       {0.2198835352008397, 0.9427076846341813, -0.9787659841058177, 0.3287977990962036}},
      {"D3",
       4,
       kepler,
       kepler_start(0.5),
       0,
       20,
       {-0.5780432953035361, 0.8633840009194193, -0.9595083730380726, -0.06504915126712090}},
      {"D5",
       4,
       kepler,
       kepler_start(0.9),
       0,
       20,
       {-1.295266250987574, 0.4003938963792322, -0.6775390924707566, -0.1270838154278686}},
      {"E2",
       2,
       [](Tensor, Tensor z, auto) { return van_der_pol(1.0, z); },
       {2, 0},
       0,
       20,
       {2.008149762174949, -0.04250887527320215}},
      {"arenstorf",
       4,
       arenstorf,
       {0.994, 0, 0, -2.00158510637908252240537862224},
       0,
       17.0652165601579625588917206249,
       {0.994, 0, 0, -2.00158510637908252240537862224}},
      {"brusselator", 2, brusselator, {1.5, 3}, 0, 20, {0.4986370712683478, 4.596780349452011}},
      {"spiral_1_5", 2, spiral, {2, 0}, 0, 1.5, {1.291991562976786, 0.9725860744345164}},
      {"spiral_25", 2, spiral, {2, 0}, 0, 25, {-0.4436234866986349, 0.2794406416189389}},
      {"constant", 1, constant_line, {3.2}, 1, 8, {4.6}},
      {"sine", 1, sine, {4.450278076139420}, 1, 8, {9737.322744780608}},
      {"sine_reversed", 1, sine, {exact_sine(8)}, 8, 1, {4.450278076139420}},
      {"exp_of_time",
       1,
       [](Tensor t, Tensor z, auto) { return -0.1 * exp(-0.1 * t) + 0.0 * z; },
       {std::exp(-0.1)},
       1,
       8,
       {std::exp(-0.8)}},
      {"exp_of_state",
       1,
       [](Tensor, Tensor z, auto) { return -0.1 * z; },
       {std::exp(-0.1)},
       1,
       8,
       {std::exp(-0.8)}},
  };
}

/// Section 3. `scale` is the size of an entry that counts, by component: absolute tolerances are
/// given in its unit.
struct StiffCase {
  Case problem;
  Values scale;
};
inline std::vector<StiffCase> stiff_cases() {
  return {
      {{"robertson_40",
        3,
        robertson,
        {1, 0, 0},
        0,
        40,
        {0.7158270687194051, 9.185534764557764e-6, 0.2841637457458304}},
       {1, 1e-5, 1}},
      {{"robertson_1e11",
        3,
        robertson,
        {1, 0, 0},
        0,
        1e11,
        {0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050}},
       {1e-7, 1e-13, 1}},
      {{"van_der_pol_1000",
        2,
        [](Tensor, Tensor z, auto) { return van_der_pol(1000.0, z); },
        {2, 0},
        0,
        2000,
        {1.706167732170469, -0.8928097010248125e-3}},
       {1, 1e-3}},
  };
}

}  // namespace odeum::testing
