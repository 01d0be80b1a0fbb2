// SPDX-License-Identifier: Apache-2.0
// Solvers and rates around others: everything is handed through but for what a class says anew.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "odeum/solver.hpp"

namespace odeum::solve {

class RatesAround : public Rates {
 public:
  explicit RatesAround(Rates& inner) : inner_(inner) {}

  State operator()(Tensor t, const State& y) override { return inner_(t, y); }
  Parts parts(Tensor t, const State& y) override { return inner_.parts(t, y); }
  bool quadrature(std::size_t member) const override { return inner_.quadrature(member); }
  Tensor tolerance(std::size_t member, Tensor magnitude) const override {
    return inner_.tolerance(member, magnitude);
  }
  bool along_absolute_time(std::size_t member) const override {
    return inner_.along_absolute_time(member);
  }
  std::int64_t calls() const override { return inner_.calls(); }

 protected:
  Rates& inner() { return inner_; }

 private:
  Rates& inner_;
};

/// Of a method that takes steps: one that brings its own loop has nothing to be around.
class SolverAround : public Solver {
 public:
  explicit SolverAround(std::shared_ptr<const Solver> inner) : inner_(std::move(inner)) {}

  int order() const override { return inner_->order(); }
  int error_order() const override { return inner_->error_order(); }
  std::string refusal(const Dynamics& dynamics) const override { return inner_->refusal(dynamics); }
  const Tableau* runge_kutta() const override { return inner_->runge_kutta(); }
  std::vector<Tensor> start(Rates& rates, Tensor t, const State& y) const override {
    return inner_->start(rates, t, y);
  }
  StepOutputs step(Rates& rates, const StepInputs& in) const override {
    return inner_->step(rates, in);
  }
  State interpolate(Tensor x, const StepInputs& in, const StepOutputs& out) const override {
    return inner_->interpolate(x, in, out);
  }
  bool reversible() const override { return inner_->reversible(); }
  StepOutputs undo(Rates& rates, const StepInputs& end) const override {
    return inner_->undo(rates, end);
  }

 protected:
  const Solver& inner() const { return *inner_; }

 private:
  std::shared_ptr<const Solver> inner_;
};

}  // namespace odeum::solve
