// SPDX-License-Identifier: Apache-2.0
#include "odeum/implicit.hpp"

namespace {

using namespace odeum;

const Tableau kTableau{
    .order = 2,
    .a = {{"1/2"}},
    .b = {"1"},
    .c = {"1/2"},
    .dense = {{"1"}},
    .dense_order = 1,
};

/// (a - b) / length by member.
State quotient(const State& a, const State& b, Tensor length) {
  State result;
  for (std::size_t m = 0; m < a.size(); ++m) {
    result.push_back((a[m] - b[m]) / step_for(length, a[m]));
  }
  return result;
}

/// The rates at midpoints are the first divided differences of the steps' states. Carried are the
/// last step's, its length, and the second divided difference at its beginning; at first the rates
/// at the initial state, as of a step of no length, and zeros.
class ImplicitMidpoint final : public DiagonallyImplicit {
 public:
  static Schema schema() {
    return Schema(
               "Implicit midpoint rule, order 2, A-stable, symmetric and symplectic with given "
               "steps; adaptive by the third divided difference of the last four states; the "
               "first step by the second one")
        .cite(
            "E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), II.1 and "
            "VI.4")
        .cite(
            "L. W. Nagel, SPICE2: a computer program to simulate semiconductor circuits, Univ. "
            "California, Berkeley, ERL-M520 (1975): local errors from divided differences")
        .include(newton_keys());
  }
  explicit ImplicitMidpoint(const Config& config) : DiagonallyImplicit(newton_options(config)) {}
  const Tableau& tableau() const override { return kTableau; }
  int error_order() const override { return 3; }

  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override {
    std::vector<Tensor> carry = rates(t, y);
    for (const Tensor& member : y) carry.push_back(zeros_like(member));
    carry.push_back(zeros_like(t));
    return carry;
  }

  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    const auto members = static_cast<std::ptrdiff_t>(in.y.size());
    const State last(in.carry.begin(), in.carry.begin() + members);
    const State bend(in.carry.begin() + members, in.carry.begin() + 2 * members);
    const Tensor length = in.carry.back();
    const Tensor both = in.h + length;
    State guess;
    for (std::size_t m = 0; m < last.size(); ++m) {
      guess.push_back(last[m] + step_for(both, last[m]) * bend[m]);
    }
    StepOutputs out = step_from(rates, in, guess);

    // The parabola that is the dense output of no quadrature: out.dense is h times the rate.
    State rate;
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      rate.push_back(out.dense[m] / step_for(in.h, in.y[m]));
    }
    const State bend_now = quotient(rate, last, both);
    const Tensor first = equal(length, zeros_like(length));
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      const Tensor h = step_for(in.h, in.y[m]);
      const Tensor third = bend_now[m] - bend[m];
      const Tensor start = broadcast(step_for(first, in.y[m]), third.shape());
      out.error.push_back(h * h * select(start, bend_now[m], third));
    }
    out.carry = rate;
    out.carry.insert(out.carry.end(), bend_now.begin(), bend_now.end());
    out.carry.push_back(in.h);
    return out;
  }
};

}  // namespace

ODEUM_PLUGIN(solver, "implicit_midpoint", ImplicitMidpoint, "1.0.0",
             "Implicit midpoint rule, order 2, A-stable")
