// SPDX-License-Identifier: Apache-2.0
// Products and convolutions that go to cuBLASLt and cuDNN, on stand-ins that check what they are
// given: extents, strides, alignment, memory, promises of the algorithm.
#ifdef ODEUM_WITH_CUDA
#include <cuda.h>

#include "cuda/device.hpp"
#include "kernelgen/opencl.hpp"
#include "kernelgen/plan.hpp"
#include "odeum/error.hpp"
#include "odeum/transforms.hpp"

namespace odeum {
namespace {

using cuda_tests::Arguments;
using cuda_tests::CudaDevice;
using cuda_tests::driver;
using cuda_tests::Tensors;
using opencl_tests::expect_reference;

// Sums of at most a thousand products of numbers in (-1, 1), in another order than the
// interpreter's.
constexpr device_tests::Tolerance kSums{2e-5, 1e-13};

Program products(DType type) {
  return record(
      std::vector<InputSpec>{
          {"x", {kRows, 3, 24}, type}, {"w", {20, 24}, type}, {"v", {3, 20, 24}, type}},
      [](Arguments in) {
        const Tensor x = in[0], w = in[1], v = in[2];
        const Tensor part = slice(slice(x, 1, 1, 2), 2, 5, 12);
        return Tensors{linear(x, w),  // both transposed and not
                       dot("rai,io->rao", x, permute(w, {1, 0})),
                       dot("rai,aoi->rao", x, v),  // a product for each a
                       dot("rai,raj->ij", x, x),   // over rows
                       dot("oi,rai->rao", w, x),   // the operands exchanged
                       // inside larger ones, at odd places
                       dot("rai,oi->rao", part, slice(w, 1, 5, 12))};
      });
}

TEST_F(CudaDevice, HandsProductsToTheLibraryInEveryLayoutAndType) {
  for (const char* rounding : {"float32", "tf32", "bfloat16"}) {
    const auto device = with(std::string("products: library\nrounding: ") + rounding + "\n");
    driver().reset();
    expect_reference(*device, products(DType::f32), {1, 37}, kSums, rounding);
    EXPECT_EQ(called("cublasLtMatmul"), 2 * 2 * 6) << "six products, two sizes, each run twice";
  }
  expect_reference(*with("products: library\n"), products(DType::f64), {1, 37}, kSums, "float64");
}

/// Layers whose product, bias and more are joined or not.
Program layers() {
  return record(std::vector<InputSpec>{{"x", {kRows, 24}, DType::f32},
                                       {"w", {20, 24}, DType::f32},
                                       {"b", {20}, DType::f32},
                                       {"c", {50}, DType::f32}},
                [](Arguments in) {
                  const Tensor x = in[0], w = in[1], b = in[2], part = slice(in[3], 0, 7, 27);
                  const Tensor read_twice = linear(x, w);
                  return Tensors{tanh(linear(sin(x), w) + b),  // joined
                                 part + dot("ri,oi->ro", exp(x),
                                            w),   // joined: the other way round, an odd place
                                 read_twice + b,  // not: the product is wanted by itself
                                 read_twice * 2.0,
                                 // not: another number for each row
                                 dot("ri,oi->ro", square(x), w) + slice(x, 1, 0, 20)};
                });
}

TEST_F(CudaDevice, AddsABiasWhereItMultiplies) {
  const auto device = with("products: library\n");
  expect_reference(*device, layers(), {1, 33}, kSums, "layers");
  driver().reset();
  const kernelgen::Libraries libraries{.products = 0, .biases = true};
  const kernelgen::Plan plan = kernelgen::make_plan(
      optimize(layers()), {.name = "layers", .outputs = {}}, std::vector<bool>(5, true), libraries);
  int joined = 0;
  for (const kernelgen::LibraryProduct& product : plan.products) joined += product.biased ? 1 : 0;
  EXPECT_EQ(joined, 2);
  // And float64, which the library does not, stays two steps.
  expect_reference(*device,
                   record(std::vector<InputSpec>{{"x", {kRows, 24}, DType::f64},
                                                 {"w", {20, 24}, DType::f64},
                                                 {"b", {20}, DType::f64}},
                          [](Arguments in) { return Tensors{linear(in[0], in[1]) + in[2]}; }),
                   {5}, kSums, "float64");
}

Program convolution(const Window& window, DType type) {
  return record(std::vector<InputSpec>{{"x", {kRows, 4, 9, 8}, type}, {"w", {6, 4, 3, 2}, type}},
                [&](Arguments in) { return Tensors{conv(in[0], in[1], window)}; });
}

#ifdef FAKE_CUDNN_MAJOR
TEST_F(CudaDevice, HandsConvolutionsAndBothGradientsToTheLibrary) {
  const Window window{.kernel = {3, 2},
                      .stride = {2, 1},
                      .pad_before = {1, 1},
                      .pad_after = {1, 1},
                      .dilation = {2, 3}};
  for (const DType type : {DType::f32, DType::f64}) {
    const auto device = with("convolutions: library\n");
    driver().reset();
    const Program forward = convolution(window, type);
    expect_reference(*device, forward, {1, 3}, kSums, "conv");
    expect_reference(*device, vjp(forward, InputPositions{0, 1}), {3}, kSums, "its gradients");
    // Of every role the one algorithm that keeps its promises.
    EXPECT_GE(called("cudnnConvolutionForward 1"), 4);
    EXPECT_EQ(called("cudnnConvolutionBackwardData 1"), 2);
    EXPECT_EQ(called("cudnnConvolutionBackwardFilter 1"), 2);
  }
}

TEST_F(CudaDevice, KeepsConvolutionsWhoseSidesArePaddedDifferently) {
  const Window window{.kernel = {3, 2},
                      .stride = {1, 1},
                      .pad_before = {2, 0},
                      .pad_after = {0, 1},
                      .dilation = {1, 1}};
  const auto device = with("convolutions: library\n");
  driver().reset();
  expect_reference(*device, convolution(window, DType::f32), {3}, kSums, "conv");
  EXPECT_EQ(called("cudnnConvolutionForward"), 0);
}

TEST_F(CudaDevice, LeavesSmallConvolutionsToGeneratedKernels) {
  expect_reference(*device_, convolution({.kernel = {3, 2}}, DType::f32), {3}, kSums, "conv");
  EXPECT_GT(called("cudnnConvolutionForward"), 0) << "1024 images of it are large";
  const Program tiny = record(
      std::vector<InputSpec>{{"x", {kRows, 1, 4, 4}, DType::f32}, {"w", {1, 1, 3, 3}, DType::f32}},
      [](Arguments in) {
        return Tensors{conv(in[0], in[1], {.kernel = {3, 3}})};
      });
  driver().reset();
  expect_reference(*device_, tiny, {3}, kSums, "conv");
  EXPECT_EQ(called("cudnnConvolutionForward"), 0);
}
#endif

TEST_F(CudaDevice, ThatIsLostInALibraryIsLost) {
  const auto device = with("products: library\n");
  const Program program = optimize(products(DType::f32));
  const auto executable = device->compile(program, {.name = "products", .outputs = {}});
  const auto inputs = device_tests::random_inputs(program, 3, 5);
  opencl_tests::run(*device, *executable, program, 3, inputs);
  driver().fail("cublasLtMatmul", 2, CUDA_ERROR_ECC_UNCORRECTABLE, 1);
  EXPECT_THROW(opencl_tests::run(*device, *executable, program, 3, inputs), DeviceLost);
}

TEST_F(CudaDevice, PassesOnWhatALibrarySays) {
  const auto device = with("products: library\n");
  const Program program = optimize(products(DType::f32));
  const auto executable = device->compile(program, {.name = "products", .outputs = {}});
  const auto inputs = device_tests::random_inputs(program, 3, 5);
  driver().fail("cublasLtMatmul", 0, CUDA_ERROR_INVALID_VALUE, 0);
  try {
    opencl_tests::run(*device, *executable, program, 3, inputs);
    ADD_FAILURE() << "the library failed";
  } catch (const RunError& error) {
    EXPECT_EQ(dynamic_cast<const DeviceLost*>(&error), nullptr);
    EXPECT_NE(std::string(error.what()).find("cublasLtMatmul: what cuBLASLt says"),
              std::string::npos)
        << error.what();
  }
}

TEST(CudaSettings, RefuseARoundingThatNobodyDoes) {
  const auto refused = [](const std::string& yaml) {
    return plugin_tests::config_error([&] { plugin_tests::make<Device>("cuda", yaml); });
  };
  EXPECT_NE(refused("products: generated\nconvolutions: generated\nrounding: tf32\n")
                .find("leave one of the three out"),
            std::string::npos);
  EXPECT_EQ(refused("products: generated\nrounding: tf32\n"), "");
}

}  // namespace
}  // namespace odeum
#endif
