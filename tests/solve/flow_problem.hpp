// SPDX-License-Identifier: Apache-2.0
// The problem that gradients are compared on: what a regularized flow integrates.
#pragma once

#include <cmath>

#include "differentiation.hpp"

namespace odeum::testing {

inline GradientOf backprop(const std::string& keep) { return {"backprop", {{"keep", keep}}}; }

// Memory for four records or so: nearly every step's beginning is computed again.
inline const GradientOf kFrugal = {"backprop", {{"memory", 1e-3}}};

inline std::string name_of(const GradientOf& gradient) {
  std::string name = gradient.plugin;
  for (const auto& [key, value] : gradient.keys) {
    name += "_" + (std::holds_alternative<std::string>(value) ? std::get<std::string>(value) : key);
  }
  return name;
}

/// t as a column beside [rows, features], where all rows share it and where each has its own.
inline Tensor time_column(Tensor t) {
  return reshape(t, t.shape().has_rows() ? Shape{kRows, 1} : Shape{1, 1});
}

/// A small net that sees time, its rows' context and a flat parameter buffer, with a log-density
/// and a running cost beside the state: what a regularized flow integrates.
inline constexpr std::int64_t kFeatures = 2, kHidden = 4;
inline constexpr std::int64_t kParameters = kHidden * (kFeatures + 1) + kFeatures * kHidden;

inline Dynamics regularized_flow() {
  Dynamics d;
  d.members = {{.name = "z", .shape = {kRows, kFeatures}, .dtype = DType::f64},
               {.name = "log_density", .shape = {kRows}, .dtype = DType::f64},
               {.name = "cost",
                .shape = {kRows},
                .dtype = DType::f64,
                .in_error_norm = false,
                .along_absolute_time = true}};
  d.constants = {{"theta", {kParameters}, DType::f64},
                 {"context", {kRows, kFeatures}, DType::f64},
                 {"unused", {3}, DType::f64}};
  d.parts = [](Tensor t, const State& y, std::span<const Tensor> c) {
    const auto parts = split(c[0], {kHidden * (kFeatures + 1), kFeatures * kHidden}, 0);
    const Tensor w1 = reshape(parts[0], {kHidden, kFeatures + 1});
    const Tensor w2 = reshape(parts[1], {kFeatures, kHidden});
    const Tensor time = broadcast(time_column(t), {kRows, 1});
    const Tensor hidden = tanh(linear(concat({y[0], time}), w1));
    const Tensor net = linear(hidden, w2);
    // The exact trace: sum over hidden units of (1 - h^2) (W1 W2^T)_hh.
    const Tensor weights = sum(slice(w1, 1, 0, kFeatures) * permute(w2, {1, 0}), {1});
    const Tensor trace = sum_features((1.0 - square(hidden)) * weights);
    return Rates::Parts{.rest = {c[1], -trace, 0.5 * sum_features(square(net + c[1]))},
                        .stiff = {net, {}, {}}};
  };
  d.rates = [parts = d.parts](Tensor t, const State& y, std::span<const Tensor> c) {
    Rates::Parts both = parts(t, y, c);
    both.rest[0] = both.stiff[0] + both.rest[0];
    return both.rest;
  };
  return d;
}

struct FlowProblem {
  std::int64_t rows = 3;
  Values times = {0.0, 0.4, 1.0};
  std::vector<Values> initial, constants;
  std::vector<std::vector<Values>> cotangents;

  FlowProblem() {
    const auto wave = [](std::size_t count, double phase) {
      Values v(count);
      for (std::size_t i = 0; i < count; ++i) v[i] = std::sin(1.7 * static_cast<double>(i) + phase);
      return v;
    };
    initial = {wave(6, 0.3), {0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}};
    constants = {wave(kParameters, 1.1), wave(6, 2.0), {1.0, 2.0, 3.0}};
    cotangents = {{wave(6, 0.7), wave(3, 0.1), wave(3, 0.2)},
                  {wave(6, 1.7), wave(3, 1.1), wave(3, 1.2)}};
  }
  double loss(const Method& method) const {
    // Solved member by member through a gradient method's forward, which starts all members.
    const Gradients g = differentiate(backprop("steps"), regularized_flow(), method, initial, times,
                                      constants, cotangents, rows);
    double total = 0.0;
    for (std::size_t i = 0; i < g.y.size(); ++i) {
      const Values& seed = cotangents[i / 3][i % 3];
      for (std::size_t j = 0; j < seed.size(); ++j) total += seed[j] * g.y[i][j];
    }
    return total;
  }
  Gradients gradients(const GradientOf& plugin, const Method& method) const {
    return differentiate(plugin, regularized_flow(), method, initial, times, constants, cotangents,
                         rows);
  }
};

/// dL/dx by central differences, x an entry of a problem that `entry` picks.
template <class Entry>
double central_difference(const Method& method, const Entry& entry) {
  constexpr double kStep = 1e-5;
  FlowProblem up, down;
  entry(up) += kStep;
  entry(down) -= kStep;
  return (up.loss(method) - down.loss(method)) / (2.0 * kStep);
}

}  // namespace odeum::testing
