// SPDX-License-Identifier: Apache-2.0
#include "library.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

namespace odeum::cuda {

Library::Library(const std::vector<std::string>& names, const std::vector<std::string>& folders) {
  std::vector<std::string> candidates = names;
  for (const std::string& folder : folders) {
    for (const std::string& name : names)
      candidates.push_back(std::filesystem::path(folder) / name);
  }
  for (const std::string& candidate : candidates) {
    if (void* handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL)) {
      handle_.reset(handle, dlclose);
      name_ = candidate;
      return;
    }
    if (trouble_.empty()) trouble_ = dlerror();
  }
}

void* Library::find(const char* symbol) const {
  return handle_ ? dlsym(handle_.get(), symbol) : nullptr;
}

std::vector<std::string> toolkit_folders() {
  std::vector<std::string> folders;
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"}) {
    const char* home = std::getenv(variable);
    if (home == nullptr || home[0] != '/') continue;
    folders.push_back(std::string(home) + "/lib64");
    folders.push_back(std::string(home) + "/lib");
  }
  folders.emplace_back(ODEUM_CUDA_LIBRARIES);
  return folders;
}

}  // namespace odeum::cuda
