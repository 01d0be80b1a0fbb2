// SPDX-License-Identifier: Apache-2.0
#include "model/roles.hpp"

#include <algorithm>

namespace odeum::model {
namespace {

bool among(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

int position(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<int>(std::find(names.begin(), names.end(), name) - names.begin());
}

}  // namespace

RoleNames role_names(const Dataset& dataset, const Objective& objective) {
  RoleNames names{{}, dataset.main_column(), objective.roles()};
  for (const Column& column : dataset.columns()) names.columns.push_back(column.name);
  return names;
}

int column_of_role(const Config& root, const RoleNames& names, const std::string& role) {
  std::string bound;
  const std::string start = role + ":";
  for (const std::string& entry : root.texts("bind")) {
    if (entry.starts_with(start)) bound = entry.substr(start.size());
  }
  if (!bound.empty()) {
    if (among(names.columns, bound)) return position(names.columns, bound);
    root.fail("bind",
              "the data have no column '" + bound + "'; they have " + listed(names.columns));
  }
  const bool of_another = names.main_column != role && among(names.roles, names.main_column);
  if (role == names.roles.front() && !of_another) return position(names.columns, names.main_column);
  if (among(names.columns, role)) return position(names.columns, role);
  root.fail("bind", "the objective's role '" + role + "' is bound to no column; the data have " +
                        listed(names.columns) + ": bind: [" + role + ":COLUMN]");
}

void require_known_roles(const Config& root, const RoleNames& names) {
  std::vector<std::string> bound;
  for (const std::string& entry : root.texts("bind")) {
    const std::size_t colon = entry.find(':');
    const std::string role = entry.substr(0, colon);
    if (!among(names.roles, role)) {
      root.fail("bind", "the objective has no role '" + role + "'; it has " + listed(names.roles));
    }
    if (colon == std::string::npos || colon + 1 == entry.size()) {
      root.fail("bind", "of the role '" + role + "' no column is named: bind: [ROLE:COLUMN]");
    }
    if (among(bound, role)) root.fail("bind", "the role '" + role + "' is bound twice");
    bound.push_back(role);
  }
}

}  // namespace odeum::model
