// SPDX-License-Identifier: Apache-2.0
// The nodes of the parameter integral as rows of one batch: once state and cotangent are known at
// a node, nodes are independent, so one vector-Jacobian product serves them all.
//
//   dL/dparameters = sum over nodes k of weight_k a(t_k)^T df/dparameters(t_k, z(t_k))
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "odeum/adjoint_sweep.hpp"
#include "placement.hpp"

namespace gauss_legendre {

using namespace odeum;

/// Why rows of several times cannot be one batch of this dynamics; empty: they can.
std::string batch_refusal(const Dynamics& dynamics);

class NodeBatch {
 public:
  /// At most `limit` bytes for nodes that are worked on together, but one node always.
  NodeBatch(const SolveSetting& setting, const AdjointEquation& equation, std::size_t limit);

  /// Empties the batch and makes room for `nodes` of them, of which `least` must fit in.
  void open(const SolveCall& call, std::size_t nodes, std::size_t least);
  /// Whether so many more nodes fit in behind those there.
  bool fits(std::size_t nodes) const { return filled_ + nodes <= capacity_; }

  /// Adds nodes. Returns where their states and the states' cotangents go, [node][state, then
  /// cotangent of state]; all else is taken from `cotangents`, those of all members now.
  std::vector<View> add(std::span<const Node> nodes, std::span<const View> cotangents);

  /// Adds the weighted products of `count` nodes from `first` on to the targets.
  void accumulate(const SolveCall& call, View direction, const CotangentTargets& targets,
                  std::size_t first, std::size_t count);

  /// Weightless integrands at all nodes, projected onto fixed random directions in the space of
  /// parameters: [node][projection][row]. Parameters with rows of their own come last.
  struct Projections {
    std::size_t shared = 0;  ///< directions of parameters that all rows share
    std::size_t by_row = 0;  ///< of parameters that each row has for itself
    std::vector<double> values;
  };
  Projections project(const SolveCall& call, View direction);

  void clear() { filled_ = 0; }
  std::size_t size() const { return filled_; }

 private:
  std::vector<View> arguments(const SolveCall& call, View direction, std::size_t first) const;
  std::size_t fitting(std::size_t nodes) const;
  const Member& member(std::size_t m) const { return setting_.dynamics().members[m]; }

  const SolveSetting& setting_;
  const AdjointEquation& equation_;
  std::size_t limit_;
  std::unique_ptr<Executable> run_product_, run_projection_;
  std::vector<std::unique_ptr<Executable>> add_rows_;  ///< by parameter; null where all rows share
  std::size_t projected_ = 0;                          ///< outputs of run_projection_
  std::size_t projected_by_row_ = 0;

  std::int64_t rows_ = 0;
  std::size_t capacity_ = 0, filled_ = 0, chunk_ = 1;
  DeviceBuffer times_, weights_, projections_;
  std::vector<DeviceBuffer> states_;      ///< by state, [node][rows, ...]
  std::vector<DeviceBuffer> cotangents_;  ///< by member
  std::vector<DeviceBuffer> tiled_;       ///< by constant, those with rows
  std::vector<DeviceBuffer> row_targets_;
  View times_view_, weights_view_;
  std::vector<View> state_views_, cotangent_views_, tiled_views_, row_target_views_;
};

}  // namespace gauss_legendre
