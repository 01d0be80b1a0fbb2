// SPDX-License-Identifier: Apache-2.0
#include "odeum/implicit.hpp"

namespace {

using namespace odeum;

const Tableau kTableau{
    .order = 2,
    .a = {{}, {"1/2", "1/2"}},
    .b = {"1/2", "1/2"},
    .c = {"0", "1"},
    .dense_order = 3,
};

/// Carries the rates at the step's beginning, those one step earlier and that step's length, which
/// is zero at first.
class Trapezoid final : public DiagonallyImplicit {
 public:
  static Schema schema() {
    return Schema(
               "Trapezoidal rule (Crank-Nicolson), order 2, A-stable; adaptive by its difference "
               "to the Adams-Bashforth rule of order 2, whose error is of the same form; the first "
               "step by its difference to implicit Euler")
        .cite(
            "P. M. Gresho, R. L. Lee, R. L. Sani, On the time-dependent solution of the "
            "incompressible Navier-Stokes equations in two and three dimensions, Recent Advances "
            "in Numerical Methods in Fluids 1 (1980) 27-79")
        .cite(
            "D. A. Kay, P. M. Gresho, D. F. Griffiths, D. J. Silvester, Adaptive time-stepping for "
            "incompressible flow II: Navier-Stokes equations, SIAM J. Sci. Comput. 32 (2010) "
            "111-128")
        .include(newton_keys());
  }
  explicit Trapezoid(const Config& config) : DiagonallyImplicit(newton_options(config)) {}
  const Tableau& tableau() const override { return kTableau; }
  int error_order() const override { return 3; }

  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override {
    std::vector<Tensor> carry = rates(t, y);
    const std::vector<Tensor> earlier = carry;
    carry.insert(carry.end(), earlier.begin(), earlier.end());
    carry.push_back(zeros_like(t));
    return carry;
  }

  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    const auto members = static_cast<std::ptrdiff_t>(in.y.size());
    const State now(in.carry.begin(), in.carry.begin() + members);
    const State earlier(in.carry.begin() + members, in.carry.begin() + 2 * members);
    const Tensor length = in.carry.back();
    StepOutputs out = step_from(rates, in, now).out;

    const Tensor first = equal(length, zeros_like(length));
    const Tensor ratio = in.h / select(first, in.h, length);
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      const Tensor rise = out.carry[m] - now[m];
      const Tensor bend = rise - matched(ratio, in.y[m]) * (now[m] - earlier[m]);
      const Tensor h = matched(in.h, in.y[m]);
      // (y1 - y1 of Adams-Bashforth) / (3 (1 + length / h)).
      const Tensor scale = matched(ratio / (6.0 * (1.0 + ratio)), in.y[m]);
      out.error.push_back(
          h * select(broadcast(matched(first, in.y[m]), rise.shape()), 0.5 * rise, scale * bend));
    }
    out.carry.insert(out.carry.end(), now.begin(), now.end());
    out.carry.push_back(in.h);
    return out;
  }
};

}  // namespace

ODEUM_PLUGIN(solver, "trapezoid", Trapezoid, "1.0.0", "Trapezoidal rule, order 2, A-stable")
