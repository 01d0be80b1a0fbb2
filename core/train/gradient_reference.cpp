// SPDX-License-Identifier: Apache-2.0
#include "train/gradient_reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "odeum/random.hpp"

namespace odeum::train {
namespace {

constexpr double kTight = 1e-12;
constexpr double kMostAllowed = 1e-2;
constexpr std::size_t kMostAxes = 24;
constexpr std::size_t kDirections = 8;
// Central differences err by step^2 and by the tight solve's 1e-12 over the step: both about 1e-9
// relative at 1e-4 for problems of scale one. Where a change of the start grows g-fold, the first
// is (g step)^2 and the second, relatively, as before: they meet at 1e-4 g^(-2/3).
constexpr double kStep = 1e-4;

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

}  // namespace

bool has_given_steps(const Config& solver) { return solver.has("step") || solver.has("steps"); }

Config with_value(Config config, const std::string& key, Config::Value value) {
  config.entries_.at(key).value = std::move(value);
  return config;
}

Config tightened(Config solver) {
  if (has_given_steps(solver)) return solver;
  solver = with_value(solver, "rtol", std::min(solver.number("rtol"), kTight));
  std::vector<double> atol = solver.numbers("atol");
  for (double& entry : atol) entry = std::min(entry, kTight);
  solver = with_value(std::move(solver), "atol", std::move(atol));
  solver = with_value(std::move(solver), "max_steps", std::int64_t{10000000});
  return solver;
}

Config halved(Config solver) {
  if (solver.has("step")) return with_value(solver, "step", 0.5 * solver.number("step"));
  if (solver.has("steps")) return with_value(solver, "steps", 2 * solver.integer("steps"));
  std::vector<double> atol = solver.numbers("atol");
  for (double& entry : atol) entry *= 0.5;
  solver = with_value(solver, "rtol", 0.5 * solver.number("rtol"));
  return with_value(std::move(solver), "atol", std::move(atol));
}

double relative_change(double value, double from) {
  return from == 0.0 ? std::abs(value) : std::abs(value - from) / std::abs(from);
}

double default_allowance(double rtol, bool given_steps, bool float32) {
  if (given_steps) return kMostAllowed;
  const double rounding =
      float32 ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  return std::min(kMostAllowed, 1000.0 * std::max(rtol, rounding));
}

double relative_error(const std::vector<double>& gradient, const std::vector<double>& reference) {
  double error = 0.0;
  double size = 0.0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    error += (gradient[i] - reference[i]) * (gradient[i] - reference[i]);
    size += reference[i] * reference[i];
  }
  return size == 0.0 ? std::sqrt(error) : std::sqrt(error / size);
}

void compare_with_differences(const std::function<double(const std::vector<double>&)>& loss,
                              const std::vector<double>& point, const std::vector<double>& gradient,
                              GradientCheck& check) {
  const bool axes = point.size() <= kMostAxes;
  const std::size_t count = axes ? point.size() : kDirections;
  const double step = kStep * std::pow(std::max(1.0, check.growth), -2.0 / 3.0);
  double worst = 0.0;
  double largest = 0.0;
  check.directions = 0;
  for (std::size_t d = 0; d < count; ++d) {
    std::vector<double> direction(point.size(), 0.0);
    if (axes) {
      direction[d] = 1.0;
    } else {
      RandomStream random(stream_key(0, Purpose::user, 0), d);
      for (double& v : direction) v = (random.word() >> 31) != 0 ? 1.0 : -1.0;
    }
    // Along signs the whole step is as long as along an axis.
    const double length = axes ? 1.0 : std::sqrt(static_cast<double>(point.size()));
    double along = 0.0;
    std::vector<double> ahead = point;
    std::vector<double> behind = point;
    for (std::size_t i = 0; i < point.size(); ++i) {
      direction[i] /= length;
      along += gradient[i] * direction[i];
      ahead[i] += step * direction[i];
      behind[i] -= step * direction[i];
    }
    double difference = 0.0;
    try {
      difference = (loss(ahead) - loss(behind)) / (2.0 * step);
    } catch (const RunError& error) {
      if (check.no_difference.empty()) check.no_difference = error.what();
      continue;
    }
    ++check.directions;
    worst = std::max(worst, std::abs(along - difference));
    largest = std::max({largest, std::abs(difference), std::abs(along)});
  }
  if (check.directions == 0) {
    throw RunError("no central difference can be had: with a change of the variables by " +
                   shown(step) + " " + check.no_difference);
  }
  check.differences_error = largest == 0.0 ? worst : worst / largest;
}

std::vector<Config> reference_candidates(std::vector<Config> methods) {
  const auto rank = [](const Config& method) {
    const std::vector<std::string> first = {"backprop", "forward", "adjoint"};
    return std::find(first.begin(), first.end(), method.use()) - first.begin();
  };
  std::stable_sort(methods.begin(), methods.end(),
                   [&](const Config& a, const Config& b) { return rank(a) < rank(b); });
  return methods;
}

std::string reason_of(const ConfigError& error, const Config& method) {
  const std::string text = error.what();
  const std::string named = "— " + method.use() + " ";
  const std::size_t begin = text.find(named);
  return begin == std::string::npos ? text : text.substr(begin + named.size());
}

}  // namespace odeum::train
