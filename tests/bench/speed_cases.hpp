// SPDX-License-Identifier: Apache-2.0
// The workloads of bench_speeds and what a peer takes for them on the same machine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace odeum::bench {

/// One workload in one mode at one number of threads.
struct Case {
  std::string workload;  ///< "W1"
  std::string mode;      ///< "concat tanh, exact, adjoint"
  std::string file;      ///< in workloads/
  std::vector<std::string> sets;
  int threads = 1;
  double peer_ms = 0.0;  ///< torchdiffeq's best median at this number of threads; 0: not measured
  // Products of matrices alone: an evaluation with D products with the Jacobian costs (1 + D) F,
  // its backward 2 (1 + D) F, F = 2 rows sum(in * out). An adjoint's backward evaluation is both.
  double layers_flop = 0.0;  ///< F
  int jacobian_products = 0;
  bool adjoint = false;
  bool doubled_hidden = false;  ///< weights of hidden layers twice their initial values
  std::int64_t rows = 0;        ///< of an initial value problem
};

/// All of them, in the order of the report. `wide_file`: 43 columns of numbers for W3.
std::vector<Case> cases(const std::string& wide_file);

/// What one run of a case did.
struct Run {
  std::int64_t forward = 0;   ///< evaluations of the field
  std::int64_t backward = 0;  ///< as the gradient method counts them
};

/// A case ready to run.
struct Prepared {
  double assembly_seconds = 0.0;  ///< recording and compiling, before the first run
  std::function<Run()> run;
};
Prepared prepare(const Case& one);

/// Floating-point operations of the matrix products of a run; 0 for initial value problems.
double flop(const Case& one, const Run& run);

}  // namespace odeum::bench
