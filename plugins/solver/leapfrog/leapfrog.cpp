// SPDX-License-Identifier: Apache-2.0
#include "../polynomial_output.hpp"
#include "../step_length.hpp"

namespace {

using namespace odeum;

/// Carry: a velocity v for every member, quadratures included, so that their errors are estimated
/// too. With eta = 1 a quadrature is summed by the midpoint rule, whatever its v.
class Leapfrog final : public Solver {
 public:
  static Schema schema() {
    return Schema(
               "Asynchronous leapfrog, as in MALI: a reversible method with one evaluation a step, "
               "at its middle; a velocity is carried beside the state, and the step can be undone "
               "exactly, so gradients need no memory. Order 2 with eta 1, order 1 below. Error "
               "estimate: half the difference of the middle's rate and the carried velocity; "
               "adaptive, or with given steps. Parabolic dense output of order 2 (eta 1)")
        .number("eta", 1.0,
                "damping: 1 is leapfrog, which is stable under oscillations alone and shakes where "
                "solutions decay; less damps its velocity, at the price of an order, and undoing a "
                "step magnifies the velocity's rounding by 1 / (2 eta - 1)")
        .above(0.5)
        .at_most(1.0)
        .cite(
            "J. Zhuang, N. C. Dvornek, S. Tatikonda, J. S. Duncan, MALI: a memory efficient and "
            "reverse accurate integrator for neural ODEs, ICLR 2021: the step, its inverse and the "
            "damping; the error estimate is that of the authors' TorchDiffEqPack")
        .cite("U. Mutze, An asynchronous leapfrog method II, arXiv 1311.6602 (2013)");
  }
  explicit Leapfrog(const Config& config) : eta_(config.number("eta")) {}

  int order() const override { return eta_ == 1.0 ? 2 : 1; }
  int error_order() const override { return 2; }
  bool reversible() const override { return true; }

  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override {
    return rates(t, y);
  }

  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    const State& v = in.carry;
    const State half = half_lengths(rates, in);
    State middle;
    for (std::size_t m = 0; m < in.y.size(); ++m) middle.push_back(in.y[m] + half[m] * v[m]);
    const State u = rates(in.t + 0.5 * in.h, middle);
    StepOutputs out;
    std::vector<Tensor> squares;
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      out.carry.push_back(v[m] + (2.0 * eta_) * (u[m] - v[m]));
      out.y.push_back(middle[m] + half[m] * out.carry[m]);
      out.error.push_back(half[m] * (u[m] - v[m]));
      // y1 - y0 = h (v0 + v1) / 2 lets a parabola have both velocities.
      out.dense.push_back(2.0 * half[m] * v[m]);
      squares.push_back(half[m] * (out.carry[m] - v[m]));
    }
    out.dense.insert(out.dense.end(), squares.begin(), squares.end());
    return out;
  }

  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override {
    return solvers::polynomial_output(x, in.y, out.dense);
  }

  StepOutputs undo(Rates& rates, const StepInputs& end) const override {
    const State& v = end.carry;
    const State half = half_lengths(rates, end);
    State middle;
    for (std::size_t m = 0; m < end.y.size(); ++m) middle.push_back(end.y[m] - half[m] * v[m]);
    const State u = rates(end.t - 0.5 * end.h, middle);
    StepOutputs out;
    for (std::size_t m = 0; m < end.y.size(); ++m) {
      out.carry.push_back(((2.0 * eta_) * u[m] - v[m]) / (2.0 * eta_ - 1.0));
      out.y.push_back(middle[m] - half[m] * out.carry[m]);
    }
    return out;
  }

 private:
  static State half_lengths(const Rates& rates, const StepInputs& in) {
    State half;
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      half.push_back(0.5 * solvers::step_length(rates, m, in.h, in.y[m]));
    }
    return half;
  }

  double eta_;
};

}  // namespace

ODEUM_PLUGIN(solver, "leapfrog", Leapfrog, "1.0.0",
             "Asynchronous leapfrog, reversible, one evaluation a step")
