// SPDX-License-Identifier: Apache-2.0
// CVODE's memory for one equation at one number of rows: made once, started anew for every solve.
// Everything that CVODE asks for (right-hand sides, Jacobians, weights) is answered from here.
#pragma once

#include <cvodes/cvodes.h>

#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "equation.hpp"

namespace odeum::cvode {

enum class Formula : std::uint8_t { bdf, adams };
/// What solves CVODE's nonlinear equations; `none` is Adams' fixed-point iteration.
enum class LinearSolver : std::uint8_t { none, dense, krylov };

struct Choices {
  Formula formula = Formula::bdf;
  LinearSolver linear_solver = LinearSolver::dense;
  int max_order = 5;
  int krylov_dimension = 5;
};

template <auto Free>
struct FreedBy {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};

struct FreedContext {
  void operator()(SUNContext context) const { SUNContext_Free(&context); }
};
struct FreedMemory {
  void operator()(void* memory) const { CVodeFree(&memory); }
};

class Session {
 public:
  /// `equation` is bound to its rows and must outlive the session.
  Session(Equation& equation, const Choices& choices, const SolveOptions& options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The vectors that a solve starts from and where `step` leaves the state.
  double* y() { return N_VGetArrayPointer(y_.get()); }
  double* q() { return N_VGetArrayPointer(q_.get()); }

  /// Begins anew at t from y and q; `direction` is the sign of the steps.
  void start(double t, double direction);
  void stop_at(double t);
  /// One step towards `towards`, at most to the stop. Returns CVODE's flag; t, y and q are those at
  /// its end. Rethrows what a callback threw.
  int step(double towards, double& t);
  /// States and quadratures at a time inside the last step, into y and q.
  void interpolate(double t);

  struct Counts {
    std::int64_t steps = 0, failures = 0;  ///< accepted and repeated ones since `start`
  };
  Counts counts() const;
  double last_step() const;  ///< accepted, signed
  double next_step() const;  ///< tried or to be tried, signed
  /// By entry of the state: the error estimate of the last attempt over its tolerance.
  enum class Attempt : std::uint8_t { accepted, failed };
  std::vector<double> error_over_tolerance(Attempt last) const;
  /// Right-hand sides that were not finite.
  enum class Seen : std::uint8_t { nothing, state, quadratures };
  struct NonFinite {
    int count = 0;
    double t = 0.0;  ///< the nearest to where the steps come from
    Seen where = Seen::nothing;
    std::vector<double> rates;  ///< the last ones
  };
  /// Since `start` or `forget_non_finite`.
  const NonFinite& non_finite() const { return non_finite_; }
  void forget_non_finite() { non_finite_ = {}; }

 private:
  using Vector = std::unique_ptr<_generic_N_Vector, FreedBy<N_VDestroy>>;
  struct Callbacks;

  Vector make_vector(std::int64_t entries) const;
  void choose_iteration();
  void set_tolerances();
  void require(int flag, const char* what) const;
  bool finite(double t, N_Vector rates, Seen where);
  template <class Body>
  int guarded(const Body& body);

  Equation& equation_;
  Choices choices_;
  SolveOptions options_;
  // Destroyed from the last to the first: CVODE's memory before what it refers to.
  std::unique_ptr<_SUNContext, FreedContext> context_;
  Vector y_, q_, q_tolerance_;
  std::unique_ptr<_generic_SUNMatrix, FreedBy<SUNMatDestroy>> matrix_;
  std::unique_ptr<_generic_SUNLinearSolver, FreedBy<SUNLinSolFree>> linear_;
  std::unique_ptr<_generic_SUNNonlinearSolver, FreedBy<SUNNonlinSolFree>> nonlinear_;
  std::unique_ptr<void, FreedMemory> memory_;
  std::vector<double> absolute_, weight_;  ///< by entry of the state
  NonFinite non_finite_;
  double direction_ = 1.0;
  std::exception_ptr thrown_;
};

}  // namespace odeum::cvode
