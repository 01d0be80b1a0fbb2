// SPDX-License-Identifier: Apache-2.0
#include "compiler.hpp"

#include <array>
#include <memory>

#include "library.hpp"
#include "odeum/error.hpp"

namespace odeum::cuda {
namespace {

struct Compiler {
  Library library{Nvrtc::names(), toolkit_folders()};
  Nvrtc api{};

  Compiler() {
    if (!library)
      throw RunError("device cuda: NVRTC of the CUDA toolkit cannot be opened: " +
                     library.trouble());
    const auto missing = resolve(api, library);
    if (!missing.empty())
      throw RunError("device cuda: " + library.name() + " has no function " + missing.front());
  }
};

void check(const Nvrtc& api, nvrtcResult result, const char* what) {
  if (result != NVRTC_SUCCESS)
    throw RunError(std::string("device cuda: ") + what + ": " + api.error_text(result));
}

}  // namespace

const Nvrtc& compiler() {
  static const Compiler opened;
  return opened.api;
}

std::string compiler_version() {
  int major = 0, minor = 0;
  compiler().version(&major, &minor);
  return std::to_string(major) + "." + std::to_string(minor);
}

std::string machine_code(const kernelgen::Source& source, Capability capability) {
  const Nvrtc& api = compiler();
  nvrtcProgram made = nullptr;
  check(api, api.create(&made, source.text.c_str(), "kernels.cu", 0, nullptr, nullptr),
        "nvrtcCreateProgram");
  const std::unique_ptr<nvrtcProgram, void (*)(nvrtcProgram*)> owner(
      &made, [](nvrtcProgram* program) { compiler().destroy(program); });
  const std::string architecture = "--gpu-architecture=" + capability.text();
  const std::array<const char*, 2> options = {architecture.c_str(), "--std=c++17"};
  const nvrtcResult result = api.compile(made, static_cast<int>(options.size()), options.data());
  if (result != NVRTC_SUCCESS) {
    std::size_t size = 0;
    api.log_size(made, &size);
    std::string log(size, '\0');
    if (size > 0) api.log(made, log.data());
    throw RunError("device cuda: the kernels of program '" + source.program +
                   "' do not build for " + capability.text() + " (" + api.error_text(result) +
                   "):\n" + log.c_str());
  }
  std::size_t size = 0;
  check(api, api.cubin_size(made, &size), "nvrtcGetCUBINSize");
  std::string code(size, '\0');
  check(api, api.cubin(made, code.data()), "nvrtcGetCUBIN");
  return code;
}

}  // namespace odeum::cuda
