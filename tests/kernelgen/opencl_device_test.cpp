// SPDX-License-Identifier: Apache-2.0
// The OpenCL device where `odeum verify` does not reach: sizes beyond a tile, a group or a thread's
// own memory, and what goes wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "kernelgen/opencl.hpp"
#include "odeum/error.hpp"
#include "odeum/transforms.hpp"

#ifdef ODEUM_WITH_OPENCL
#include "opencl/error.hpp"
#include "opencl/machine.hpp"
#endif

namespace odeum {
namespace {

using opencl_tests::expect_reference;
using Tensors = std::vector<Tensor>;
using Arguments = std::span<const Tensor>;

class OpenClDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    const opencl_tests::Opened opened = opencl_tests::open();
    if (!opened.device) GTEST_SKIP() << opened.missing;
    device_ = opened.device;
  }
  void check(const std::vector<InputSpec>& specs, const Body& body,
             const std::vector<std::int64_t>& rows, device_tests::Tolerance tolerance) {
    expect_reference(*device_, record(specs, body), rows, tolerance, "program");
  }
  std::shared_ptr<Device> device_;
};

// Sums of a few hundred products of numbers in (-1, 1), in another order than the interpreter's.
constexpr device_tests::Tolerance kProducts{2e-5, 1e-13};

TEST_F(OpenClDevice, MultipliesBySmallAndLargeTilesWithRaggedEdges) {
  check(
      {{"x", {kRows, 83}, DType::f32}, {"w", {37, 83}, DType::f32}, {"v", {261, 83}, DType::f32}},
      [](Arguments in) {
        return Tensors{linear(in[0], in[1]), linear(in[0], in[2])};
      },
      {1, 33, 130}, kProducts);
}

/// Narrow layers with a norm of each row, parts that are put together, and a wide layer between.
Tensors narrow_and_wide(Arguments in) {
  const Tensor x = in[0], w = in[1], v = in[2], back = in[3];
  const Tensor hidden = tanh(linear(x, w) + in[4]);
  const Tensor norm = sqrt(sum(square(hidden), {1}) + 1.0);
  const Tensor halves = concat({slice(hidden, 1, 0, 9), slice(hidden, 1, 9, 19) * 2.0}, 1);
  const Tensor wide = sin(linear(halves, v));
  const Tensor narrow = linear(wide, back) / reshape(norm, {kRows, 1}) + x;
  return {dot("ro,oi->ri", hidden, w), narrow, norm, dot("ri,rj->rij", narrow, x)};
}

TEST_F(OpenClDevice, ComputesNarrowLayersInTilesBesideWideOnesWithRaggedEnds) {
  for (const DType type : {DType::f32, DType::f64}) {
    const Program program = record(std::vector<InputSpec>{{"x", {kRows, 7}, type},
                                                          {"w", {19, 7}, type},
                                                          {"v", {270, 19}, type},
                                                          {"back", {7, 270}, type},
                                                          {"bias", {19}, type}},
                                   narrow_and_wide);
    expect_reference(*device_, program, {1, 67}, kProducts, "layers");
  }
}

TEST_F(OpenClDevice, KeepsInScratchMemoryWhatATilesLocalMemoryHasNoRoomFor) {
  // Seven layers of 100 columns live until the end: in float64 a tile's are 45 KB at least.
  check(
      {{"x", {kRows, 100}, DType::f64}, {"w", {100, 100}, DType::f64}},
      [](Arguments in) {
        Tensor y = in[0];
        Tensors parts;
        for (int i = 0; i < 7; ++i) {
          y = sin(linear(y, 0.1 * in[1]));  // errors do not grow from layer to layer
          parts.push_back(slice(y, 1, 10 * i, 10 * i + 20));
        }
        return Tensors{concat(parts, 1)};
      },
      {1, 21}, kProducts);
}

TEST_F(OpenClDevice, GivesARowOfATileTheSameBitsWhateverItsNeighbours) {
  const Program program = optimize(record(
      std::vector<InputSpec>{{"x", {kRows, 5}, DType::f32}, {"w", {5, 5}, DType::f32}},
      [](Arguments in) { return Tensors{tanh(linear(tanh(linear(in[0], in[1])), in[1]))}; }));
  const auto executable = device_->compile(program, {.name = "layers", .outputs = {}});
  constexpr std::int64_t kMany = 83, kFew = 3;
  const auto inputs = device_tests::random_inputs(program, kMany, 5);
  std::vector<device_tests::Array> few = {
      device_tests::Array::of(DType::f32, {kFew, 5},
                              {inputs[0].values.begin(), inputs[0].values.begin() + kFew * 5}),
      inputs[1]};
  auto all = opencl_tests::run(*device_, *executable, program, kMany, inputs).front();
  all.resize(std::size_t{kFew} * 5 * sizeof(float));
  EXPECT_EQ(opencl_tests::run(*device_, *executable, program, kFew, few).front(), all);
}

TEST_F(OpenClDevice, MultipliesTransposedBatchedAndSummedOverManyRows) {
  check(
      {{"x", {kRows, 4, 17}, DType::f64},
       {"y", {kRows, 4, 19}, DType::f64},
       {"w", {4, 20, 17}, DType::f64}},
      [](Arguments in) {
        return Tensors{dot("rai,raj->aij", in[0], in[1]), dot("rai,aji->raj", in[0], in[2]),
                       dot("rai,raj->rij", in[0], in[1])};
      },
      {5, 700}, kProducts);
}

TEST_F(OpenClDevice, HandsProductsToALibraryWhereverTheirMemoryAllows) {
  std::shared_ptr<Device> device;
  const std::string refused = plugin_tests::config_error(
      [&] { device = plugin_tests::make<Device>("opencl", "products: library\n"); });
  if (!device) GTEST_SKIP() << refused;
  const Program program =
      record(std::vector<InputSpec>{{"x", {kRows, 3, 24}, DType::f32},
                                    {"w", {20, 24}, DType::f32},
                                    {"v", {3, 20, 24}, DType::f32}},
             [](Arguments in) {
               const Tensor x = in[0], w = in[1], v = in[2];
               const Tensor part = slice(slice(x, 1, 1, 2), 2, 4, 12);
               return Tensors{linear(x, w),  // both transposed and not
                              dot("rai,oi->rao", x, w),
                              dot("rai,io->rao", x, permute(w, {1, 0})),
                              dot("rai,aoi->rao", x, v),  // rows apart: a product for each a
                              dot("rai,raj->ij", x, x),   // over rows
                              dot("oi,rai->rao", w, x),   // the operands exchanged
                              dot("rai,oi->rao", part, slice(w, 1, 4, 12))};  // inside larger ones
             });
  // CLBlast adds up in single precision: sums of at most 600 products.
  expect_reference(*device, program, {1, 200}, kProducts, "products");
}

TEST_F(OpenClDevice, AddsUpLongSumsInPieces) {
  check(
      {{"x", {kRows, 40}, DType::f32}, {"w", {70, 90}, DType::f32}},
      [](Arguments in) {
        const Tensor x = in[0];
        return Tensors{sum_rows(square(x)), sum(x, {0, 1}),  reduce_max(x, {0}),
                       sum(in[1], {0, 1}),  sum(in[1], {0}), sum_features(concat({x, x, x}))};
      },
      {1, 3000}, kProducts);
}

TEST_F(OpenClDevice, ConvolvesWithStridesDilationsAndSidesOfTheirOwn) {
  const Window window{.kernel = {3, 2},
                      .stride = {2, 1},
                      .pad_before = {1, 0},
                      .pad_after = {2, 1},
                      .dilation = {2, 1}};
  const Program forward = record(std::vector<InputSpec>{{"x", {kRows, 9, 11, 8}, DType::f64},
                                                        {"w", {10, 9, 3, 2}, DType::f64}},
                                 [&](Arguments in) { return Tensors{conv(in[0], in[1], window)}; });
  expect_reference(*device_, forward, {3}, kProducts, "conv");
  expect_reference(*device_, vjp(forward, InputPositions{0, 1}), {3}, kProducts, "its gradients");
}

TEST_F(OpenClDevice, SolvesSystemsThatDoNotFitAThreadsOwnMemory) {
  check(
      {{"a", {kRows, 12, 12}, DType::f64}, {"b", {kRows, 12, 3}, DType::f64}},
      [](Arguments in) {
        const Tensor a = in[0];
        const Tensor identity =
            equal(iota(a, {12, 12}, 0, DType::f64), iota(a, {12, 12}, 1, DType::f64));
        return Tensors{lu_solve(a + 8.0 * identity, in[1])};
      },
      {9}, kProducts);
}

TEST_F(OpenClDevice, JoinsMorePartsThanAKernelHasParameters) {
  std::vector<InputSpec> specs;
  specs.reserve(70);
  for (int i = 0; i < 70; ++i) specs.push_back({"x" + std::to_string(i), {kRows, 2}, DType::f32});
  check(
      specs, [](Arguments in) { return Tensors{concat(Tensors(in.begin(), in.end()), 1)}; }, {7},
      kProducts);
}

TEST_F(OpenClDevice, LeavesOutOutputsThatAreNotWanted) {
  const Program program =
      optimize(record(std::vector<InputSpec>{{"x", {4}, DType::f64}}, [](Arguments in) {
        return Tensors{exp(in[0]), 2.0 * in[0]};
      }));
  const auto executable = device_->compile(program, {.name = "two", .outputs = {}});
  const std::vector<double> x = {1, 2, 3, 4};
  const auto in = device_->allocate(32), out = device_->allocate(32);
  device_->upload({in.get(), 0}, x.data(), 32);
  executable->run(1, std::vector<View>{{in.get(), 0}}, std::vector<View>{{}, {out.get(), 0}});
  std::vector<double> y(4);
  device_->download(y.data(), {out.get(), 0}, 32);
  EXPECT_EQ(y, (std::vector<double>{2, 4, 6, 8}));
}

TEST_F(OpenClDevice, WorksBesideAnotherOneInAnotherThread) {
  const auto work = [](Device& device, std::int64_t width) {
    const Program program =
        record(std::vector<InputSpec>{{"x", {kRows, width}, DType::f64}}, [](Arguments in) {
          return Tensors{tanh(in[0]), sum_rows(square(in[0]))};
        });
    for (int i = 0; i < 3; ++i) expect_reference(device, program, {5, 200}, kProducts, "beside");
  };
  const opencl_tests::Opened other = opencl_tests::open();
  ASSERT_TRUE(other.device) << other.missing;
  std::thread beside([&] { work(*other.device, 3); });
  work(*device_, 4);
  beside.join();
}

TEST_F(OpenClDevice, TakesUploadsOverBeforeTheyAreThere) {
  // Many and large: memory that is under way is not written to again.
  constexpr int kUploads = 50;
  constexpr std::size_t kEntries = 100000;
  std::vector<std::shared_ptr<void>> places;
  std::vector<double> values(kEntries);
  for (int i = 0; i < kUploads; ++i) {
    places.push_back(device_->allocate(kEntries * sizeof(double)));
    std::fill(values.begin(), values.end(), static_cast<double>(i));
    device_->upload({places.back().get(), 0}, values.data(), kEntries * sizeof(double));
  }
  EXPECT_EQ(device_->traffic().synchronizations, 0);
  for (int i = 0; i < kUploads; ++i) {
    device_->download(values.data(), {places[static_cast<std::size_t>(i)].get(), 0},
                      kEntries * sizeof(double));
    EXPECT_EQ(values, std::vector<double>(kEntries, static_cast<double>(i)));
  }
}

TEST_F(OpenClDevice, CopiesWithinABufferAlsoWhereThePlacesOverlap) {
  const std::vector<double> x = {1, 2, 3, 4, 5};
  const auto memory = device_->allocate(64);
  device_->upload({memory.get(), 0}, x.data(), 40);
  device_->copy({memory.get(), 8}, {memory.get(), 0}, 40);
  std::vector<double> y(6);
  device_->download(y.data(), {memory.get(), 0}, 48);
  EXPECT_EQ(y, (std::vector<double>{1, 1, 2, 3, 4, 5}));
}

TEST_F(OpenClDevice, SaysHowMuchMemoryThereWasNot) {
  constexpr std::size_t kTooMuch = std::size_t{1} << 60U;
  try {
    (void)device_->allocate(kTooMuch);
    ADD_FAILURE() << "2^60 bytes were given";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("no memory for 1152921504606846976 bytes"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(OpenClDevice, SaysWhichIndicesThereAreWhereOneIsTooHigh) {
  const auto other = plugin_tests::make<Device>("opencl", "index: 99\n");
  EXPECT_NE(other->probe().find("no device of index 99 (0: "), std::string::npos) << other->probe();
}

#ifdef ODEUM_WITH_OPENCL

TEST_F(OpenClDevice, GivesTheDriversWordsWhereKernelsDoNotBuild) {
  opencl::OpenClMachine machine(opencl::all_devices().front(), kernelgen::Cache({}));
  try {
    (void)machine.build({"broken step", "__kernel void k0() { nonsense; }", {"k0"}, {1}});
    ADD_FAILURE() << "nonsense was built";
  } catch (const RunError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("'broken step' do not build on "), std::string::npos) << text;
    EXPECT_NE(text.find("'nonsense'"), std::string::npos) << text;
  }
}

TEST_F(OpenClDevice, BuildsFromItsCacheAndAnewWhereTheCacheIsDamaged) {
  const plugin_tests::Folder folder;
  const auto place = std::filesystem::path(folder.write("mark", "")).parent_path() / "kernels";
  const kernelgen::Source source{
      "twice",
      "__kernel void k0(const long rows, const long parts, __global uchar* p, const long o)"
      " { ((__global double*)(p + o))[get_global_id(0)] = 2.0 * rows; }",
      {"k0"},
      {2}};
  const auto result = [&] {
    opencl::OpenClMachine machine(opencl::all_devices().front(), kernelgen::Cache(place));
    const auto module = machine.build(source);
    const auto memory = machine.allocate(16);
    module->launch(0, 1, 21, 1, std::vector<View>{{memory.get(), 0}});
    std::vector<double> y(2);
    machine.download(y.data(), {memory.get(), 0}, 16);
    return y;
  };
  const std::vector<double> wanted = {42, 42};
  EXPECT_EQ(result(), wanted);
  ASSERT_TRUE(std::filesystem::exists(place));
  const auto file = std::filesystem::directory_iterator(place)->path();
  EXPECT_EQ(result(), wanted);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 5);
  EXPECT_EQ(result(), wanted);
}

TEST(OpenClErrors, OfADeviceThatIsLostSayHowToGoOn) {
  try {
    opencl::fail("waiting for the device", CL_DEVICE_NOT_AVAILABLE);
  } catch (const DeviceLost& error) {
    EXPECT_EQ(std::string(error.what()),
              "device opencl: waiting for the device: CL_DEVICE_NOT_AVAILABLE (-2); the device "
              "stopped working: go on from the last checkpoint with --resume");
  }
}

#endif

}  // namespace
}  // namespace odeum
