// SPDX-License-Identifier: Apache-2.0
// Which column of the data plays which role of the objective.
#pragma once

#include <string>
#include <vector>

#include "odeum/config.hpp"
#include "odeum/dataset.hpp"
#include "odeum/objective.hpp"

namespace odeum::model {

/// The columns of the data, and the objective's roles, by name.
struct RoleNames {
  std::vector<std::string> columns;
  std::string main_column;
  std::vector<std::string> roles;
};

RoleNames role_names(const Dataset& dataset, const Objective& objective);

/// Position of the column that plays a role: what `bind:` of the configuration says; for the first
/// role the main column, unless that has another role's name; the column of the role's name. A
/// ConfigError at `bind` where there is none, or where it names what is not there.
int column_of_role(const Config& root, const RoleNames& names, const std::string& role);

/// A ConfigError where `bind` names a role that the objective has not.
void require_known_roles(const Config& root, const RoleNames& names);

}  // namespace odeum::model
