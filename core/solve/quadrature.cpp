// SPDX-License-Identifier: Apache-2.0
#include "odeum/quadrature.hpp"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <string>

#include "odeum/error.hpp"

namespace odeum::inline v1 {
namespace {

/// The Legendre polynomial of degree n at x and its derivative, by the three-term recurrence.
struct Legendre {
  long double value;
  long double slope;
};

Legendre legendre(int n, long double x) {
  long double before = 1.0L;
  long double value = x;
  for (int k = 2; k <= n; ++k) {
    const long double next =
        ((2.0L * k - 1.0L) * x * value - (k - 1.0L) * before) / static_cast<long double>(k);
    before = value;
    value = next;
  }
  return {value, n * (x * value - before) / (x * x - 1.0L)};
}

/// Half of a symmetric rule, from the largest node to the one nearest to (or at) the middle.
struct Half {
  std::span<const long double> nodes;
  std::span<const long double> kronrod;
  std::span<const long double> gauss;  ///< by node, 0 at those that the Gauss rule lacks
};

NestedRule mirrored(const Half& half) {
  const std::size_t middle = half.nodes.size() - 1;
  const std::size_t points = 2 * middle + 1;
  NestedRule rule;
  for (std::size_t i = 0; i < points; ++i) {
    const std::size_t k = i <= middle ? i : points - 1 - i;
    const long double sign = i < middle ? -1.0L : 1.0L;
    rule.kronrod.nodes.push_back(static_cast<double>(sign * half.nodes[k]));
    rule.kronrod.weights.push_back(static_cast<double>(half.kronrod[k]));
    rule.gauss_weights.push_back(static_cast<double>(half.gauss[k]));
  }
  return rule;
}

constexpr long double kNodes7[] = {0.960491268708020283423507092629080L,
                                   0.774596669241483377035853079956480L,
                                   0.434243749346802558002071502844628L, 0.0L};
constexpr long double kKronrod7[] = {
    0.104656226026467265193823857192073L, 0.268488089868333440728569280666710L,
    0.401397414775962222905051818618432L, 0.450916538658474142345110087045571L};
constexpr long double kGauss7[] = {0.0L, 5.0L / 9.0L, 0.0L, 8.0L / 9.0L};

constexpr long double kNodes15[] = {
    0.991455371120812639206854697526329L, 0.949107912342758524526189684047851L,
    0.864864423359769072789712788640926L, 0.741531185599394439863864773280788L,
    0.586087235467691130294144691693013L, 0.405845151377397166906606412076961L,
    0.207784955007898467600689403773245L, 0.0L};
constexpr long double kKronrod15[] = {
    0.022935322010529224963732008058970L, 0.063092092629978553290700663189204L,
    0.104790010322250183839876322541518L, 0.140653259715525918745189590510238L,
    0.169004726639267902826583426598550L, 0.190350578064785409913256402421014L,
    0.204432940075298892414161999234649L, 0.209482141084727828012999174891714L};
constexpr long double kGauss15[] = {
    0.0L, 0.129484966168869693270611432679082L, 0.0L, 0.279705391489276667901467771423780L,
    0.0L, 0.381830050505118944950369775488975L, 0.0L, 0.417959183673469387755102040816327L};

constexpr long double kNodes21[] = {0.995657163025808080735527280689003L,
                                    0.973906528517171720077964012084452L,
                                    0.930157491355708226001207180059508L,
                                    0.865063366688984510732096688423493L,
                                    0.780817726586416897063717578345042L,
                                    0.679409568299024406234327365114874L,
                                    0.562757134668604683339000099272694L,
                                    0.433395394129247190799265943165784L,
                                    0.294392862701460198131126603103866L,
                                    0.148874338981631210884826001129720L,
                                    0.0L};
constexpr long double kKronrod21[] = {
    0.011694638867371874278064396062192L, 0.032558162307964727478818972459390L,
    0.054755896574351996031381300244580L, 0.075039674810919952767043140916190L,
    0.093125454583697605535065465083366L, 0.109387158802297641899210590325805L,
    0.123491976262065851077958109585166L, 0.134709217311473325928054001771707L,
    0.142775938577060080797094273138717L, 0.147739104901338491374841515972068L,
    0.149445554002916905664936468389821L};
constexpr long double kGauss21[] = {
    0.0L, 0.066671344308688137593568809893332L, 0.0L, 0.149451349150580593145863396957658L,
    0.0L, 0.219086362515982043995534934228163L, 0.0L, 0.269266719309996355091226921569469L,
    0.0L, 0.295524224714752870173815619188769L, 0.0L};

}  // namespace

QuadratureRule gauss_legendre(int points) {
  if (points < 1) bug("a quadrature rule of " + std::to_string(points) + " points");
  const auto n = static_cast<std::size_t>(points);
  QuadratureRule rule{std::vector<double>(n), std::vector<double>(n)};
  for (std::size_t i = 0; i < (n + 1) / 2; ++i) {
    // Tricomi's approximation lies within Newton's reach of each root, from the largest down.
    long double x = std::cos(std::numbers::pi_v<long double> *
                             (static_cast<long double>(i) + 0.75L) / (points + 0.5L));
    if (2 * i + 1 == n) x = 0.0L;
    constexpr int kIterations = 6;  // from 1e-3 at worst, doubling the digits
    for (int k = 0; k < kIterations && x != 0.0L; ++k) {
      const Legendre p = legendre(points, x);
      x -= p.value / p.slope;
    }
    const long double slope = legendre(points, x).slope;
    const long double weight = 2.0L / ((1.0L - x * x) * slope * slope);
    rule.nodes[i] = -static_cast<double>(x);
    rule.nodes[n - 1 - i] = static_cast<double>(x);
    rule.weights[i] = rule.weights[n - 1 - i] = static_cast<double>(weight);
  }
  return rule;
}

NestedRule gauss_kronrod(int points) {
  switch (points) {
    case 7:
      return mirrored({kNodes7, kKronrod7, kGauss7});
    case 15:
      return mirrored({kNodes15, kKronrod15, kGauss15});
    case 21:
      return mirrored({kNodes21, kKronrod21, kGauss21});
    default:
      bug("no nested rule of " + std::to_string(points) + " points");
  }
}

}  // namespace odeum::inline v1
