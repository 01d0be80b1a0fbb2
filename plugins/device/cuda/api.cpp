// SPDX-License-Identifier: Apache-2.0
#include "api.hpp"

namespace odeum::cuda {
namespace {

// The toolkit that the signatures come from.
constexpr int kMajor = CUDA_VERSION / 1000;

std::vector<std::string> versions(const std::string& name) {
  return {name + ".so." + std::to_string(kMajor), name + ".so"};
}

}  // namespace

std::vector<std::string> Nvrtc::names() { return versions("libnvrtc"); }
std::vector<std::string> Cublas::names() { return versions("libcublasLt"); }

}  // namespace odeum::cuda
