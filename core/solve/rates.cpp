// SPDX-License-Identifier: Apache-2.0
#include "solve/rates.hpp"

#include "odeum/error.hpp"

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

CountedRates::CountedRates(const Dynamics& dynamics, std::span<const Tensor> constants)
    : dynamics_(dynamics), constants_(constants.begin(), constants.end()) {}

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

bool CountedRates::along_absolute_time(std::size_t member) const {
  return dynamics_.members[member].along_absolute_time;
}

}  // namespace odeum::solve
