// SPDX-License-Identifier: Apache-2.0
#include "trajectory.hpp"

#include <algorithm>
#include <cmath>

namespace odeum::datasets {
namespace {

constexpr std::size_t kStages = 7;
constexpr double kA[kStages][kStages - 1] = {
    {},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};
constexpr double kError[kStages] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                    -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
// Of the dense output, Hairer's CONTD5.
constexpr double kDense[kStages] = {-12715105075.0 / 11282082432,  0,
                                    87487479700.0 / 32700410799,   -10690763975.0 / 1880347072,
                                    701980252875.0 / 199316789632, -1453857185.0 / 822651844,
                                    69997945.0 / 29380423};

constexpr double kSafety = 0.9;
constexpr double kLeastFactor = 0.2;
constexpr double kMostFactor = 10.0;
// Attempts without a point behind which none is expected, and the share of the spacing under which
// steps lead nowhere.
constexpr int kMostAttempts = 100000;
constexpr double kShortest = 1e-9;

using Stages = std::array<Point, kStages>;

Point combined(const Point& y, double h, const double* weights, const Stages& k, std::size_t n) {
  Point sum = y;
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += h * weights[s] * k[s][i];
  }
  return sum;
}

double mean_square_norm(const Point& value, const Point& a, const Point& b, const Accuracy& to) {
  double sum = 0.0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const double scale = to.atol + to.rtol * std::max(std::abs(a[i]), std::abs(b[i]));
    sum += value[i] / scale * (value[i] / scale);
  }
  return std::sqrt(sum / static_cast<double>(value.size()));
}

struct Step {
  double h = 0.0;
  Point from, to;
  Stages k;
  double error = 0.0;  ///< over the tolerance
};

Step attempt(const Lorenz& rate, const Point& y, const Point& first, double h, const Accuracy& to) {
  Step step{h, y, y, {}, 0.0};
  step.k[0] = first;
  for (std::size_t s = 1; s < kStages; ++s) {
    step.to = combined(y, h, kA[s], step.k, s);
    step.k[s] = rate(step.to);
  }
  const Point error = combined({}, h, kError, step.k, kStages);
  step.error = mean_square_norm(error, y, step.to, to);
  return step;
}

/// At the share x of the step.
Point inside(const Step& step, double x) {
  const Point correction = combined({}, step.h, kDense, step.k, kStages);
  Point value;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const double difference = step.to[i] - step.from[i];
    const double bend = step.h * step.k[0][i] - difference;
    const double twist = difference - step.h * step.k[kStages - 1][i] - bend;
    value[i] =
        step.from[i] + x * (difference + (1 - x) * (bend + x * (twist + (1 - x) * correction[i])));
  }
  return value;
}

/// The first step's length (Hairer, Norsett, Wanner II.4).
double first_length(const Lorenz& rate, const Point& y, const Accuracy& to) {
  const Point f = rate(y);
  const double d0 = mean_square_norm(y, y, y, to);
  const double d1 = mean_square_norm(f, y, y, to);
  const double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
  Point moved = y;
  for (std::size_t i = 0; i < y.size(); ++i) moved[i] += h0 * f[i];
  const Point g = rate(moved);
  Point change;
  for (std::size_t i = 0; i < y.size(); ++i) change[i] = g[i] - f[i];
  const double d2 = mean_square_norm(change, y, y, to) / h0;
  const double larger = std::max(d1, d2);
  const double h1 = larger <= 1e-15 ? std::max(1e-6, 1e-3 * h0) : std::pow(0.01 / larger, 0.2);
  return std::min(100.0 * h0, h1);
}

}  // namespace

std::vector<Point> trajectory(const Lorenz& rate, const Point& start, double spacing,
                              std::size_t count, const Accuracy& accuracy) {
  std::vector<Point> points{start};
  points.reserve(count);
  double h = first_length(rate, start, accuracy);
  double t = 0.0;
  Point y = start;
  Point first = rate(start);
  int attempts = 0;  // since the last point
  while (points.size() < count && attempts++ < kMostAttempts) {
    const double due = static_cast<double>(points.size()) * spacing;
    const bool lands = accuracy.between == Between::steps && t + h >= due;
    const double length = lands ? due - t : h;
    if (!(h > kShortest * spacing)) break;
    const Step step = attempt(rate, y, first, length, accuracy);
    const double factor =
        std::min(kMostFactor, std::max(kLeastFactor, kSafety * std::pow(step.error, -0.2)));
    if (!(step.error < 1.0)) {  // or not a number
      h = length * (std::isfinite(factor) ? std::min(1.0, factor) : kLeastFactor);
      continue;
    }
    const double end = lands ? due : t + length;
    for (double at = due; points.size() < count && at <= end;
         at = static_cast<double>(points.size()) * spacing) {
      points.push_back(lands ? step.to : inside(step, (at - t) / length));
      attempts = 0;
    }
    t = end;
    y = step.to;
    first = step.k[kStages - 1];
    h = lands ? std::max(h, length * factor) : length * factor;
  }
  return points;
}

}  // namespace odeum::datasets
