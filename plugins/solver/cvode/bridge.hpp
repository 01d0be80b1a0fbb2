// SPDX-License-Identifier: Apache-2.0
// Solves by CVODE behind the interface of the step loop: save times, observers, statuses.
//
// All members that some rate depends on are one vector to CVODE, and all of them count in its error
// norm, since its iteration converges in the same norm; Member::in_error_norm holds for
// quadratures. Its memory is made at the first solve and again when the number of rows changes.
#pragma once

#include <memory>
#include <optional>

#include "equation.hpp"
#include "session.hpp"

namespace odeum::cvode {

class Bridge final : public Integrator {
 public:
  Bridge(const Dynamics& dynamics, const Choices& choices, SolveOptions options,
         std::shared_ptr<Device> device, SaveTimes save);

  SolveReport integrate(const SolveCall& call) override;

 private:
  /// A solve under way.
  struct Progress {
    const SolveCall& call;
    SolveReport report;
    double t = 0.0;
    double direction = 1.0;
    std::size_t interval = 0;           ///< results up to times[interval] are written
    std::int64_t earlier_failures = 0;  ///< of CVODE's starts before the present one
  };
  struct Stop {
    double t = 0.0;
    bool jump = false;  ///< the right-hand side is another one behind it
  };

  std::vector<Stop> stops(const SolveCall& call, double direction) const;
  bool advance_to(Progress& solve, const Stop& stop);
  bool step(Progress& solve, double stop);
  bool is_past_trouble(Progress& solve);
  void observe(Progress& solve, double t);
  void deliver_within(Progress& solve);
  void deliver_reached(Progress& solve);
  std::span<const View> results(const Progress& solve) const;
  void restart_behind(Progress& solve, double jump);
  void count(Progress& solve);
  bool fail(Progress& solve, int flag);
  void blame_non_finite(SolveReport& report) const;
  void blame_largest_error(SolveReport& report, Session::Attempt last) const;
  void place_before();

  Equation equation_;
  Choices choices_;
  SolveOptions options_;
  std::shared_ptr<Device> device_;
  SaveTimes save_;
  std::optional<Session> session_;
  std::vector<double> y_before_, q_before_, y_after_, q_after_;
  std::vector<std::shared_ptr<void>> before_memory_;
  std::vector<View> before_;  ///< members before a step, for observers
  std::int64_t before_rows_ = -1;
};

}  // namespace odeum::cvode
