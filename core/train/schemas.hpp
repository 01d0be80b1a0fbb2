// SPDX-License-Identifier: Apache-2.0
// The roots of configuration files, and the keys that training adds to components.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "odeum/schema.hpp"

namespace odeum::train {

/// A training file: seed, device, precision, data, model, objective, optimizer, train.
Schema root_schema();
/// A file for `odeum solve`: one initial value problem, no training.
Schema solve_schema();
/// A file for `odeum gradcheck`: a problem as in a solve file, and which parameters to vary.
Schema gradcheck_schema();

/// Keys beside a plugin's own, by kind: those of model::common_keys, and `lr`, `schedule` and
/// `gradient_clip` of an optimizer.
Schema common_keys(const std::string& kind);

/// Components that come with the core itself: kind, name, schema.
struct BuiltIn {
  std::string kind;
  std::string name;
  Schema schema;
};
std::vector<BuiltIn> built_in_components();

}  // namespace odeum::train
