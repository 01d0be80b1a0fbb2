// SPDX-License-Identifier: Apache-2.0
#include "solve/slow_solve.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "solve/cause.hpp"
#include "solve/stability.hpp"

namespace odeum::solve {
namespace {

constexpr std::int64_t kFirst = 64;
constexpr std::size_t kEnough = 4;  // measurements that a verdict needs
constexpr std::int64_t kManyRejected = 20;

/// 64, 80, 96, 112, 128, 160, ...: four in each doubling.
bool is_watched(std::int64_t index) {
  if (index < kFirst) return false;
  const auto floor = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(index)));
  const std::int64_t apart = std::max(floor / 4, kFirst / 4);
  return (index - floor) % apart == 0;
}

}  // namespace

SlowSolve::SlowSolve(const Dynamics& dynamics, const Solver& solver, std::shared_ptr<Device> device)
    : dynamics_(dynamics), device_(std::move(device)) {
  const Tableau* tableau = solver.runge_kutta();
  stability_ = tableau == nullptr ? 0.0 : real_stability_interval(*tableau);
}

void SlowSolve::see(const AcceptedStep& step, std::int64_t rows, std::span<const View> constants) {
  if (stability_ == 0.0 || !is_watched(step.index)) return;
  if (!spectral_radius_) {
    try {
      spectral_radius_ = std::make_unique<SpectralRadius>(dynamics_, device_);
    } catch (const std::invalid_argument&) {
      stability_ = 0.0;  // the field has no tangent: nothing can be measured
      return;
    }
  }
  Seen worst;
  for (const auto& estimate : spectral_radius_->at(rows, step.t, step.y, constants)) {
    const double stiffness = std::abs(step.h) * estimate.radius;
    if (stiffness < worst.stiffness) continue;
    worst = {stiffness, step.h < 0.0 ? -estimate.direction : estimate.direction};
  }
  seen_.push_back(worst);
}

void SlowSolve::conclude(SolveReport& report) const {
  if (!report.ok()) return;
  if (report.rejected >= kManyRejected && report.rejected > report.accepted) {
    report.cause = Cause::discontinuity;
  }
  if (seen_.size() < kEnough) return;
  std::vector<Seen> sorted = seen_;
  const auto median = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), median, sorted.end(),
                   [](const Seen& a, const Seen& b) { return a.stiffness < b.stiffness; });
  report.stiffness = median->stiffness;
  report.stability = stability_;
  if (held_by_stability(median->stiffness, stability_, median->direction)) {
    report.cause = Cause::stiffness;
  }
}

}  // namespace odeum::solve
