// SPDX-License-Identifier: Apache-2.0
// Programs as training makes them, for tests and measurements of devices.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "odeum/program.hpp"
#include "odeum/transforms.hpp"

namespace odeum::device_tests {

using Tensors = std::vector<Tensor>;

/// Inputs z, probe [rows, first width], then w [out, in] and b [out] of each layer.
inline std::vector<InputSpec> network_inputs(DType type, const std::vector<std::int64_t>& widths) {
  std::vector<InputSpec> inputs = {{"z", {kRows, widths.front()}, type},
                                   {"probe", {kRows, widths.front()}, type}};
  for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
    inputs.push_back({"w" + std::to_string(l), {widths[l + 1], widths[l]}, type});
    inputs.push_back({"b" + std::to_string(l), {widths[l + 1]}, type});
  }
  return inputs;
}

inline Tensor network(Tensor x, std::span<const Tensor> parameters) {
  for (std::size_t l = 0; l < parameters.size(); l += 2) {
    x = linear(x, parameters[l], parameters[l + 1]);
    if (l + 2 < parameters.size()) x = tanh(x);
  }
  return x;
}

/// Runge-Kutta steps (the 3/8 rule, step 1 / steps) of a flow with log-density by a probe and two
/// regularizers, and the gradient of a loss in all parameters: (loss, gradients...).
inline Program flow_step(DType type, const std::vector<std::int64_t>& widths, int steps) {
  return record(network_inputs(type, widths), [steps](std::span<const Tensor> in) {
    const Tensors parameters(in.begin() + 2, in.end());
    const Tensor probe = in[1];
    Tensor z = in[0], density, cost;
    const auto rates = [&](Tensor at) {
      const Tensor velocity = network(at, parameters);
      const Tensor pulled = vjp(Tensors{velocity}, Tensors{at}, Tensors{probe})[0];
      return std::array<Tensor, 3>{
          velocity, -sum_features(pulled * probe),
          0.01 * mean_features(square(velocity)) + 0.01 * mean_features(square(pulled))};
    };
    const double h = 1.0 / steps;
    for (int s = 0; s < steps; ++s) {
      const auto k1 = rates(z);
      const auto k2 = rates(z + (h / 3) * k1[0]);
      const auto k3 = rates(z + h * (k2[0] - (1.0 / 3) * k1[0]));
      const auto k4 = rates(z + h * (k1[0] - k2[0] + k3[0]));
      const auto change = [&](std::size_t i) {
        return (h / 8) * (k1[i] + 3.0 * k2[i] + 3.0 * k3[i] + k4[i]);
      };
      z = z + change(0);
      density = density ? density + change(1) : change(1);
      cost = cost ? cost + change(2) : change(2);
    }
    const Tensor loss = mean_rows(0.5 * sum_features(square(z)) + density + cost);
    Tensors outputs = vjp(Tensors{loss}, parameters, Tensors{ones_like(loss)});
    outputs.insert(outputs.begin(), loss);
    return outputs;
  });
}

/// The network's value and exact divergence (one mapped vjp), and the
/// gradient of their sum in all parameters.
inline Program exact_trace(DType type, const std::vector<std::int64_t>& widths) {
  const std::int64_t n = widths.front();
  return record(network_inputs(type, widths), [n](std::span<const Tensor> in) {
    const Tensors parameters(in.begin() + 2, in.end());
    const Tensor z = in[0];
    const Tensor velocity = network(z, parameters);
    const Tensor unit = equal(iota(z, {1, n, n}, 1, z.dtype()), iota(z, {1, n, n}, 2, z.dtype()));
    const Tensor units = broadcast(unit, {kRows, n, n});
    // d velocity / d z for all cotangents at once.
    const Tensor pulled = vjp(Tensors{velocity}, Tensors{z}, Tensors{in[1]})[0];
    const Tensor jacobian = vmap(Tensors{pulled}, Tensors{in[1]}, Tensors{units})[0];
    const Tensor divergence = sum(jacobian * units, {1, 2});
    const Tensor loss = sum_rows(sum_features(square(velocity)) + divergence);
    Tensors outputs = vjp(Tensors{loss}, parameters, Tensors{ones_like(loss)});
    outputs.insert(outputs.begin(), {velocity, divergence, loss});
    return outputs;
  });
}

/// Columns brought to mean 0 and variance 1 over the batch, twice, with the gradient in the input
/// and in scale and shift: values that depend on sums over rows that depend on such values.
inline Program batch_normalized(DType type, std::int64_t width) {
  const std::vector<InputSpec> inputs = {
      {"x", {kRows, width}, type}, {"scale", {width}, type}, {"shift", {width}, type}};
  return record(inputs, [](std::span<const Tensor> in) {
    const auto normalized = [](Tensor x) {
      const Tensor centered = x - mean_rows(x);
      return centered / sqrt(mean_rows(square(centered)) + 0.1);
    };
    const Tensor x = normalized(in[0]) * in[1] + in[2];
    const Tensor y = normalized(tanh(x));
    const Tensor loss = sum_rows(sum_features(y * sin(x)));
    Tensors outputs = vjp(Tensors{loss}, Tensors(in.begin(), in.end()), Tensors{ones_like(loss)});
    outputs.insert(outputs.begin(), {x, y, loss, reduce_max(y, {0})});
    return outputs;
  });
}

}  // namespace odeum::device_tests
