// SPDX-License-Identifier: Apache-2.0
#include "solve/setting.hpp"

#include "program/staging_device.hpp"
#include "solve/increments.hpp"
#include "solve/integrator.hpp"
#include "solve/rates.hpp"
#include "solve/sample_loop.hpp"

namespace odeum::solve {
namespace {

class Setting final : public SolveSetting {
 public:
  Setting(Dynamics dynamics, std::shared_ptr<const Solver> solver,
          std::shared_ptr<const Controller> controller, SolveOptions options,
          std::shared_ptr<Device> device, std::int64_t steps_at_once)
      : dynamics_(std::move(dynamics)),
        solver_(std::move(solver)),
        controller_(std::move(controller)),
        options_(std::move(options)),
        device_(std::move(device)),
        steps_at_once_(steps_at_once) {}

  const Dynamics& dynamics() const override { return dynamics_; }
  const Solver& solver() const override { return *solver_; }
  const SolveOptions& options() const override { return options_; }
  Device& device() const override { return *device_; }

  std::unique_ptr<Integrator> integrator(const Dynamics& dynamics, const SolveOptions& options,
                                         const IntegratorRequest& request) const override {
    if (solver_->host_driven()) return solver_->integrator(dynamics, options, device_, request);
    if (options.step_size == StepSize::per_sample) {
      return std::make_unique<SampleLoop>(dynamics, solver_, controller_, options, device_,
                                          request);
    }
    return std::make_unique<StepLoop>(dynamics, solver_, controller_, options, device_, request,
                                      steps_at_once_);
  }
  std::unique_ptr<Executable> compile(const Program& program,
                                      const CompileOptions& options) const override {
    return device_->compile(optimize(program), options);
  }
  std::unique_ptr<Rates> rates(const Dynamics& dynamics,
                               std::span<const Tensor> constants) const override {
    return std::make_unique<CountedRates>(dynamics, options_, constants);
  }

 private:
  Dynamics dynamics_;
  std::shared_ptr<const Solver> solver_;
  std::shared_ptr<const Controller> controller_;
  SolveOptions options_;
  std::shared_ptr<Device> device_;
  std::int64_t steps_at_once_;
};

}  // namespace

std::unique_ptr<SolveSetting> make_setting(Dynamics dynamics, std::shared_ptr<const Solver> solver,
                                           std::shared_ptr<const Controller> controller,
                                           SolveOptions options, std::shared_ptr<Device> device,
                                           std::int64_t steps_at_once) {
  return std::make_unique<Setting>(std::move(dynamics), std::move(solver), std::move(controller),
                                   std::move(options), program::with_host_calls(std::move(device)),
                                   steps_at_once);
}

void check_solver(const Config& config, const Solver& solver, const SolveOptions& options,
                  const Dynamics& dynamics) {
  const std::string reason = solver.refusal(dynamics);
  if (!reason.empty()) config.fail("", config.use() + " " + reason);
  if (options.step_size == StepSize::shared) return;
  const std::string alone = per_sample_refusal(solver, dynamics);
  if (!alone.empty()) config.fail("step_size", config.use() + " " + alone);
}

void check_gradient(const Config& config, const GradientMethod& gradient, const Solver& solver,
                    const SolveOptions& options, const Dynamics& dynamics) {
  // `prepare` (solve/piecewise.hpp) gives methods the stretches between jumps.
  SolveOptions smooth = options;
  smooth.jump_times.clear();
  for (const Member& member : dynamics.members) {
    if (!member.of_steps || gradient.differentiates_steps()) continue;
    config.fail("", config.use() + " has no derivative of '" + member.name +
                        "', a cost of the solver's steps: the equations that it integrates know "
                        "nothing of steps. Use backprop, which differentiates the steps taken");
  }
  if (const std::string why = increments_refusal(gradient, solver); !why.empty()) {
    config.fail("", config.use() + " " + why);
  }
  const std::string reason = gradient.refusal(solver, smooth, dynamics);
  if (!reason.empty()) config.fail("", config.use() + " " + reason);
  if (const std::string what = derivative_refusal(dynamics, Differentiation::reverse);
      !what.empty()) {
    config.fail("", config.use() + " needs the derivative of the rates: " + what);
  }
  if (options.step_size == StepSize::per_sample && !gradient.per_sample()) {
    config.fail("", config.use() +
                        " differentiates steps that the whole batch takes together: with "
                        "step_size: per_sample use backprop");
  }
}

}  // namespace odeum::solve
