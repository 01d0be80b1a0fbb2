// SPDX-License-Identifier: Apache-2.0
#include "solve/stages.hpp"

#include <algorithm>

#include "odeum/implicit.hpp"

namespace odeum::solve {

Weights values(const std::vector<Coefficient>& coefficients) {
  Weights weights;
  for (const Coefficient& c : coefficients) weights.push_back(c.value());
  return weights;
}

Tensor weighted(const std::vector<Tensor>& k, const Weights& weights) {
  const auto is_zero = [](double w) { return w == 0.0; };
  if (std::all_of(weights.begin(), weights.end(), is_zero)) return zeros_like(k.front());
  return linear_combination(std::span(k).first(weights.size()), weights);
}

Tensor weighted(const std::vector<State>& k, const Weights& weights, std::size_t member) {
  std::vector<Tensor> terms;
  for (const State& stage : k) terms.push_back(stage[member]);
  return weighted(terms, weights);
}

State steps_of(const Rates& rates, const StepInputs& in) {
  State step;
  for (std::size_t m = 0; m < in.y.size(); ++m) {
    step.push_back(matched(rates.along_absolute_time(m) ? abs(in.h) : in.h, in.y[m]));
  }
  return step;
}

int error_order(const Tableau& method) {
  if (method.b_embedded.empty()) return 0;
  return std::min(method.order, method.embedded_order) + 1;
}

State error_of_companion(const Tableau& method, const State& step, const std::vector<State>& k) {
  Weights weights;
  for (std::size_t i = 0; i < method.stages(); ++i) {
    weights.push_back(method.b[i].value() - method.b_embedded[i].value());
  }
  State error;
  for (std::size_t m = 0; m < step.size(); ++m) error.push_back(step[m] * weighted(k, weights, m));
  return error;
}

std::vector<Tensor> dense_output(const Tableau& method, const State& step, const State& before,
                                 const std::vector<State>& k, const State& y0, const State& y1) {
  std::vector<State> powers;
  if (method.dense.empty()) {
    powers.resize(3);
    for (std::size_t m = 0; m < y0.size(); ++m) {
      const Tensor rise = y1[m] - y0[m];
      const Tensor first = step[m] * before[m];
      const Tensor last = step[m] * k.back()[m];
      powers[0].push_back(first);
      powers[1].push_back(3.0 * rise - 2.0 * first - last);
      powers[2].push_back(first + last - 2.0 * rise);
    }
  } else {
    for (std::size_t p = 0; p < method.dense.front().size(); ++p) {
      Weights weights;
      for (const auto& row : method.dense) weights.push_back(row[p].value());
      powers.emplace_back();
      for (std::size_t m = 0; m < y0.size(); ++m) {
        powers.back().push_back(step[m] * weighted(k, weights, m));
      }
    }
  }
  std::vector<Tensor> flat;
  for (const State& power : powers) flat.insert(flat.end(), power.begin(), power.end());
  return flat;
}

State polynomial_at(Tensor x, const State& y0, const std::vector<Tensor>& dense) {
  const std::size_t members = y0.size();
  State result;
  for (std::size_t m = 0; m < members; ++m) {
    const Tensor at = matched(x, y0[m]);
    std::size_t i = dense.size() - members + m;
    Tensor polynomial = at * dense[i];
    while (i >= members) {
      i -= members;
      polynomial = at * (dense[i] + polynomial);
    }
    result.push_back(y0[m] + polynomial);
  }
  return result;
}

}  // namespace odeum::solve
