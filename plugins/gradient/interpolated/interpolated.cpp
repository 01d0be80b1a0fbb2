// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "odeum/adjoint_sweep.hpp"
#include "odeum/plugin.hpp"
#include "trajectory.hpp"

namespace {

using namespace odeum;
using interpolated::Trajectory;

constexpr double kTightUnits = 10.0;  // as for a solver's own rtol

std::vector<std::size_t> states_of(const Dynamics& dynamics) {
  const std::vector<bool> quadrature = quadratures(dynamics);
  std::vector<std::size_t> states;
  for (std::size_t m = 0; m < quadrature.size(); ++m) {
    if (!quadrature[m]) states.push_back(m);
  }
  return states;
}

/// Keeps the dense output of every accepted forward step; the backward pass integrates cotangents
/// alone, one forward step after the other: interpolants are smooth only inside.
class InterpolatedSolve final : public DifferentiableSolve {
 public:
  InterpolatedSolve(std::unique_ptr<SolveSetting> setting, const std::vector<bool>& wanted,
                    AdjointNorm norm, const SolveOptions& backward)
      : setting_(std::move(setting)),
        trajectory_(interpolated::make_trajectory(*setting_, states_of(setting_->dynamics()))),
        equation_(make_adjoint_equation(
            setting_->dynamics(), wanted,
            {.norm = norm, .trajectory = trajectory_.states, .record = trajectory_.record})),
        sweep_(*setting_, equation_),
        forward_(setting_->integrator(setting_->dynamics(), setting_->options(), keeping())),
        backward_(setting_->integrator(equation_.dynamics, backward, {})) {}

  SolveReport forward(const SolveCall& call) override {
    rows_ = call.rows;
    steps_.clear();
    views_.clear();
    SolveCall seen = call;
    seen.observer = [&](const AcceptedStep& step) {
      steps_.push_back({step.t, step.h, step.interval});
      if (call.observer) call.observer(step);
    };
    return sweep_.forward(*forward_, seen);
  }

  SolveReport backward(const SolveCall& call, std::span<const View> result_cotangents,
                       const CotangentTargets& targets) override {
    std::size_t next = steps_.size();  // those from here on are behind us
    const View scalars = scalars_.reserve(setting_->device(), 2 * aligned(sizeof(double)));
    return sweep_.backward(call, result_cotangents, targets, [&](std::size_t time) {
      SolveReport total;
      double from = call.times[time];
      while (next > 0 && steps_[next - 1].interval + 1 == time && total.ok()) {
        --next;
        count(total, cross(call, next, from, scalars));
        from = steps_[next].t;
      }
      return total;
    });
  }

  std::size_t kept_bytes() const override {
    return sweep_.kept_bytes() + steps_.size() * record_bytes(rows_);
  }
  std::optional<std::size_t> estimate_kept_bytes(std::int64_t rows, std::int64_t results,
                                                 std::int64_t steps) const override {
    return sweep_.kept_bytes(rows, results) + static_cast<std::size_t>(steps) * record_bytes(rows);
  }

  const Dynamics& equation() const { return equation_.dynamics; }

 private:
  struct Step {
    double t, h;
    std::size_t interval;
  };

  IntegratorRequest keeping() {
    return {.save = SaveTimes::exact, .extra = trajectory_.extra, .extra_at = [&](std::int64_t i) {
              return record(static_cast<std::size_t>(i));
            }};
  }

  std::size_t record_bytes(std::int64_t rows) const {
    std::size_t bytes = 0;
    for (std::size_t i = 2; i < trajectory_.record.size(); ++i) {
      bytes += aligned(bytes_of(trajectory_.record[i].shape, trajectory_.record[i].dtype, rows));
    }
    return bytes;
  }

  /// Where step `index` keeps its record, begin and length left out.
  std::span<const View> record(std::size_t index) {
    if (index >= memory_.size()) memory_.resize(index + 1);
    while (index >= views_.size()) {
      View place = memory_[views_.size()].reserve(setting_->device(), record_bytes(rows_));
      std::vector<View> views;
      for (std::size_t i = 2; i < trajectory_.record.size(); ++i) {
        const InputSpec& spec = trajectory_.record[i];
        views.push_back(place);
        place = place + aligned(bytes_of(spec.shape, spec.dtype, rows_));
      }
      views_.push_back(std::move(views));
    }
    return views_[index];
  }

  /// Integrates the cotangents over one forward step, from its end at `from` to its begin.
  SolveReport cross(const SolveCall& call, std::size_t index, double from, View scalars) {
    const Step& step = steps_[index];
    const View length = scalars + aligned(sizeof(double));
    setting_->device().upload(scalars, &step.t, sizeof(double));
    setting_->device().upload(length, &step.h, sizeof(double));
    std::vector<View> constants = sweep_.constants(call);
    constants.push_back(scalars);
    constants.push_back(length);
    constants.insert(constants.end(), views_[index].begin(), views_[index].end());
    const double times[2] = {from, step.t};
    const std::vector<View> initial = sweep_.results();
    return backward_->integrate({.rows = call.rows,
                                 .times = times,
                                 .initial = initial,
                                 .constants = constants,
                                 .results = initial,
                                 .observer = {}});
  }

  std::unique_ptr<SolveSetting> setting_;
  Trajectory trajectory_;
  AdjointEquation equation_;
  AdjointSweep sweep_;
  std::unique_ptr<Integrator> forward_, backward_;
  std::vector<DeviceBuffer> memory_;      ///< by step
  std::vector<std::vector<View>> views_;  ///< by step
  std::vector<Step> steps_;
  DeviceBuffer scalars_;
  std::int64_t rows_ = 0;
};

class Interpolated final : public GradientMethod {
 public:
  static Schema schema() {
    return Schema(
               "Optimise, then discretise, with the states from the forward solve's dense output: "
               "keeps a few values of every accepted step and integrates the cotangents alone back "
               "in time. For solutions that cannot be retraced (contracting, stiff); as exact as "
               "the solver's dense output")
        .text("norm", "adjoint",
              "what the backward solve's error norm covers: adjoint, the state's cotangents, or "
              "full, the parameters' too")
        .choices({"adjoint", "full"})
        .number("rtol", "relative tolerance of the backward solve; default: the solver's")
        .above(0)
        .optional()
        .numbers("atol", "absolute tolerance of the backward solve; default: the solver's")
        .size(1)
        .optional()
        .cite(
            "T. Daulbaev, A. Katrutsa, L. Markeeva, J. Gusak, A. Cichocki, I. Oseledets, "
            "Interpolation technique to speed up gradients propagation in neural ODEs, NeurIPS "
            "2020, arXiv 2003.05271");
  }

  explicit Interpolated(const Config& config) : config_(config) {}

  std::string refusal(const Solver& solver, const SolveOptions& options,
                      const Dynamics&) const override {
    if (solver.host_driven()) {
      return "interpolates inside the solver's steps, which this solver keeps to itself: use "
             "adjoint, or gauss_legendre with nodes: adaptive";
    }
    if (options.step_size == StepSize::per_sample) {
      return "keeps one sequence of steps for the whole batch, and here each sample has its own: "
             "use adjoint, or step_size: shared";
    }
    return "";
  }

  std::unique_ptr<DifferentiableSolve> prepare(std::unique_ptr<SolveSetting> setting,
                                               const std::vector<bool>& wanted) const override {
    SolveOptions backward = setting->options();
    if (config_.has("rtol")) backward.rtol = config_.number("rtol");
    if (config_.has("atol")) backward.atol = config_.numbers("atol");
    const double rounding = setting->dynamics().members.front().dtype == DType::f32
                                ? std::numeric_limits<float>::epsilon()
                                : std::numeric_limits<double>::epsilon();
    if (config_.has("rtol") && backward.rtol < kTightUnits * rounding) {
      config_.fail("rtol",
                   "is under ten units of rounding of the state: raise it or use "
                   "precision: float64");
    }
    // A forward step's interval is tried as one step back; given steps stay as long as they were.
    if (backward.step > 0.0 || backward.steps > 0) {
      backward.step = 0.0;
      backward.steps = 1;
    } else {
      backward.first_step = std::numeric_limits<double>::max();
    }
    const AdjointNorm norm =
        config_.text("norm") == "full" ? AdjointNorm::full : AdjointNorm::state_and_adjoint;
    const Solver& solver = setting->solver();
    auto solve = std::make_unique<InterpolatedSolve>(std::move(setting), wanted, norm, backward);
    const std::string refused = solver.refusal(solve->equation());
    if (!refused.empty())
      config_.fail("", "the solver cannot solve the adjoint equation: it " + refused);
    return solve;
  }

 private:
  Config config_;
};

}  // namespace

ODEUM_PLUGIN(gradient, "interpolated", Interpolated, "1.0.0",
             "Adjoint gradients on the forward solve's dense output")
