// SPDX-License-Identifier: Apache-2.0
// odeum list: what is installed. Loads nothing.
#include <algorithm>
#include <cstdio>

#include "cli/components.hpp"
#include "cli/session.hpp"

namespace odeum::cli {
namespace {

Arguments arguments() {
  return Arguments("[KIND] [options]",
                   "Lists the components that a configuration can name, of one kind or of all.")
      .optional_positional("KIND", "solver, field, dataset, ...");
}

io::Json to_json(const plugin::Listed& listed) {
  io::Json json{{"kind", listed.kind},
                {"name", listed.name},
                {"version", listed.version},
                {"summary", listed.summary},
                {"file", listed.file}};
  if (!listed.unusable.empty()) json["unusable"] = listed.unusable;
  return json;
}

void print_table(const std::vector<plugin::Listed>& all) {
  std::size_t width = 0;
  for (const plugin::Listed& one : all) width = std::max(width, one.name.size());
  std::string kind;
  for (const plugin::Listed& one : all) {
    if (!one.unusable.empty()) continue;
    if (one.kind != kind) std::printf("%s%s\n", kind.empty() ? "" : "\n", one.kind.c_str());
    kind = one.kind;
    std::printf("  %-*s  %-7s  %s\n", static_cast<int>(width), one.name.c_str(),
                one.version.c_str(), one.summary.c_str());
  }
  for (const plugin::Listed& one : all) {
    if (one.unusable.empty()) continue;
    std::fprintf(stderr, "cannot be used: %s: %s\n", one.file.c_str(), one.unusable.c_str());
  }
}

int run(const Values& values) {
  const std::vector<plugin::Listed> all =
      list_components(registry(values), text_of(values, "KIND"));
  if (is_set(values, "json")) {
    io::Json json = io::Json::array();
    for (const plugin::Listed& one : all) json.push_back(to_json(one));
    print_json(json);
  } else {
    print_table(all);
  }
  return kDone;
}

}  // namespace

Command list_command() { return {"list", "the components that are installed", arguments, run}; }

}  // namespace odeum::cli
