// SPDX-License-Identifier: Apache-2.0
#include "initial_value_solve.hpp"

#include <span>
#include <stdexcept>

#include "cli/session.hpp"
#include "io/npy.hpp"
#include "odeum/random.hpp"
#include "plugin/registry.hpp"
#include "train/schemas.hpp"

namespace odeum::bench {

InitialValueSolve::InitialValueSolve(const std::string& file, const std::vector<std::string>& sets,
                                     std::int64_t rows)
    : InitialValueSolve(cli::load(file, sets, train::solve_schema(), plugin::registry()), rows) {}

InitialValueSolve::InitialValueSolve(const Config& root, std::int64_t rows)
    : problem_(root, plugin::registry()),
      rows_(rows),
      setting_(problem_.setting(problem_.options())) {
  integrator_ =
      setting_->integrator(setting_->dynamics(), problem_.options(),
                           {.save = SaveTimes::interpolated, .extra = {}, .extra_at = {}});
}

void InitialValueSolve::fill() {
  RandomStream random(1, 0);
  for (std::int64_t row = 0; row < rows_; ++row) {
    for (const double value : problem_.initial())
      start_.push_back(value + (row == 0 ? 0.0 : 0.1 * random.normal()));
  }
  initial_ = problem_.upload(start_);
  const std::size_t stride = (start_.size() * sizeof(double) + 63) / 64 * 64;
  results_ = problem_.device()->allocate(stride * problem_.times().size());
  for (std::size_t i = 1; i < problem_.times().size(); ++i)
    places_.push_back(View{results_.get(), 0} + i * stride);
}

std::int64_t InitialValueSolve::run() {
  const View first{initial_.get(), 0};
  SolveCall call;
  call.rows = rows_;
  call.times = problem_.times();
  call.initial = std::span(&first, 1);
  call.results = places_;
  const SolveReport report = integrator_->integrate(call);
  problem_.device()->synchronize();
  if (!report.ok()) throw std::runtime_error(report.message());
  return report.evaluations;
}

void InitialValueSolve::write_problem(const std::string& folder) const {
  const auto features = static_cast<std::int64_t>(start_.size()) / rows_;
  io::write_npy(folder + "/start.npy", io::make_array(DType::f64, {rows_, features}, start_));
}

void InitialValueSolve::write_end(const std::string& folder) const {
  std::vector<double> values(start_.size());
  problem_.device()->download(values.data(), places_.back(), values.size() * sizeof(double));
  const auto features = static_cast<std::int64_t>(start_.size()) / rows_;
  io::write_npy(folder + "/end.npy", io::make_array(DType::f64, {rows_, features}, values));
}

}  // namespace odeum::bench
