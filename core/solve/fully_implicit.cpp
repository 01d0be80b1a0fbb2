// SPDX-License-Identifier: Apache-2.0
#include "odeum/error.hpp"
#include "odeum/implicit.hpp"
#include "solve/stages.hpp"

namespace odeum::inline v1 {
namespace {

using solve::Weights;

// The rates of the last step are extrapolated over this much of its length at most.
constexpr double kFarthest = 3.0;

/// x [rows, n] as [rows, 1, n, 1, n] for a matrix x [rows, n, n].
Tensor as_block(Tensor matrix) {
  const std::int64_t n = matrix.extent(-1);
  return reshape(matrix, {kRows, 1, n, 1, n});
}

Tensor identity(Tensor x, std::int64_t n) {
  const Shape square{n, n};
  const Tensor ones = equal(iota(x, square, 0, x.dtype()), iota(x, square, 1, x.dtype()));
  return reshape(ones, {1, n, n});
}

/// The stages of one step, solved together. Their joined rates stand behind one another in the
/// unknown [rows, s n].
class Collocation {
 public:
  Collocation(Rates& rates, const StepInputs& in, const Tableau& method)
      : rates_(rates),
        in_(in),
        method_(method),
        unknown_(rates, in.y),
        y0_(unknown_.join(in.y)),
        h_(matched(in.h, y0_)) {
    for (const auto& row : method.a) a_.push_back(solve::values(row));
  }

  const Unknown& unknown() const { return unknown_; }
  Tensor y0() const { return y0_; }
  Tensor h() const { return h_; }

  std::vector<Tensor> split_stages(Tensor z) const {
    return split(z, std::vector<std::int64_t>(method_.stages(), unknown_.size()));
  }
  Tensor state(const std::vector<Tensor>& k, std::size_t i) const {
    return y0_ + h_ * solve::weighted(k, a_[i]);
  }
  State rates_at(Tensor state, std::size_t i) const {
    return rates_(in_.t + in_.h * method_.c[i].value(), unknown_.put(state, in_.y));
  }

  Tensor residual(Tensor z) const {
    const std::vector<Tensor> k = split_stages(z);
    std::vector<Tensor> f;
    for (std::size_t i = 0; i < k.size(); ++i) f.push_back(unknown_.join(rates_at(state(k, i), i)));
    return z - concat(f);
  }

  /// I - h A (x) J with the Jacobian of each row's own stage: s of them, of n directions.
  Tensor matrix(Tensor z) const {
    const std::vector<Tensor> k = split_stages(z);
    const auto s = static_cast<std::int64_t>(k.size());
    const std::int64_t n = unknown_.size();
    std::vector<Tensor> blocks;
    for (std::size_t i = 0; i < k.size(); ++i) {
      const Tensor y = state(k, i);
      blocks.push_back(as_block(jacobian(unknown_.join(rates_at(y, i)), y)));
    }
    std::vector<double> flat;
    for (const Weights& row : a_) flat.insert(flat.end(), row.begin(), row.end());
    const Tensor a = constant(z, {s, 1, s, 1}, flat);
    const Tensor stages = blocks.size() == 1 ? blocks.front() : concat(blocks, 1);
    const Tensor coupled = reshape(stages * a, {kRows, s * n, s * n});
    return identity(z, s * n) - matched(in_.h, coupled) * coupled;
  }

  /// The polynomial through the last step's rates, extrapolated; the rates at its end at first.
  Tensor prediction() const {
    const std::vector<Tensor> last = split_stages(in_.carry[0]);
    const Tensor length = in_.carry[1];
    const Tensor none = equal(length, zeros_like(length));
    const Tensor ratio = select(none, zeros_like(length), in_.h / select(none, in_.h, length));
    const Tensor reach = matched(min(ratio, kFarthest), y0_);
    std::vector<Tensor> k;
    for (std::size_t i = 0; i < method_.stages(); ++i) {
      const Tensor x = 1.0 + method_.c[i].value() * reach;
      Tensor rate;
      for (std::size_t p = method_.dense.front().size(); p-- > 0;) {
        Weights slope;
        for (const auto& row : method_.dense) {
          slope.push_back(static_cast<double>(p + 1) * row[p].value());
        }
        const Tensor coefficient = solve::weighted(last, slope);
        rate = rate ? coefficient + x * rate : coefficient;
      }
      k.push_back(rate);
    }
    return concat(k);
  }

 private:
  Rates& rates_;
  const StepInputs& in_;
  const Tableau& method_;
  Unknown unknown_;
  Tensor y0_;
  Tensor h_;
  std::vector<Weights> a_;
};

}  // namespace

std::string FullyImplicit::refusal(const Dynamics& dynamics) const {
  return newton_refusal(dynamics, options_, tableau().stages());
}

int FullyImplicit::error_order() const { return static_cast<int>(tableau().stages()) + 1; }

/// Carries the stage rates of the last step, joined, and its length; at first the rates at its
/// beginning and zero.
std::vector<Tensor> FullyImplicit::start(Rates& rates, Tensor t, const State& y) const {
  const Tensor rate = Unknown(rates, y).join(rates(t, y));
  return {concat(std::vector<Tensor>(tableau().stages(), rate)), zeros_like(t)};
}

StepOutputs FullyImplicit::step(Rates& rates, const StepInputs& in) const {
  const Tableau& method = tableau();
  if (method.dense.empty()) bug("a fully implicit method needs its collocation polynomial");
  const Collocation stages(rates, in, method);
  const Unknown& unknown = stages.unknown();
  const Root found = root([&](Tensor z) { return stages.residual(z); }, stages.prediction(),
                          options_, [&](Tensor z, Tensor) { return stages.matrix(z); });
  const std::vector<Tensor> solved = stages.split_stages(found.z);
  const std::vector<Tensor> updates = stages.split_stages(found.update);

  StepOutputs out;
  std::vector<State> k;
  const bool quadratures = unknown.members().size() < in.y.size();
  for (std::size_t i = 0; i < solved.size(); ++i) {
    const Tensor at = stages.state(solved, i);
    k.push_back(unknown.put(solved[i], quadratures ? stages.rates_at(at, i) : in.y));
    const Tensor moved = stages.h() * solve::weighted(updates, solve::values(method.a[i]));
    const Tensor distance =
        unknown.convergence(rates, moved, in.y, unknown.put(at, in.y), options_.share);
    out.convergence = i == 0 ? distance : max(out.convergence, distance);
  }
  const State step = solve::steps_of(rates, in);
  const Weights b = solve::values(method.b);
  for (std::size_t m = 0; m < in.y.size(); ++m) {
    out.y.push_back(in.y[m] + step[m] * solve::weighted(k, b, m));
  }
  out.carry = {stop_gradient(found.z), in.h};

  const double g = error_weight().value();
  const State f0 = rates(in.t, unknown.put(stages.y0(), in.y));
  Weights slope;
  for (const auto& row : method.dense) slope.push_back(row.front().value());
  for (std::size_t m = 0; m < in.y.size(); ++m) {
    out.error.push_back((g * step[m]) * (f0[m] - solve::weighted(k, slope, m)));
  }
  const Tensor by_state = jacobian(unknown.join(f0), stages.y0());
  const Tensor matrix =
      identity(by_state, unknown.size()) - (g * matched(in.h, by_state)) * by_state;
  out.error = unknown.put(solve_rows(matrix, unknown.join(out.error)), out.error);
  out.dense = solve::dense_output(method, step, in.y, k, in.y, out.y);
  return out;
}

State FullyImplicit::interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const {
  return solve::polynomial_at(x, in.y, out.dense);
}

}  // namespace odeum::inline v1
