// SPDX-License-Identifier: Apache-2.0
// A shared library opened at run time.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace odeum::cuda {

class Library {
 public:
  /// The first of the names that can be opened, as the loader finds it, else in `folders`.
  Library(const std::vector<std::string>& names, const std::vector<std::string>& folders);

  explicit operator bool() const { return handle_ != nullptr; }
  /// Why it could not be opened; empty when it could.
  const std::string& trouble() const { return trouble_; }
  const std::string& name() const { return name_; }
  /// The address of a symbol, or null.
  void* find(const char* symbol) const;

 private:
  std::shared_ptr<void> handle_;
  std::string name_, trouble_;
};

/// Where a toolkit has its libraries: CUDA_HOME, CUDA_PATH, and the one that this was built with.
std::vector<std::string> toolkit_folders();

/// Fills every function of an API table (cuda/api.hpp); the names of those that are missing.
template <class Api>
std::vector<std::string> resolve(Api& api, const Library& library) {
  std::vector<std::string> missing;
  api.each([&](auto& function, const char* symbol) {
    void* address = library.find(symbol);
    if (address == nullptr) missing.emplace_back(symbol);
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address);
  });
  return missing;
}

}  // namespace odeum::cuda
