// SPDX-License-Identifier: Apache-2.0
// Rates handed through, with the evaluations of z's that a step makes noted.
#pragma once

#include <vector>

#include "odeum/regularizer.hpp"
#include "odeum/solver.hpp"
#include "solve/around.hpp"

namespace odeum::model {

class NotedRates final : public solve::RatesAround {
 public:
  NotedRates(Rates& rates, const program::Graph* graph) : RatesAround(rates), graph_(graph) {}

  State operator()(Tensor t, const State& y) override {
    State result = inner()(t, y);
    note(t, y.front(), result.front());
    return result;
  }
  Parts parts(Tensor t, const State& y) override {
    Parts result = inner().parts(t, y);
    note(t, y.front(), result.rest.front() + result.stiff.front());
    return result;
  }

  /// An evaluation made elsewhere.
  void note(Tensor t, Tensor z, Tensor rate) {
    // What is evaluated inside an iteration has a recording of its own and is no stage.
    if (z.graph() != graph_) return;
    for (const SolverStep::Evaluation& known : noted) {
      if (known.t.id() == t.id() && known.z.id() == z.id()) return;
    }
    noted.push_back({t, z, rate});
  }

  std::vector<SolverStep::Evaluation> noted;  ///< in the order made

 private:
  const program::Graph* graph_;
};

}  // namespace odeum::model
