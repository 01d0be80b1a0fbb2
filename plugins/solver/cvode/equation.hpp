// SPDX-License-Identifier: Apache-2.0
// A dynamics as CVODE sees it: right-hand sides and products with the Jacobian from double vectors
// of the host to double vectors of the host, computed by compiled programs on the device.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "joint.hpp"
#include "odeum/solve.hpp"

namespace odeum::cvode {

class Equation {
 public:
  Equation(Dynamics dynamics, std::shared_ptr<Device> device);
  Equation(const Equation&) = delete;
  Equation& operator=(const Equation&) = delete;

  const Dynamics& dynamics() const { return dynamics_; }
  const Joint& states() const { return states_; }            ///< members that some rate depends on
  const Joint& quadratures() const { return quadratures_; }  ///< the others
  std::int64_t rows() const { return rows_; }

  /// For one solve; `direction` is 1 or -1, the sign of the steps in time.
  void bind(std::int64_t rows, std::span<const View> constants, double direction);

  /// Members on the device to and from joint vectors; a null view: not wanted.
  void read(std::span<const View> members, double* states, double* quadratures);
  void write(const double* states, const double* quadratures, std::span<const View> members);

  /// Each counts as an evaluation. Quadratures along |t| count positive.
  void rates(double t, const double* y, double* rates);
  void quadrature_rates(double t, const double* y, double* rates);
  std::int64_t evaluations() const { return evaluations_; }  ///< since `bind`

  /// The Jacobian's blocks on the diagonal, one a sample, [rows, n, n], column by column. Only for
  /// samples that do not mix and states that all have rows.
  void jacobian(double t, const double* y, double* blocks);
  /// Sets the point that `product` multiplies at, until the next call of anything else.
  void linearize(double t, const double* y);
  /// The Jacobian times v.
  void product(const double* v, double* product);

 private:
  using Outputs = std::vector<Tensor> (Equation::*)(const State& joined, const State& rates,
                                                    std::span<const Tensor> along) const;
  std::unique_ptr<Executable> compile(const char* name, Outputs outputs) const;
  std::unique_ptr<Executable> compile_read() const;
  std::unique_ptr<Executable> compile_write() const;
  std::vector<Tensor> state_rates(const State& joined, const State& rates,
                                  std::span<const Tensor> along) const;
  std::vector<Tensor> rates_of_quadratures(const State& joined, const State& rates,
                                           std::span<const Tensor> along) const;
  std::vector<Tensor> jacobian_columns(const State& joined, const State& rates,
                                       std::span<const Tensor> along) const;
  std::vector<Tensor> product_with_jacobian(const State& joined, const State& rates,
                                            std::span<const Tensor> along) const;
  std::vector<View> inputs_at(double t, const double* y);
  std::vector<View> inputs() const;

  Dynamics dynamics_;
  std::shared_ptr<Device> device_;
  Joint states_, quadratures_;
  std::int64_t rows_ = 0;
  double direction_ = 1.0;
  std::int64_t evaluations_ = 0;
  std::vector<View> constants_;
  std::shared_ptr<void> control_, jacobian_memory_;
  std::size_t jacobian_bytes_ = 0;
  JointBuffer y_, v_, out_, q_;
  std::unique_ptr<Executable> read_, write_, rates_, quadrature_rates_, jacobian_, product_;
};

}  // namespace odeum::cvode
