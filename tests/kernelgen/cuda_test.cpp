// SPDX-License-Identifier: Apache-2.0
// The CUDA device as far as it goes without a graphics card: every function that is opened at run
// time exists, generated kernels compile, and the device says why it cannot run.
#include <gtest/gtest.h>

#include "kernelgen/machine.hpp"
#include "odeum/error.hpp"
#include "odeum/transforms.hpp"
#include "plugins/loaded.hpp"
#include "verify/programs.hpp"

#ifdef ODEUM_WITH_CUDA
#include "cuda/api.hpp"
#include "cuda/compiler.hpp"
#include "cuda/cudnn_api.hpp"
#include "cuda/library.hpp"
#endif

namespace odeum {
namespace {

#ifdef ODEUM_WITH_CUDA

template <class Api>
void expect_every_symbol(const std::vector<std::string>& names) {
  std::vector<std::string> folders = cuda::toolkit_folders();
  // The toolkit's stand-in for the driver.
  for (const std::string& folder : cuda::toolkit_folders()) folders.push_back(folder + "/stubs");
  const cuda::Library library(names, folders);
  if (!library) GTEST_SKIP() << "not on this machine: " << library.trouble();
  Api api{};
  EXPECT_EQ(cuda::resolve(api, library), std::vector<std::string>()) << library.name();
  EXPECT_EQ(library.find("cuNoSuchFunction"), nullptr);
}

TEST(CudaSymbols, OfTheDriverAreAllThere) {
  std::vector<std::string> names = cuda::Driver::names();
  names.emplace_back("libcuda.so");
  expect_every_symbol<cuda::Driver>(names);
}
TEST(CudaSymbols, OfTheCompilerAreAllThere) {
  expect_every_symbol<cuda::Nvrtc>(cuda::Nvrtc::names());
}
TEST(CudaSymbols, OfTheProductsAreAllThere) {
  expect_every_symbol<cuda::Cublas>(cuda::Cublas::names());
}
#ifdef ODEUM_WITH_CUDNN
TEST(CudaSymbols, OfTheConvolutionsAreAllThere) {
  expect_every_symbol<cuda::Cudnn>(cuda::Cudnn::names());
}
#endif

bool has_compiler() {
  return static_cast<bool>(cuda::Library(cuda::Nvrtc::names(), cuda::toolkit_folders()));
}

/// A program for each group of primitives, and its reverse derivative, as machine code.
void expect_machine_code(cuda::Capability capability) {
  if (!has_compiler()) GTEST_SKIP() << "NVRTC is not on this machine";
  for (const verify::NamedProgram& one : verify::device_programs()) {
    Program program = one.program;
    if (one.differentiable) {
      InputPositions positions;
      for (std::size_t i = 0; i < program.inputs.size(); ++i)
        positions.push_back(static_cast<int>(i));
      program = vjp(program, positions);
    }
    const kernelgen::Source source = kernelgen::source_of(
        optimize(program), {.name = one.name, .outputs = {}}, kernelgen::Dialect::cuda);
    // An ELF file.
    EXPECT_EQ(cuda::machine_code(source, capability).substr(0, 4),
              "\x7f"
              "ELF")
        << one.name;
  }
}

TEST(CudaKernels, CompileForSm80) { expect_machine_code({8, 0}); }
TEST(CudaKernels, CompileForSm90) { expect_machine_code({9, 0}); }

TEST(CudaKernels, CompileWithWideIndices) {
  if (!has_compiler()) GTEST_SKIP() << "NVRTC is not on this machine";
  const verify::NamedProgram one = verify::device_programs().front();
  const kernelgen::Source source =
      kernelgen::source_of(optimize(one.program), {.name = one.name, .outputs = {}},
                           kernelgen::Dialect::cuda, kernelgen::IndexWidth::bits64);
  EXPECT_NE(source.text.find("typedef long idx;"), std::string::npos);
  EXPECT_FALSE(cuda::machine_code(source, {9, 0}).empty());
}

TEST(CudaKernels, ThatDoNotBuildNameTheProgramAndGiveTheCompilersWords) {
  if (!has_compiler()) GTEST_SKIP() << "NVRTC is not on this machine";
  try {
    cuda::machine_code({"broken step", "extern \"C\" __global__ void k0() { nonsense; }", {}, {}},
                       {9, 0});
    ADD_FAILURE() << "nonsense was built";
  } catch (const RunError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("'broken step' do not build for sm_90"), std::string::npos) << text;
    EXPECT_NE(text.find("\"nonsense\" is undefined"), std::string::npos) << text;
  }
}

TEST(CudaDevice, SaysWithoutADriverThatThereIsNone) {
  const auto device = plugin_tests::make<Device>("cuda");
  const std::string reason = device->probe();
  if (reason.empty()) GTEST_SKIP() << "this machine has a graphics card";
  EXPECT_NE(reason.find("driver"), std::string::npos) << reason;
  EXPECT_THROW(device->allocate(64), RunError);
}

#else

TEST(CudaDevice, IsLeftOutWithoutAToolkit) {
  GTEST_SKIP() << "no CUDA toolkit was found: device/cuda is not built";
}

#endif

}  // namespace
}  // namespace odeum
