// SPDX-License-Identifier: Apache-2.0
#include "cli/components.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <tuple>

#include "config/nearest.hpp"
#include "odeum/error.hpp"
#include "odeum/tool.hpp"
#include "train/schemas.hpp"

namespace odeum::cli {
namespace {

std::string core_file() {
  Dl_info info{};
  const auto* address = reinterpret_cast<const void*>(&list_components);
  if (::dladdr(address, &info) == 0 || info.dli_fname == nullptr) return "libodeum.so";
  return std::filesystem::absolute(info.dli_fname).lexically_normal().string();
}

}  // namespace

std::vector<plugin::Listed> list_components(plugin::Registry& registry, const std::string& kind) {
  std::vector<std::string> kinds(plugin::kKinds.begin(), plugin::kKinds.end());
  const std::vector<train::BuiltIn> built_in = train::built_in_components();
  for (const train::BuiltIn& component : built_in) kinds.push_back(component.kind);
  if (!kind.empty() && std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
    throw ConfigError("there is no kind '" + kind + "'; " +
                      config::suggestion(kind, kinds, "there are"));
  }
  std::vector<plugin::Listed> all;
  if (std::find(plugin::kKinds.begin(), plugin::kKinds.end(), kind) != plugin::kKinds.end() ||
      kind.empty()) {
    all = registry.list(kind);
  }
  for (const train::BuiltIn& component : built_in) {
    if (!kind.empty() && component.kind != kind) continue;
    all.push_back(
        {component.kind, component.name, version(), component.schema.summary(), core_file(), ""});
  }
  std::stable_sort(all.begin(), all.end(), [](const plugin::Listed& a, const plugin::Listed& b) {
    return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
  });
  return all;
}

}  // namespace odeum::cli
