// SPDX-License-Identifier: Apache-2.0
#include "solve/crossings.hpp"

#include <algorithm>
#include <cmath>

namespace odeum::solve {
namespace {

// A turning point moves its value by the square of its own error.
constexpr double kTurnWidth = 1e-8;
// How many roundings of the largest value a start may be off the surface and count as on it.
constexpr double kRoundings = 10.0;

int sign_of(double value) { return value > 0.0 ? 1 : value < 0.0 ? -1 : 0; }

double value_of(const Point& p) { return p.value; }
double slope_of(const Point& p) { return p.slope; }

struct Bracket {
  Point a, b;
};

/// Narrows a bracket at whose ends `of` has opposite signs (b's may be zero) to `width`, or until
/// the value leaves `side`, if one is given; b keeps the sign it has. I. F. D. Oliveira, R. H. C.
/// Takahashi, An enhancement of the bisection method average performance preserving minmax
/// optimality, ACM Trans. Math. Softw. 47, 2020: at most one evaluation more than bisection.
Bracket narrow(const Curve& curve, Bracket in, double (*of)(const Point&), double width,
               int side = 0) {
  const double length = in.b.x - in.a.x;
  const int sign = sign_of(of(in.a));
  double allowed = width * std::exp2(std::ceil(std::log2(std::max(length / width, 1.0))));
  while (in.b.x - in.a.x > width) {
    const double middle = 0.5 * (in.a.x + in.b.x);
    if (middle <= in.a.x || middle >= in.b.x) break;
    const double span = in.b.x - in.a.x;
    const double secant = (of(in.b) * in.a.x - of(in.a) * in.b.x) / (of(in.b) - of(in.a));
    const double inward = middle >= secant ? 1.0 : -1.0;
    const double truncation = 0.2 * span * span / length;
    double x = truncation <= std::abs(middle - secant) ? secant + inward * truncation : middle;
    const double radius = std::max(allowed - 0.5 * span, 0.0);
    if (!(std::abs(x - middle) <= radius)) x = middle - inward * radius;
    if (!(x > in.a.x && x < in.b.x)) x = middle;
    allowed *= 0.5;
    const Point p = curve(x);
    (sign_of(of(p)) == sign ? in.a : in.b) = p;
    if (side != 0 && sign_of(p.value) != side) return {in.a, p};
  }
  return in;
}

/// Whether a curve of this sign at both ends may reach zero between them: it turns there, and the
/// tangents meet not far above zero. Above a convex curve's tangents nothing is missed; the share
/// is for curves that bend.
bool may_touch(const Point& a, const Point& b, int sign) {
  constexpr double kShare = 0.5;
  const double from = sign * a.value, to = sign * b.value;
  const double down = sign * a.slope, up = sign * b.slope;
  if (!(down < 0.0 && up > 0.0)) return false;
  const double meet = (to - from - up * (b.x - a.x)) / (down - up);
  return from + down * meet < kShare * std::min(from, to);
}

class Follower {
 public:
  Follower(const Curve& curve, double width, Side& side)
      : curve_(curve), width_(width), side_(side) {}

  void follow(const Point& a, const Point& b) {
    if (std::isnan(b.value)) return;
    const int end = sign_of(b.value);
    const int from = side_.sign;
    if (from == 0) {
      side_ = {true, end != 0, end};
    } else if (end != from) {
      arrive(a, b, from);
      side_ = {true, end != 0, end};
    } else {
      if (sign_of(a.value) == from && may_touch(a, b, from)) dip(a, b, from);
      side_.seen = true;
    }
  }

  std::vector<CrossedAt> found;

 private:
  void cross(const Point& a, const Point& b, int from) {
    found.push_back({narrow(curve_, {a, b}, value_of, width_).b.x, from});
  }

  /// Over to the other side and back, or not quite.
  void dip(const Point& a, const Point& b, int from) {
    const Point turn = turning_point(a, b, from);
    if (sign_of(turn.value) == from) return;
    cross(a, turn, from);
    if (sign_of(turn.value) == -from) cross(turn, b, -from);
  }

  /// To the surface or behind it at b. The curve may begin on the surface, up to rounding: at the
  /// very start, or where two steps meet.
  void arrive(const Point& a, const Point& b, int from) {
    if (sign_of(a.value) == from) return cross(a, b, from);
    if (sign_of(a.slope) == from && sign_of(b.slope) != from) {
      const Point turn = narrow(curve_, {a, b}, slope_of, kTurnWidth).a;
      if (sign_of(turn.value) == from) return cross(turn, b, from);
    }
    if (side_.seen) found.push_back({a.x, from});
  }

  Point turning_point(const Point& a, const Point& b, int from) {
    const Bracket turn = narrow(curve_, {a, b}, slope_of, kTurnWidth, from);
    return from * turn.a.value < from * turn.b.value ? turn.a : turn.b;
  }

  const Curve& curve_;
  double width_;
  Side& side_;
};

/// The side that a solve starts on; where it starts on the surface, the one that it moves to.
Side starting_side(std::span<const Point> samples, double rounding) {
  double largest = 0.0;
  for (const Point& p : samples) largest = std::max(largest, std::abs(p.value));
  const Point& first = samples.front();
  const bool on_surface = !(std::abs(first.value) > kRoundings * rounding * largest);
  return {true, !on_surface, sign_of(on_surface ? first.slope : first.value)};
}

}  // namespace

std::vector<CrossedAt> crossings(std::span<const Point> samples, const Curve& curve, double width,
                                 double rounding, Side& side) {
  if (!side.known) side = starting_side(samples, rounding);
  Follower follower(curve, width, side);
  for (std::size_t i = 1; i < samples.size(); ++i) follower.follow(samples[i - 1], samples[i]);
  return std::move(follower.found);
}

}  // namespace odeum::solve
