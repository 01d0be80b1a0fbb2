// SPDX-License-Identifier: Apache-2.0
#include "../step_length.hpp"
#include "odeum/solve.hpp"

namespace {

using namespace odeum;

bool in_halves(const Shape& shape) {
  return shape.has_rows() && shape.rank() > 1 && shape[shape.rank() - 1] % 2 == 0;
}

/// The first half of the last axis from `positions`, the second from `velocities`.
Tensor joined(Tensor positions, Tensor velocities) {
  const std::int64_t half = positions.extent(-1) / 2;
  return concat({slice(positions, -1, 0, half), slice(velocities, -1, half, 2 * half)});
}

class SemiImplicitEuler final : public Solver {
 public:
  static Schema schema() {
    return Schema(
               "Semi-implicit (symplectic) Euler, order 1, given steps: the velocities take their "
               "step with the old positions, then the positions take theirs with the new "
               "velocities. The state's last axis is [positions, velocities], in halves. "
               "Symplectic, with energy errors that stay bounded, where positions' rates depend "
               "on velocities (and time) alone and velocities' rates on positions (and time) "
               "alone; a first-order method for any other field. Costs two evaluations a step, of "
               "which each needs half the field; quadratures follow the second; linear dense "
               "output")
        .cite(
            "E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), I.1.2, eq. "
            "1.9, and VI.3, theorem 3.3");
  }
  explicit SemiImplicitEuler(const Config&) {}

  int order() const override { return 1; }

  std::string refusal(const Dynamics& dynamics) const override {
    const Member& state = dynamics.members.front();
    if (in_halves(state.shape)) return "";
    return "takes the last axis of the state for positions and velocities in halves, and that of "
           "'" +
           state.name + "' " + state.shape.text() +
           " cannot be halved: use midpoint, leapfrog or another method for first-order systems";
  }

  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    const State first = rates(in.t, in.y);
    State moved = in.y;
    std::vector<Tensor> lengths;
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      lengths.push_back(solvers::step_length(rates, m, in.h, in.y[m]));
      if (rates.quadrature(m)) continue;
      const Tensor end = in.y[m] + lengths[m] * first[m];
      // Members beside the state that have no halves move with the velocities.
      moved[m] = in_halves(in.y[m].shape()) ? joined(in.y[m], end) : end;
    }
    const State second = rates(in.t, moved);
    StepOutputs out;
    for (std::size_t m = 0; m < in.y.size(); ++m) {
      const Tensor end = in.y[m] + lengths[m] * second[m];
      if (rates.quadrature(m)) {
        out.y.push_back(end);
      } else {
        out.y.push_back(in_halves(in.y[m].shape()) ? joined(end, moved[m]) : moved[m]);
      }
    }
    return out;
  }
};

}  // namespace

ODEUM_PLUGIN(solver, "semi_implicit_euler", SemiImplicitEuler, "1.0.0",
             "Symplectic Euler for positions and velocities, order 1")
