// SPDX-License-Identifier: Apache-2.0
#include "rate_history.hpp"

#include <algorithm>
#include <cmath>

#include "odeum/program.hpp"
#include "odeum/solve.hpp"
#include "odeum/transforms.hpp"
#include "step_length.hpp"

namespace odeum::solvers {
namespace {

double binomial(std::size_t n, std::size_t k) {
  double result = 1.0;
  for (std::size_t i = 1; i <= k; ++i) {
    result = result * static_cast<double>(n - k + i) / static_cast<double>(i);
  }
  return result;
}

/// Derivatives of the rates in time along the solution. No rate depends on a quadrature.
State differentiate(const State& rates, Tensor t, const State& y, const State& velocity,
                    const std::vector<bool>& quadrature) {
  std::vector<Tensor> point{t}, direction{ones_like(t)};
  for (std::size_t m = 0; m < y.size(); ++m) {
    if (quadrature[m]) continue;
    point.push_back(y[m]);
    direction.push_back(velocity[m]);
  }
  return jvp(rates, point, direction);
}

// Behind the terms of the history, by power and member, the carry has the unit of time that they
// are scaled to and the distances, in that unit, from t back to the ends of earlier steps.
struct Carried {
  std::vector<State> terms;
  Tensor unit;
  std::vector<Tensor> distances;
};

Carried parse(const std::vector<Tensor>& carry, std::size_t members) {
  // k powers of every member, the unit, k - 1 distances.
  const std::size_t points = carry.size() / (members + 1);
  Carried carried;
  auto next = carry.begin();
  for (std::size_t i = 0; i < points; ++i) {
    carried.terms.emplace_back(next, next + static_cast<std::ptrdiff_t>(members));
    next += static_cast<std::ptrdiff_t>(members);
  }
  carried.unit = *next++;
  carried.distances.assign(next, carry.end());
  return carried;
}

std::vector<Tensor> flatten(const Carried& carried) {
  std::vector<Tensor> carry;
  for (const State& term : carried.terms) carry.insert(carry.end(), term.begin(), term.end());
  carry.push_back(carried.unit);
  carry.insert(carry.end(), carried.distances.begin(), carried.distances.end());
  return carry;
}

}  // namespace

Tensor integral(const Polynomial& p, double from, double to) {
  std::vector<double> weights;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto power = static_cast<double>(i + 1);
    weights.push_back((std::pow(to, power) - std::pow(from, power)) / power);
  }
  return linear_combination(p, weights);
}

State RateHistory::foreseen() const {
  State sum = terms.front();
  for (std::size_t i = 1; i < terms.size(); ++i) {
    for (std::size_t m = 0; m < sum.size(); ++m) sum[m] = sum[m] + terms[i][m];
  }
  return sum;
}

std::vector<State> RateHistory::increments(const Rates& rates, const State& y) const {
  std::vector<State> powers;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    State power;
    for (std::size_t m = 0; m < y.size(); ++m) {
      const Tensor length = step_length(rates, m, h, y[m]);
      power.push_back(length * (terms[i][m] / static_cast<double>(i + 1)));
    }
    powers.push_back(power);
  }
  return powers;
}

Polynomial RateHistory::zero_at_ends(std::size_t count) const {
  Polynomial product{ones_like(h)};
  for (std::size_t j = 0; j < count; ++j) {
    product.push_back(nearness[j] * product.back());
    for (std::size_t i = product.size() - 2; i > 0; --i) {
      product[i] = product[i] + nearness[j] * product[i - 1];
    }
  }
  return product;
}

std::vector<Tensor> start_history(Rates& rates, Tensor t, const State& y, std::size_t points) {
  std::vector<bool> quadrature;
  for (std::size_t m = 0; m < y.size(); ++m) quadrature.push_back(rates.quadrature(m));
  const State velocity = rates(t, y);
  State derivative = velocity;
  Carried carried;
  double factorial = 1.0;
  for (std::size_t i = 0; i < points; ++i) {
    if (i > 0) {
      derivative = differentiate(derivative, t, y, velocity, quadrature);
      factorial *= static_cast<double>(i);
    }
    State term;
    for (const Tensor& d : derivative) term.push_back(d / factorial);
    carried.terms.push_back(term);
  }
  carried.unit = ones_like(t);
  carried.distances.assign(points - 1, zeros_like(t));
  return flatten(carried);
}

RateHistory read_history(const std::vector<Tensor>& carry, Tensor h, std::size_t members) {
  const Carried carried = parse(carry, members);
  const Tensor ratio = h / carried.unit;
  RateHistory history{.h = h, .terms = {carried.terms.front()}, .nearness = {ones_like(h)}};
  Tensor scale = ratio;
  for (std::size_t i = 1; i < carried.terms.size(); ++i) {
    State term;
    for (const Tensor& value : carried.terms[i]) term.push_back(matched(scale, value) * value);
    history.terms.push_back(term);
    scale = scale * ratio;
  }
  for (const Tensor& distance : carried.distances) {
    history.nearness.push_back(ratio / (ratio + distance));
  }
  return history;
}

std::vector<Tensor> next_history(const RateHistory& history, const State& rates_at_end) {
  const std::size_t points = history.terms.size();
  const Polynomial shape = history.zero_at_ends(points - 1);
  const State foreseen = history.foreseen();
  Carried next{.terms = std::vector<State>(points), .unit = history.h, .distances = {}};
  for (std::size_t m = 0; m < foreseen.size(); ++m) {
    const Tensor surprise = rates_at_end[m] - foreseen[m];
    // The lowest term is the rate itself, without what adding and subtracting rounds off.
    next.terms[0].push_back(rates_at_end[m]);
    for (std::size_t i = 1; i < points; ++i) {
      Tensor term = history.terms[i][m];
      for (std::size_t k = i + 1; k < points; ++k) {
        term = term + binomial(k, i) * history.terms[k][m];
      }
      next.terms[i].push_back(term + matched(shape[i], surprise) * surprise);
    }
  }
  for (std::size_t j = 0; j + 1 < points; ++j) next.distances.push_back(1.0 / history.nearness[j]);
  return flatten(next);
}

std::string history_refusal(const Dynamics& dynamics) {
  Recording recording;
  const Tensor t = recording.input("t", {1}, DType::f64);
  State y;
  for (const Member& m : dynamics.members) y.push_back(recording.input(m.name, m.shape, m.dtype));
  std::vector<Tensor> constants;
  for (const InputSpec& s : dynamics.constants) {
    constants.push_back(recording.input(s.name, s.shape, s.dtype));
  }
  const Program rates = recording.program(dynamics.rates(t, y, constants));
  const bool native = std::any_of(rates.nodes.begin(), rates.nodes.end(),
                                  [](const Node& node) { return node.op == Op::host_call; });
  if (!native) return "";
  return "starts from the derivatives of the rates along the solution, and this field calls a "
         "host function, which has none: use a Runge-Kutta method, e.g. dopri5";
}

std::vector<Tensor> corrected_increments(const std::vector<Tensor>& predicted,
                                         const Polynomial& shape, const State& surprises) {
  const std::size_t members = surprises.size();
  std::vector<Tensor> increments = predicted;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    // Of (x - 1)^k, the coefficient of x^i.
    std::vector<double> weights(shape.size(), 0.0);
    for (std::size_t k = i; k < shape.size(); ++k) {
      weights[k] = ((k - i) % 2 == 0 ? 1.0 : -1.0) * binomial(k, i);
    }
    const Tensor coefficient = linear_combination(shape, weights) / static_cast<double>(i + 1);
    for (std::size_t m = 0; m < members; ++m) {
      Tensor& increment = increments[i * members + m];
      increment = increment + matched(coefficient, surprises[m]) * surprises[m];
    }
  }
  return increments;
}

}  // namespace odeum::solvers
