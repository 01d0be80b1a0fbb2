// SPDX-License-Identifier: Apache-2.0
#include "solve/rates.hpp"

#include <utility>

#include "odeum/error.hpp"
#include "solve/error_norm.hpp"

namespace odeum::solve {
namespace {

std::vector<ValueId> ids(Tensor t, const State& y) {
  std::vector<ValueId> result{t.id()};
  for (const Tensor& member : y) result.push_back(member.id());
  return result;
}

void check(const Dynamics& dynamics, const State& rates) {
  if (rates.size() != dynamics.members.size()) {
    bug("a dynamics of " + std::to_string(dynamics.members.size()) + " members gave " +
        std::to_string(rates.size()) + " rates");
  }
  for (std::size_t m = 0; m < rates.size(); ++m) {
    const Member& member = dynamics.members[m];
    if (rates[m].shape() != member.shape || rates[m].dtype() != member.dtype) {
      bug("the rate of '" + member.name + "' is " + name(rates[m].dtype()) +
          rates[m].shape().text() + ", the member is " + name(member.dtype) + member.shape.text());
    }
  }
}

}  // namespace

CountedRates::CountedRates(const Dynamics& dynamics, const SolveOptions& options,
                           std::span<const Tensor> constants)
    : dynamics_(dynamics), options_(options), constants_(constants.begin(), constants.end()) {}

State CountedRates::operator()(Tensor t, const State& y) {
  std::vector<ValueId> arguments = ids(t, y);
  for (const Known& known : known_) {
    if (known.arguments == arguments) return known.rates;
  }
  State rates = dynamics_.rates(t, y, constants_);
  check(dynamics_, rates);
  known_.push_back({std::move(arguments), rates});
  return rates;
}

Rates::Parts CountedRates::parts(Tensor t, const State& y) {
  std::vector<ValueId> arguments = ids(t, y);
  for (const KnownParts& known : known_parts_) {
    if (known.arguments == arguments) return known.parts;
  }
  Parts parts = dynamics_.parts ? dynamics_.parts(t, y, constants_) : all_stiff(t, y);
  check(dynamics_, parts.rest);
  known_parts_.push_back({std::move(arguments), parts});
  return parts;
}

/// The parts of a dynamics that has none.
Rates::Parts CountedRates::all_stiff(Tensor t, const State& y) const {
  Parts parts{dynamics_.rates(t, y, constants_), {}};
  parts.stiff.resize(y.size());
  for (std::size_t m = 0; m < y.size(); ++m) {
    if (!quadrature(m)) parts.stiff[m] = std::exchange(parts.rest[m], zeros_like(y[m]));
  }
  return parts;
}

bool CountedRates::quadrature(std::size_t member) const {
  if (quadratures_.empty()) quadratures_ = quadratures(dynamics_);
  return quadratures_[member];
}

Tensor CountedRates::tolerance(std::size_t member, Tensor magnitude) const {
  return solve::tolerance(magnitude, dynamics_.members[member], options_);
}

bool CountedRates::along_absolute_time(std::size_t member) const {
  return dynamics_.members[member].along_absolute_time;
}

}  // namespace odeum::solve
