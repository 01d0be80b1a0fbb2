// SPDX-License-Identifier: Apache-2.0
#include "odeum/error.hpp"
#include "odeum/solver.hpp"

namespace odeum::inline v1 {
namespace {

using Weights = std::vector<double>;

Weights values(const std::vector<Coefficient>& coefficients) {
  Weights weights;
  for (const Coefficient& c : coefficients) weights.push_back(c.value());
  return weights;
}

bool all_zero(const Weights& weights) {
  for (const double w : weights) {
    if (w != 0.0) return false;
  }
  return true;
}

/// The sum over stages of weights[i] k_i of one member; an empty Tensor when all are zero.
Tensor stage_sum(const std::vector<State>& k, const Weights& weights, std::size_t member) {
  if (all_zero(weights)) return {};
  std::vector<Tensor> terms;
  for (std::size_t i = 0; i < weights.size(); ++i) terms.push_back(k[i][member]);
  return linear_combination(terms, weights);
}

/// y + step sum_i weights[i] k_i, by member.
State advance(const State& y, const State& step, const std::vector<State>& k,
              const Weights& weights) {
  State result;
  for (std::size_t m = 0; m < y.size(); ++m) {
    const Tensor sum = stage_sum(k, weights, m);
    result.push_back(sum ? y[m] + step[m] * sum : y[m]);
  }
  return result;
}

/// Sums of members without rows, taken up stage by stage.
class RunningSum {
 public:
  RunningSum(const State& y, const State& step) : sum_(y), step_(step) {}

  void take(const State& k, double weight) {
    if (weight == 0.0) return;
    for (std::size_t m = 0; m < sum_.size(); ++m) {
      if (!sum_[m].shape().has_rows()) sum_[m] = sum_[m] + (step_[m] * weight) * k[m];
    }
  }
  /// Puts the sums in the place of what `y` has for these members.
  void settle(State& y) const {
    for (std::size_t m = 0; m < y.size(); ++m) {
      if (!y[m].shape().has_rows()) y[m] = sum_[m];
    }
  }

 private:
  State sum_;
  const State& step_;
};

State error_estimate(const Tableau& tableau, const State& step, const std::vector<State>& k) {
  Weights weights;
  for (std::size_t i = 0; i < tableau.stages(); ++i) {
    weights.push_back(tableau.b[i].value() - tableau.b_embedded[i].value());
  }
  State error;
  for (std::size_t m = 0; m < step.size(); ++m) {
    error.push_back(step[m] * stage_sum(k, weights, m));
  }
  return error;
}

/// Powers of x of the dense output of one member: y(t + x h) = y + x c[0] + x^2 c[1] + ...
std::vector<Tensor> dense_powers(const Tableau& method, Tensor step, const std::vector<State>& k,
                                 std::size_t member, Tensor y0, Tensor y1) {
  std::vector<Tensor> powers;
  if (!method.dense.empty()) {
    for (std::size_t power = 0; power < method.dense.front().size(); ++power) {
      Weights weights;
      for (const auto& row : method.dense) weights.push_back(row[power].value());
      const Tensor sum = stage_sum(k, weights, member);
      powers.push_back(sum ? step * sum : zeros_like(y0));
    }
    return powers;
  }
  const Tensor rise = y1 - y0;
  const Tensor first = step * k.front()[member];
  if (!method.first_same_as_last()) return {first, rise - first};
  const Tensor last = step * k[method.stages() - 1][member];
  return {first, 3.0 * rise - 2.0 * first - last, first + last - 2.0 * rise};
}

}  // namespace

int RungeKutta::order() const { return tableau().order; }

int RungeKutta::error_order() const {
  return tableau().b_embedded.empty() ? 0 : tableau().embedded_order + 1;
}

std::vector<Tensor> RungeKutta::start(Rates& rates, Tensor t, const State& y) const {
  return tableau().first_same_as_last() ? rates(t, y) : std::vector<Tensor>{};
}

StepOutputs RungeKutta::step(Rates& rates, const StepInputs& in) const {
  const Tableau& method = tableau();
  const bool reuses_last = method.first_same_as_last();
  State step;
  for (std::size_t m = 0; m < in.y.size(); ++m) {
    step.push_back(matched(rates.along_absolute_time(m) ? abs(in.h) : in.h, in.y[m]));
  }

  std::vector<State> k;
  State at = in.y;
  RunningSum sum(in.y, step);
  const auto evaluate = [&](std::size_t i) {
    if (i > 0) at = advance(in.y, step, k, values(method.a[i]));
    const double c = method.c[i].value();
    return rates(c == 0.0 ? in.t : in.t + in.h * c, at);
  };
  for (std::size_t i = 0; i < method.stages(); ++i) {
    k.push_back(i == 0 && reuses_last ? in.carry : evaluate(i));
    sum.take(k.back(), method.b[i].value());
  }

  StepOutputs out;
  out.y = reuses_last ? at : advance(in.y, step, k, values(method.b));
  sum.settle(out.y);
  if (reuses_last) out.carry = k.back();
  if (!method.b_embedded.empty()) out.error = error_estimate(method, step, k);
  if (in.dense_output == DenseOutput::not_wanted) return out;

  for (std::size_t i = method.stages(); i < method.a.size(); ++i) k.push_back(evaluate(i));
  std::vector<std::vector<Tensor>> powers;
  for (std::size_t m = 0; m < step.size(); ++m) {
    powers.push_back(dense_powers(method, step[m], k, m, in.y[m], out.y[m]));
  }
  for (std::size_t p = 0; p < powers.front().size(); ++p) {
    for (const auto& member : powers) out.dense.push_back(member[p]);
  }
  return out;
}

State RungeKutta::interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const {
  const std::size_t members = in.y.size();
  State result;
  for (std::size_t m = 0; m < members; ++m) {
    const Tensor at = matched(x, in.y[m]);
    std::size_t i = out.dense.size() - members + m;
    Tensor polynomial = at * out.dense[i];
    while (i >= members) {
      i -= members;
      polynomial = at * (out.dense[i] + polynomial);
    }
    result.push_back(in.y[m] + polynomial);
  }
  return result;
}

}  // namespace odeum::inline v1
