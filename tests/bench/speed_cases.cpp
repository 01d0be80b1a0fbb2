// SPDX-License-Identifier: Apache-2.0
#include "speed_cases.hpp"

#include <chrono>
#include <utility>

#include "initial_value_solve.hpp"
#include "training_step.hpp"

namespace odeum::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Sets = std::vector<std::string>;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string file_of(const Case& one) {
  return std::string(ODEUM_SOURCE) + "/tests/bench/workloads/" + one.file;
}

Sets sets_of(const Case& one) {
  Sets sets = one.sets;
  sets.push_back("device.threads=" + std::to_string(one.threads));
  return sets;
}

// --- Training steps -------------------------------------------------------------------------

Prepared prepare_step(const Case& one) {
  Prepared prepared;
  const auto begin = Clock::now();
  const auto step = std::make_shared<TrainingStep>(file_of(one), sets_of(one));
  prepared.assembly_seconds = seconds_since(begin);
  step->fill(one.doubled_hidden ? 2.0 : 1.0);
  prepared.run = [step] {
    const model::StepResult result = step->run();
    return Run{result.evaluations.forward, result.evaluations.backward};
  };
  return prepared;
}

// --- Initial value problems -----------------------------------------------------------------

Prepared prepare_solve(const Case& one) {
  Prepared prepared;
  const auto begin = Clock::now();
  const auto solve = std::make_shared<InitialValueSolve>(file_of(one), sets_of(one), one.rows);
  prepared.assembly_seconds = seconds_since(begin);
  solve->fill();
  prepared.run = [solve] { return Run{solve->run(), 0}; };
  return prepared;
}

// --- The table ------------------------------------------------------------------------------

/// torchdiffeq 657943a on torch 1.13 (CPU), best of two medians, at 1 and 2 threads [ms].
struct Peer {
  double one, two;
};

void add(std::vector<Case>& all, Case one, const Peer& peer) {
  for (const int threads : {1, 2}) {
    one.threads = threads;
    one.peer_ms = threads == 1 ? peer.one : peer.two;
    all.push_back(one);
  }
}

constexpr double kRows = 512.0;
constexpr double kConcat = 2.0 * kRows * (3 * 64 + 2 * 65 * 64 + 65 * 2);
constexpr double kSquash = 2.0 * kRows * (2 * 64 + 2 * 64 * 64 + 64 * 2);
constexpr double kWide = 2.0 * 1000.0 * (2 * 43 * 860 + 860 * 860);

struct Net {
  const char* name;
  Sets sets;
  double flop;
};

void add_w1(std::vector<Case>& all) {
  const std::vector<Net> nets = {
      {"concat tanh", {}, kConcat},
      {"concatsquash softplus",
       {"flow.field.time=concatsquash", "flow.field.activation=softplus"},
       kSquash}};
  const Peer peers[2][2][2] = {{{{104.8, 111.5}, {71.5, 95.1}}, {{101.6, 128.1}, {44.7, 65.0}}},
                               {{{97.3, 138.8}, {80.9, 103.1}}, {{109.0, 88.4}, {57.5, 65.3}}}};
  for (std::size_t net = 0; net < 2; ++net) {
    for (std::size_t estimator = 0; estimator < 2; ++estimator) {
      for (std::size_t method = 0; method < 2; ++method) {
        const std::string trace = estimator == 0 ? "exact" : "hutchinson";
        const std::string gradient = method == 0 ? "adjoint" : "backprop";
        Case one;
        one.workload = "W1";
        one.mode = nets[net].name;
        one.mode.append(", ").append(trace).append(", ").append(gradient);
        one.file = "w1.yaml";
        one.sets = nets[net].sets;
        one.sets.push_back("flow.divergence.estimator=" + trace);
        one.sets.push_back("flow.gradient=" + gradient);
        one.layers_flop = nets[net].flop;
        one.jacobian_products = estimator == 0 ? 2 : 1;
        one.adjoint = method == 0;
        one.doubled_hidden = true;
        add(all, one, peers[net][estimator][method]);
      }
    }
  }
}

void add_w2(std::vector<Case>& all) {
  Case one;
  one.workload = "W2";
  one.mode = "concat tanh, penalties, backprop";
  one.file = "w2.yaml";
  one.layers_flop = kConcat;
  one.jacobian_products = 1;
  one.doubled_hidden = true;
  add(all, one, {29.7, 36.4});
  one.mode = "concatsquash softplus, penalties, backprop";
  one.sets = {"flow.field.time=concatsquash", "flow.field.activation=softplus"};
  one.layers_flop = kSquash;
  add(all, one, {43.8, 67.4});
}

void add_w3(std::vector<Case>& all, const std::string& wide_file) {
  Case one;
  one.workload = "W3";
  one.mode = "adjoint, dopri5 1e-5";
  one.file = "w3.yaml";
  one.sets = {"data.file=" + wide_file};
  one.layers_flop = kWide;
  one.jacobian_products = 1;
  one.adjoint = true;
  add(all, one, {2614.0, 2243.0});
  one.mode = "backprop, kutta38, 8 steps";
  one.sets.push_back("flow.solver={use: kutta38, steps: 8}");
  one.sets.push_back("flow.gradient=backprop");
  one.adjoint = false;
  add(all, one, {2730.0, 2055.0});
}

void add_w6(std::vector<Case>& all) {
  Case one;
  one.workload = "W6";
  one.file = "w6.yaml";
  for (const auto& [rows, peer] : {std::pair{1, 652.7}, {20, 761.1}}) {
    one.mode = "Lorenz, T = 20, batch " + std::to_string(rows);
    one.rows = rows;
    add(all, one, {peer, 0.0});
  }
}

}  // namespace

std::vector<Case> cases(const std::string& wide_file) {
  std::vector<Case> all;
  add_w1(all);
  add_w2(all);
  add_w3(all, wide_file);
  add_w6(all);
  return all;
}

Prepared prepare(const Case& one) { return one.rows > 0 ? prepare_solve(one) : prepare_step(one); }

double flop(const Case& one, const Run& run) {
  const double evaluation = (1.0 + one.jacobian_products) * one.layers_flop;
  const auto forward = static_cast<double>(run.forward);
  const auto backward = static_cast<double>(run.backward);
  if (one.adjoint) return evaluation * (forward + 3.0 * backward);
  return 3.0 * evaluation * forward;
}

}  // namespace odeum::bench
