// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <nvector/nvector_serial.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "block_matrix.hpp"
#include "odeum/error.hpp"

namespace odeum::cvode {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Of an entry that error control leaves out.
constexpr double kAnyError = 1e100;

/// The absolute tolerance of an entry, as the step loop takes it: a vector goes along the last axis
/// of members that have as many entries there, others take its smallest.
double absolute_tolerance(const Member& member, std::int64_t component,
                          const SolveOptions& options) {
  const auto entries = static_cast<std::int64_t>(options.atol.size());
  const int rank = member.shape.rank();
  if (entries > 1 && rank > 1 && member.shape[rank - 1] == entries) {
    return options.atol[static_cast<std::size_t>(component % entries)];
  }
  return *std::min_element(options.atol.begin(), options.atol.end());
}

/// What makes CVODE's one root mean square over all entries at least the largest weighted RMS of
/// the members.
double share(const Member& member, std::int64_t entries, std::int64_t rows) {
  const auto own = static_cast<double>(std::max<std::int64_t>(1, member.shape.elements(rows)));
  return member.norm_weight * std::sqrt(static_cast<double>(entries) / own);
}

void silent(int, const char*, const char*, char*, void*) {}

}  // namespace

/// What CVODE calls. 0: done; 1: not finite, try a shorter step; -1: an exception, give up.
struct Session::Callbacks {
  static Session& of(void* data) { return *static_cast<Session*>(data); }

  static int rates(sunrealtype t, N_Vector y, N_Vector rates, void* data) {
    Session& s = of(data);
    return s.guarded([&] {
      s.equation_.rates(t, N_VGetArrayPointer(y), N_VGetArrayPointer(rates));
      return s.finite(t, rates, Seen::state);
    });
  }

  static int quadrature_rates(sunrealtype t, N_Vector y, N_Vector rates, void* data) {
    Session& s = of(data);
    return s.guarded([&] {
      s.equation_.quadrature_rates(t, N_VGetArrayPointer(y), N_VGetArrayPointer(rates));
      return s.finite(t, rates, Seen::quadratures);
    });
  }

  static int weights(N_Vector y, N_Vector weights, void* data) {
    const Session& s = of(data);
    const double* at = N_VGetArrayPointer(y);
    double* weight = N_VGetArrayPointer(weights);
    for (std::size_t i = 0; i < s.weight_.size(); ++i) {
      const double tolerance = s.options_.rtol * std::abs(at[i]) + s.absolute_[i];
      weight[i] = s.weight_[i] / std::max(tolerance, std::numeric_limits<double>::min());
    }
    return 0;
  }

  static int jacobian(sunrealtype t, N_Vector y, N_Vector, SUNMatrix matrix, void* data, N_Vector,
                      N_Vector, N_Vector) {
    Session& s = of(data);
    return s.guarded([&] {
      std::vector<double>& blocks = blocks_of(matrix).values;
      s.equation_.jacobian(t, N_VGetArrayPointer(y), blocks.data());
      return std::all_of(blocks.begin(), blocks.end(), [](double x) { return std::isfinite(x); });
    });
  }

  static int linearize(sunrealtype t, N_Vector y, N_Vector, void* data) {
    Session& s = of(data);
    return s.guarded([&] {
      s.equation_.linearize(t, N_VGetArrayPointer(y));
      return true;
    });
  }

  static int product(N_Vector v, N_Vector product, sunrealtype, N_Vector, N_Vector, void* data,
                     N_Vector) {
    Session& s = of(data);
    return s.guarded([&] {
      double* result = N_VGetArrayPointer(product);
      s.equation_.product(N_VGetArrayPointer(v), result);
      return std::all_of(result, result + N_VGetLength(product),
                         [](double x) { return std::isfinite(x); });
    });
  }
};

template <class Body>
int Session::guarded(const Body& body) {
  try {
    return body() ? 0 : 1;
  } catch (...) {
    thrown_ = std::current_exception();
    return -1;
  }
}

bool Session::finite(double t, N_Vector rates, Seen where) {
  const double* values = N_VGetArrayPointer(rates);
  const double* end = values + N_VGetLength(rates);
  if (std::all_of(values, end, [](double x) { return std::isfinite(x); })) return true;
  const bool nearest = non_finite_.count == 0 || direction_ * t < direction_ * non_finite_.t;
  non_finite_ = {non_finite_.count + 1, nearest ? t : non_finite_.t, where, {values, end}};
  return false;
}

Session::Session(Equation& equation, const Choices& choices, const SolveOptions& options)
    : equation_(equation), choices_(choices), options_(options) {
  SUNContext context = nullptr;
  if (SUNContext_Create(nullptr, &context) != 0) bug("SUNDIALS made no context");
  context_.reset(context);
  y_ = make_vector(equation.states().entries(equation.rows()));
  q_ = make_vector(equation.quadratures().entries(equation.rows()));
  memory_.reset(CVodeCreate(choices.formula == Formula::bdf ? CV_BDF : CV_ADAMS, context));
  if (!memory_) bug("CVODE made no memory");
  require(CVodeSetErrHandlerFn(memory_.get(), silent, nullptr), "CVodeSetErrHandlerFn");
  require(CVodeSetUserData(memory_.get(), this), "CVodeSetUserData");
  require(CVodeInit(memory_.get(), Callbacks::rates, 0.0, y_.get()), "CVodeInit");
  set_tolerances();
  require(CVodeSetMaxOrd(memory_.get(), choices.max_order), "CVodeSetMaxOrd");
  require(CVodeSetMinStep(memory_.get(), options.min_step), "CVodeSetMinStep");
  if (options.max_step < kInfinity) {
    require(CVodeSetMaxStep(memory_.get(), options.max_step), "CVodeSetMaxStep");
  }
  choose_iteration();
}

Session::Vector Session::make_vector(std::int64_t entries) const {
  Vector vector(N_VNew_Serial(entries, context_.get()));
  if (!vector) throw RunError("CVODE has no memory for " + std::to_string(entries) + " entries");
  return vector;
}

/// Newton's iteration with a linear solver, or the fixed-point iteration that Adams' formulas are
/// used with.
void Session::choose_iteration() {
  switch (choices_.linear_solver) {
    case LinearSolver::none:
      nonlinear_.reset(SUNNonlinSol_FixedPoint(y_.get(), 0, context_.get()));
      require(CVodeSetNonlinearSolver(memory_.get(), nonlinear_.get()), "CVodeSetNonlinearSolver");
      return;
    case LinearSolver::dense:
      matrix_.reset(
          make_block_matrix(equation_.rows(), equation_.states().per_row(), context_.get()));
      linear_.reset(make_block_solver(context_.get()));
      require(CVodeSetLinearSolver(memory_.get(), linear_.get(), matrix_.get()),
              "CVodeSetLinearSolver");
      require(CVodeSetJacFn(memory_.get(), Callbacks::jacobian), "CVodeSetJacFn");
      return;
    case LinearSolver::krylov:
      linear_.reset(
          SUNLinSol_SPGMR(y_.get(), SUN_PREC_NONE, choices_.krylov_dimension, context_.get()));
      require(CVodeSetLinearSolver(memory_.get(), linear_.get(), nullptr), "CVodeSetLinearSolver");
      require(CVodeSetJacTimes(memory_.get(), Callbacks::linearize, Callbacks::product),
              "CVodeSetJacTimes");
      return;
  }
}

void Session::set_tolerances() {
  const std::int64_t rows = equation_.rows();
  const std::vector<Member>& members = equation_.dynamics().members;
  const Joint& states = equation_.states();
  absolute_ = states.by_entry(rows, [&](const Joint::Entry& e) {
    return absolute_tolerance(members[e.member], e.component, options_);
  });
  weight_ = states.by_entry(rows, [&](const Joint::Entry& e) {
    return share(members[e.member], states.entries(rows), rows);
  });
  require(CVodeWFtolerances(memory_.get(), Callbacks::weights), "CVodeWFtolerances");

  const Joint& quadratures = equation_.quadratures();
  const std::int64_t entries = quadratures.entries(rows);
  if (entries == 0) return;
  require(CVodeQuadInit(memory_.get(), Callbacks::quadrature_rates, q_.get()), "CVodeQuadInit");
  double largest = 0.0;
  for (const std::size_t m : quadratures.members()) {
    if (members[m].in_error_norm) largest = std::max(largest, share(members[m], entries, rows));
  }
  require(CVodeSetQuadErrCon(memory_.get(), largest > 0.0 ? SUNTRUE : SUNFALSE),
          "CVodeSetQuadErrCon");
  if (largest == 0.0) return;
  const std::vector<double> absolute = quadratures.by_entry(rows, [&](const Joint::Entry& e) {
    const Member& member = members[e.member];
    if (!member.in_error_norm) return kAnyError;
    return absolute_tolerance(member, e.component, options_) / largest;
  });
  q_tolerance_ = make_vector(entries);
  std::copy(absolute.begin(), absolute.end(), N_VGetArrayPointer(q_tolerance_.get()));
  require(CVodeQuadSVtolerances(memory_.get(), options_.rtol / largest, q_tolerance_.get()),
          "CVodeQuadSVtolerances");
}

void Session::start(double t, double direction) {
  non_finite_ = {};
  direction_ = direction;
  require(CVodeReInit(memory_.get(), t, y_.get()), "CVodeReInit");
  if (equation_.quadratures().entries(equation_.rows()) > 0) {
    require(CVodeQuadReInit(memory_.get(), q_.get()), "CVodeQuadReInit");
  }
  require(CVodeSetInitStep(memory_.get(), direction * options_.first_step), "CVodeSetInitStep");
}

void Session::stop_at(double t) { require(CVodeSetStopTime(memory_.get(), t), "CVodeSetStopTime"); }

int Session::step(double towards, double& t) {
  thrown_ = nullptr;
  const int flag = CVode(memory_.get(), towards, y_.get(), &t, CV_ONE_STEP);
  if (thrown_) std::rethrow_exception(thrown_);
  if (flag >= 0 && equation_.quadratures().entries(equation_.rows()) > 0) {
    double at = 0.0;
    require(CVodeGetQuad(memory_.get(), &at, q_.get()), "CVodeGetQuad");
  }
  return flag;
}

void Session::interpolate(double t) {
  require(CVodeGetDky(memory_.get(), t, 0, y_.get()), "CVodeGetDky");
  if (equation_.quadratures().entries(equation_.rows()) > 0) {
    require(CVodeGetQuadDky(memory_.get(), t, 0, q_.get()), "CVodeGetQuadDky");
  }
}

Session::Counts Session::counts() const {
  long steps = 0, error_tests = 0, iterations = 0, quadratures = 0;
  require(CVodeGetNumSteps(memory_.get(), &steps), "CVodeGetNumSteps");
  require(CVodeGetNumErrTestFails(memory_.get(), &error_tests), "CVodeGetNumErrTestFails");
  require(CVodeGetNumStepSolveFails(memory_.get(), &iterations), "CVodeGetNumStepSolveFails");
  if (equation_.quadratures().entries(equation_.rows()) > 0) {
    require(CVodeGetQuadNumErrTestFails(memory_.get(), &quadratures),
            "CVodeGetQuadNumErrTestFails");
  }
  return {steps, error_tests + iterations + quadratures};
}

double Session::last_step() const {
  double h = 0.0;
  require(CVodeGetLastStep(memory_.get(), &h), "CVodeGetLastStep");
  return h;
}

double Session::next_step() const {
  double h = 0.0;
  require(CVodeGetCurrentStep(memory_.get(), &h), "CVodeGetCurrentStep");
  return h;
}

std::vector<double> Session::error_over_tolerance(Attempt last) const {
  // Of an attempt that failed CVODE keeps the correction to its prediction, about order + 1 errors.
  int order = 0;
  require(CVodeGetCurrentOrder(memory_.get(), &order), "CVodeGetCurrentOrder");
  const double scale = last == Attempt::accepted ? 1.0 : 1.0 / (order + 1);
  const std::int64_t entries = equation_.states().entries(equation_.rows());
  const Vector error = make_vector(entries), weight = make_vector(entries);
  require(CVodeGetEstLocalErrors(memory_.get(), error.get()), "CVodeGetEstLocalErrors");
  require(CVodeGetErrWeights(memory_.get(), weight.get()), "CVodeGetErrWeights");
  std::vector<double> ratio;
  for (std::int64_t i = 0; i < entries; ++i) {
    ratio.push_back(scale * N_VGetArrayPointer(error.get())[i] *
                    N_VGetArrayPointer(weight.get())[i]);
  }
  return ratio;
}

void Session::require(int flag, const char* what) const {
  if (flag >= 0) return;
  char* name = CVodeGetReturnFlagName(flag);
  const std::string text = name;
  std::free(name);
  bug(std::string(what) + " answered " + text);
}

}  // namespace odeum::cvode
