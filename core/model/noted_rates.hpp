// SPDX-License-Identifier: Apache-2.0
// Rates handed through, with the evaluations of z's that a step makes noted.
#pragma once

#include <vector>

#include "odeum/regularizer.hpp"
#include "odeum/solver.hpp"

namespace odeum::model {

class NotedRates final : public Rates {
 public:
  NotedRates(Rates& rates, const program::Graph* graph) : rates_(rates), graph_(graph) {}

  State operator()(Tensor t, const State& y) override {
    State result = rates_(t, y);
    note(t, y.front(), result.front());
    return result;
  }
  Parts parts(Tensor t, const State& y) override {
    Parts result = rates_.parts(t, y);
    note(t, y.front(), result.rest.front() + result.stiff.front());
    return result;
  }
  bool quadrature(std::size_t member) const override { return rates_.quadrature(member); }
  Tensor tolerance(std::size_t member, Tensor magnitude) const override {
    return rates_.tolerance(member, magnitude);
  }
  bool along_absolute_time(std::size_t member) const override {
    return rates_.along_absolute_time(member);
  }
  std::int64_t calls() const override { return rates_.calls(); }

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
  Rates& rates_;
  const program::Graph* graph_;
};

}  // namespace odeum::model
