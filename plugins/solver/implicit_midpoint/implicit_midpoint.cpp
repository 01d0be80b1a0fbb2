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
    result.push_back((a[m] - b[m]) / matched(length, a[m]));
  }
  return result;
}

/// The rates at midpoints are the first divided differences of the steps' states. Carried are the
/// last step's, the second divided differences of the last two steps, and the lengths of the last
/// and of the last two; at first the rates at the initial state, as of a step of no length, and
/// zeros.
class ImplicitMidpoint final : public DiagonallyImplicit {
 public:
  static Schema schema() {
    return Schema(
               "Implicit midpoint rule, order 2, A-stable, symmetric and symplectic with given "
               "steps; adaptive by the third divided difference of the last four states; the "
               "first step by the second one. Errors in very stiff components stay: sdirk2 damps "
               "them")
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
    carry.push_back(zeros_like(t));
    return carry;
  }

  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    const auto members = static_cast<std::ptrdiff_t>(in.y.size());
    const State last(in.carry.begin(), in.carry.begin() + members);
    const State bend(in.carry.begin() + members, in.carry.begin() + 2 * members);
    const Tensor length = in.carry[in.carry.size() - 2];
    const Tensor last_two = in.carry.back();
    const Tensor both = in.h + length;
    State guess;
    for (std::size_t m = 0; m < last.size(); ++m) {
      guess.push_back(last[m] + matched(both, last[m]) * bend[m]);
    }
    auto [out, stages] = step_from(rates, in, guess);
    const State& rate = stages.front();
    const State bend_now = quotient(rate, last, both);
    const Tensor first = equal(length, zeros_like(length));
    const Tensor share = in.h / (2.0 * (in.h + last_two));
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      const Tensor h = matched(in.h, in.y[m]);
      // h^3 y''' / 12: a linear equation's error; that of a quadrature is half of it.
      const Tensor third = matched(share, in.y[m]) * (bend_now[m] - bend[m]);
      const Tensor start = broadcast(matched(first, in.y[m]), third.shape());
      out.error.push_back(h * h * select(start, bend_now[m], third));
    }
    out.carry = rate;
    out.carry.insert(out.carry.end(), bend_now.begin(), bend_now.end());
    out.carry.push_back(in.h);
    out.carry.push_back(both);
    return out;
  }
};

}  // namespace

ODEUM_PLUGIN(solver, "implicit_midpoint", ImplicitMidpoint, "1.0.0",
             "Implicit midpoint rule, order 2, A-stable")
