// SPDX-License-Identifier: Apache-2.0
// A solve differentiated by its adjoint equation for state and cotangent alone; the parameters'
// cotangents are an integral along it, taken by quadrature at nodes that never influence the steps:
// the solver passes over them and looks back with its dense output.
//
// Norcliffe, Deisenroth, Faster training of neural ODEs using Gauss-Legendre quadrature, TMLR 2023,
// arXiv 2308.10644.
#pragma once

#include <memory>
#include <vector>

#include "node_batch.hpp"

namespace gauss_legendre {

/// How nodes are chosen.
enum class Nodes : std::uint8_t { steps, published, adaptive };

struct Policy {
  Nodes nodes = Nodes::steps;
  std::int64_t panel = 4;    ///< steps: how many steps of the forward solve share a rule
  std::int64_t surplus = 3;  ///< steps: how many points the rule has beyond its steps
  double density = 0.1;      ///< published: C of n = C evaluations
  int rule = 15;             ///< adaptive: points of the nested rule on a panel
  double tolerance = 0.0;    ///< adaptive: relative error of an interval's integral
  std::size_t memory = 0;    ///< bytes that nodes worked on together may take
};

class QuadratureSolve final : public DifferentiableSolve {
 public:
  QuadratureSolve(std::unique_ptr<SolveSetting> setting, const std::vector<bool>& wanted,
                  const Policy& policy, const AdjointTerms& terms, const SolveOptions& backward);

  SolveReport forward(const SolveCall& call) override;
  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override;
  std::size_t kept_bytes() const override { return sweep_.kept_bytes(); }
  std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                 std::int64_t) const override {
    return sweep_.kept_bytes(rows, results);
  }

  const Dynamics& equation() const { return equation_.dynamics; }

 private:
  struct Pass {
    const SolveCall& call;
    const CotangentTargets& targets;
    bool integral;       ///< whether anyone asks for the parameters' cotangents
    double scale = 0.0;  ///< of the integral over |integrand| so far, in its projections
  };
  /// Where the backward solve of an interval stops.
  enum class Reach : std::uint8_t { last_node, end };

  std::vector<Node> known_nodes(const SolveCall& call, std::size_t time) const;
  std::vector<Panel> panels(const SolveCall& call, std::size_t time, std::int64_t steps) const;
  SolveReport solve_back(const SolveCall& call, std::size_t time, std::span<const Node> nodes,
                         std::span<const View> from, Reach reach);
  SolveReport known_interval(Pass& pass, std::size_t time);
  SolveReport adaptive_interval(Pass& pass, std::size_t time);
  std::vector<View> keep_start(const SolveCall& call, std::size_t time);
  void accumulate_all(Pass& pass);

  std::unique_ptr<SolveSetting> setting_;
  Policy policy_;
  AdjointEquation equation_;
  AdjointSweep sweep_;
  NodeBatch batch_;
  std::unique_ptr<Integrator> forward_, backward_;
  std::vector<QuadratureRule> rules_;  ///< by number of points less one
  NestedRule nested_;
  std::int64_t forward_evaluations_ = 0;
  std::vector<std::vector<double>> step_begins_;  ///< of the forward solve, by interval
  std::vector<DeviceBuffer> interval_starts_;     ///< cotangents by state, to start anew from
};

}  // namespace gauss_legendre
