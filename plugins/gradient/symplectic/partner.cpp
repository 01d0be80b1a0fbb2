// SPDX-License-Identifier: Apache-2.0
#include "partner.hpp"

#include "odeum/transforms.hpp"

namespace symplectic {
namespace {

using Tensors = std::vector<Tensor>;

double weight(const Tableau& tableau, std::size_t stage, std::size_t of) {
  return of < tableau.a[stage].size() ? tableau.a[stage][of].value() : 0.0;
}

/// The stages that y1 depends on: by their weight, or through a later one.
std::vector<std::size_t> stages_of(const Tableau& tableau) {
  const std::size_t count = tableau.stages();
  std::vector<bool> takes_part(count, false);
  for (std::size_t i = count; i-- > 0;) {
    takes_part[i] = tableau.b[i].value() != 0.0;
    for (std::size_t j = i + 1; j < count; ++j) {
      if (takes_part[j] && weight(tableau, j, i) != 0.0) takes_part[i] = true;
    }
  }
  std::vector<std::size_t> stages;
  for (std::size_t i = 0; i < count; ++i) {
    if (takes_part[i]) stages.push_back(i);
  }
  return stages;
}

/// Inputs that all programs of a partner begin with, and the rates to call.
struct Declared {
  Recording recording;
  const Dynamics& dynamics;
  const std::vector<std::size_t>& states;
  Tensor t, h;

  Declared(const Dynamics& d, const std::vector<std::size_t>& s) : dynamics(d), states(s) {
    t = recording.input("t", {1}, DType::f64);
    h = recording.input("h", {1}, DType::f64);
  }
  Tensors point(const std::string& name) {
    std::vector<ArraySpec> specs;
    for (const std::size_t m : states) specs.push_back(member_specs_of(dynamics)[m]);
    return declare(recording, name, specs);
  }
  Tensor time(const Coefficient& c) const { return c.value() == 0.0 ? t : t + h * c.value(); }
  /// The step for a member, in its type.
  Tensor step(std::size_t member) const {
    const Member& m = dynamics.members[member];
    return cast(m.along_absolute_time ? abs(h) : h, m.dtype);
  }
  /// All members, those that no rate depends on as zeros.
  State members(const Tensors& point) const {
    State y;
    for (const Member& m : dynamics.members) y.push_back(full(h, m.shape, 0.0, m.dtype));
    for (std::size_t i = 0; i < states.size(); ++i) y[states[i]] = point[i];
    return y;
  }
};

Program record_points(const SolveSetting& setting, Partner& partner) {
  const Tableau& tableau = *setting.solver().runge_kutta();
  Declared in(setting.dynamics(), partner.states);
  const Tensors y = in.point("y");
  const Tensors constants = declare_constants(in.recording, in.dynamics);
  const auto rates = setting.rates(in.dynamics, constants);
  std::vector<State> k(tableau.stages());
  Tensors points;
  Tensors x = y;
  for (std::size_t n = 0; n < partner.stages.size(); ++n) {
    const std::size_t i = partner.stages[n];
    for (std::size_t s = 0; n > 0 && s < y.size(); ++s) {
      const std::size_t m = partner.states[s];
      Tensors terms;
      std::vector<double> weights;
      for (std::size_t j = 0; j < i; ++j) {
        if (weight(tableau, i, j) == 0.0) continue;
        terms.push_back(k[j][m]);
        weights.push_back(weight(tableau, i, j));
      }
      x[s] = terms.empty() ? y[s] : y[s] + in.step(m) * linear_combination(terms, weights);
      points.push_back(x[s]);
    }
    if (n + 1 < partner.stages.size()) k[i] = (*rates)(in.time(tableau.c[i]), in.members(x));
  }
  partner.evaluations += rates->calls();
  return in.recording.program(points);
}

StageReversal record_stage(const SolveSetting& setting, const Partner& partner, std::size_t stage,
                           const std::vector<bool>& wanted) {
  const Tableau& tableau = *setting.solver().runge_kutta();
  const Dynamics& dynamics = setting.dynamics();
  StageReversal reversal{.stage = stage, .later = {}, .program = {}};
  Declared in(dynamics, partner.states);
  const Tensors x = in.point("x");
  const Tensors lambda = declare(in.recording, "lambda", member_specs_of(dynamics));
  std::vector<Tensors> terms(lambda.size());
  std::vector<std::vector<double>> weights(lambda.size());
  for (std::size_t m = 0; m < lambda.size(); ++m) {
    terms[m].push_back(lambda[m]);
    weights[m].push_back(tableau.b[stage].value());
  }
  for (const std::size_t j : partner.stages) {
    if (j <= stage || weight(tableau, j, stage) == 0.0) continue;
    reversal.later.push_back(j);
    const Tensors mu = in.point("mu" + std::to_string(j) + "_");
    for (std::size_t s = 0; s < mu.size(); ++s) {
      terms[partner.states[s]].push_back(mu[s]);
      weights[partner.states[s]].push_back(weight(tableau, j, stage));
    }
  }
  const Tensors constants = declare_constants(in.recording, dynamics);

  const auto rates = setting.rates(dynamics, constants);
  const Tensor time = in.time(tableau.c[stage]);
  const State k = (*rates)(time, in.members(x));
  State kappa(k.size());
  Tensor by_step = full(in.h, {1}, 0.0);
  for (std::size_t m = 0; m < k.size(); ++m) {
    if (weights[m].size() == 1 && weights[m][0] == 0.0) continue;
    kappa[m] = in.step(m) * linear_combination(terms[m], weights[m]);
    const Tensor product = cast(k[m], DType::f64) * cast(kappa[m], DType::f64);
    std::vector<int> axes;
    for (int axis = 0; axis < product.rank(); ++axis) axes.push_back(axis);
    by_step = by_step + reshape(sum(product, axes), {1});
  }
  Tensors variables = x;
  variables.push_back(time);
  for (std::size_t c = 0; c < constants.size(); ++c) {
    if (wanted[c]) variables.push_back(constants[c]);
  }
  const Tensors found = vjp(k, variables, kappa);
  const auto states = static_cast<std::ptrdiff_t>(x.size());
  Tensors results(found.begin(), found.begin() + states);
  results.insert(results.end(), found.begin(), found.begin() + states);
  const Tensor by_time = found[x.size()];
  results.push_back(by_time);
  results.push_back(by_step / in.h + by_time * tableau.c[stage].value());
  results.insert(results.end(), found.begin() + states + 1, found.end());
  reversal.program = in.recording.program(results);
  return reversal;
}

}  // namespace

Partner make_partner(const SolveSetting& setting, const std::vector<bool>& wanted) {
  Partner partner;
  const std::vector<bool> quadrature = quadratures(setting.dynamics());
  for (std::size_t m = 0; m < quadrature.size(); ++m) {
    if (!quadrature[m]) partner.states.push_back(m);
  }
  partner.stages = stages_of(*setting.solver().runge_kutta());
  partner.points = record_points(setting, partner);
  for (auto stage = partner.stages.rbegin(); stage != partner.stages.rend(); ++stage) {
    partner.reversals.push_back(record_stage(setting, partner, *stage, wanted));
    ++partner.evaluations;
  }
  return partner;
}

}  // namespace symplectic
