// SPDX-License-Identifier: Apache-2.0
// Newton's iteration for stage equations, unrolled into the step program.
#include <algorithm>
#include <array>
#include <limits>

#include "odeum/implicit.hpp"
#include "odeum/solve.hpp"
#include "odeum/transforms.hpp"

namespace odeum::inline v1 {
namespace {

/// The identity [1, n, n], of x's type.
Tensor identity(Tensor x, std::int64_t n) {
  const Shape square{n, n};
  const Tensor ones = equal(iota(x, square, 0, x.dtype()), iota(x, square, 1, x.dtype()));
  return reshape(ones, {1, n, n});
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Schema newton_keys() {
  const NewtonOptions defaults;
  return Schema()
      .integer("iterations", defaults.iterations,
               "Newton iterations for a stage before the last, differentiable one")
      .at_least(1)
      .at_most(20)
      .integer("reuse", defaults.reuse,
               "iterations with one Jacobian before it is taken anew; a Jacobian costs as "
               "many directional derivatives as a row has unknowns")
      .at_least(1)
      .number("newton_tolerance", defaults.share,
              "the last iteration's correction may be this share of rtol and atol; else the step "
              "is repeated with a quarter of its length")
      .above(0)
      .at_most(1)
      .integer("jacobian_limit", defaults.jacobian_limit,
               "the largest number of unknowns of a sample, all stages that are solved at once "
               "together, that a dense matrix is made for; the work goes with its cube")
      .at_least(1);
}

NewtonOptions newton_options(const Config& config) {
  return {.iterations = static_cast<int>(config.integer("iterations")),
          .reuse = static_cast<int>(config.integer("reuse")),
          .share = config.number("newton_tolerance"),
          .jacobian_limit = config.integer("jacobian_limit")};
}

std::string newton_refusal(const Dynamics& dynamics, const NewtonOptions& options,
                           std::size_t stages) {
  const std::vector<bool> quadrature = quadratures(dynamics);
  std::int64_t unknowns = 0;
  for (std::size_t m = 0; m < quadrature.size(); ++m) {
    if (quadrature[m]) continue;
    const Member& member = dynamics.members[m];
    if (!member.shape.has_rows()) {
      return "solves an equation for each sample, and '" + member.name +
             "', which rates depend on, belongs to all of them: use an explicit solver";
    }
    unknowns += member.shape.elements_per_row();
  }
  unknowns *= static_cast<std::int64_t>(stages);
  if (unknowns > options.jacobian_limit) {
    const std::string at_once =
        stages > 1 ? "all " + std::to_string(stages) + " stages at once" : "one stage at a time";
    return "solves " + at_once + " with dense matrices, which is " + std::to_string(unknowns) +
           " unknowns a sample here, more than jacobian_limit = " +
           std::to_string(options.jacobian_limit) +
           ": raise it, or use cvode with its Krylov solver, which needs no Jacobian";
  }
  if (const std::vector<std::string> mixing = couplings(dynamics); !mixing.empty()) {
    return "solves an equation for each sample, and the rates mix samples by " + listed(mixing) +
           ", so that one Jacobian would couple the whole batch: take that operation out of the "
           "field (batch statistics as buffers, for one), or use cvode with linear_solver: krylov";
  }
  if (const std::string what = derivative_refusal(dynamics, Differentiation::forward);
      !what.empty()) {
    return "solves with the Jacobian of the rates, which these do not have (" + what +
           "): use an explicit solver";
  }
  return "";
}

Tensor solve_rows(Tensor matrix, Tensor right) {
  const std::int64_t n = right.extent(-1);
  return reshape(lu_solve(matrix, reshape(right, {kRows, n, 1})), {kRows, n});
}

Tensor jacobian(Tensor output, Tensor input) {
  const std::int64_t n = input.extent(-1);
  // A tangent that the whole basis is put in place of.
  const std::array outputs{output};
  const std::array inputs{input};
  const std::array tangent{placeholder(input)};
  const std::vector<Tensor> derivative = jvp(outputs, inputs, tangent);
  const std::array basis{broadcast(identity(input, n), {kRows, n, n})};
  return permute(vmap(derivative, tangent, basis).front(), {0, 2, 1});
}

Root root(const std::function<Tensor(Tensor z)>& residual, Tensor guess,
          const NewtonOptions& options,
          const std::function<Tensor(Tensor z, Tensor value)>& jacobian_of) {
  const auto matrix_at = [&](Tensor z, Tensor value) {
    return stop_gradient(jacobian_of ? jacobian_of(z, value) : jacobian(value, z));
  };
  Root result;
  Tensor matrix;
  Tensor z = stop_gradient(guess);
  for (int i = 0; i < options.iterations; ++i) {
    const Tensor value = residual(z);
    if (i % options.reuse == 0) matrix = matrix_at(z, value);
    if (i == 0) result.matrix = matrix;
    z = stop_gradient(z - solve_rows(matrix, value));
  }
  const Tensor value = residual(z);
  result.update = solve_rows(matrix_at(z, value), value);
  result.z = z - result.update;
  return result;
}

Unknown::Unknown(const Rates& rates, const State& like) {
  for (std::size_t m = 0; m < like.size(); ++m) {
    if (rates.quadrature(m)) continue;
    members_.push_back(m);
    sizes_.push_back(like[m].shape().elements_per_row());
    size_ += sizes_.back();
    if (like[m].dtype() == DType::f64) dtype_ = DType::f64;
  }
}

Tensor Unknown::join(const State& state) const {
  std::vector<Tensor> parts;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    parts.push_back(cast(reshape(state[members_[i]], {kRows, sizes_[i]}), dtype_));
  }
  return parts.size() == 1 ? parts.front() : concat(parts);
}

State Unknown::put(Tensor joined, State state) const {
  const std::vector<Tensor> parts =
      members_.size() == 1 ? std::vector<Tensor>{joined} : split(joined, sizes_);
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Tensor& member = state[members_[i]];
    member = cast(reshape(parts[i], Shape(member.shape())), member.dtype());
  }
  return state;
}

Tensor Unknown::convergence(const Rates& rates, Tensor update, const State& y0, const State& y1,
                            double share) const {
  // An update of ten units of rounding is one that cannot be made smaller.
  const double rounding = 10.0 * (dtype_ == DType::f64 ? std::numeric_limits<double>::epsilon()
                                                       : std::numeric_limits<float>::epsilon());
  const double least = dtype_ == DType::f64 ? 1e-300 : 1e-35;
  State allowed = y0;
  for (const std::size_t m : members_) {
    const Tensor magnitude = max(abs(y0[m]), abs(y1[m]));
    allowed[m] = share * rates.tolerance(m, magnitude) + rounding * magnitude;
  }
  const Tensor ratio = stop_gradient(update / max(join(allowed), least));
  return sqrt(mean_features(square(cast(ratio, DType::f64))));
}

}  // namespace odeum::inline v1
