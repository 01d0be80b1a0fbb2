// SPDX-License-Identifier: Apache-2.0
// What becomes of a program: kernels, launches and memory, without a device.
#include "kernelgen/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernelgen/text.hpp"
#include "odeum/error.hpp"
#include "odeum/tensor.hpp"

namespace odeum::kernelgen {
namespace {

using Tensors = std::vector<Tensor>;
using Arguments = std::span<const Tensor>;

Plan plan_of(const std::vector<InputSpec>& specs, const Body& body) {
  const Program program = optimize(record(specs, body));
  return make_plan(program, {.name = "test", .outputs = {}},
                   std::vector<bool>(program.outputs.size(), true));
}

/// `count` dense layers of one width, all alike.
Plan layers(int count, std::int64_t width) {
  return plan_of({{"x", {kRows, width}, DType::f32}, {"w", {width, width}, DType::f32}},
                 [count](Arguments in) {
                   Tensor x = in[0];
                   for (int i = 0; i < count; ++i) x = tanh(linear(x, in[1]));
                   return Tensors{x};
                 });
}

TEST(KernelPlan, FusesAChainOfElementwiseOperationsIntoOneKernel) {
  const Plan plan =
      plan_of({{"x", {kRows, 5}, DType::f32}, {"y", {5}, DType::f32}}, [](Arguments in) {
        const Tensor z = exp(in[0]) * in[1] + 2.0;
        return Tensors{tanh(z), sin(z) - in[0]};
      });
  EXPECT_EQ(plan.launches.size(), 1U);
  EXPECT_EQ(plan.scratch_bytes(1000), 0U);
}

TEST(KernelPlan, TakesTheOperandsOfASumIntoItsLoop) {
  const Plan plan = plan_of({{"x", {kRows, 5}, DType::f32}, {"y", {kRows, 5}, DType::f32}},
                            [](Arguments in) { return Tensors{sum_rows(square(in[0]) * in[1])}; });
  // The pieces, and their sum.
  EXPECT_EQ(plan.launches.size(), 2U);
  EXPECT_EQ(plan.row_bytes, 0U);
}

TEST(KernelPlan, SharesTheKernelsOfLayersThatAreAlike) {
  const Plan plan = layers(6, 300);
  EXPECT_EQ(plan.launches.size(), 12U);
  EXPECT_EQ(plan.kernels.size(), 2U);
}

TEST(KernelPlan, PutsNarrowLayersIntoOneKernelAndTheirValuesIntoLocalMemory) {
  const Plan plan = layers(6, 32);
  EXPECT_EQ(plan.launches.size(), 1U);
  EXPECT_EQ(plan.scratch_bytes(640), 0U);
}

TEST(KernelPlan, KeepsWideLayersBesideNarrowOnesInKernelsOfTheirOwn) {
  const Plan plan = plan_of({{"x", {kRows, 32}, DType::f32},
                             {"v", {300, 32}, DType::f32},
                             {"w", {32, 300}, DType::f32},
                             {"u", {32, 32}, DType::f32}},
                            [](Arguments in) {
                              const Tensor narrow = tanh(linear(tanh(linear(in[0], in[3])), in[3]));
                              const Tensor wide = tanh(linear(narrow, in[1]));
                              return Tensors{tanh(linear(linear(wide, in[2]), in[3]))};
                            });
  // Narrow layers; a product and tanh of 300 columns; the product with them; the last layer.
  EXPECT_EQ(plan.launches.size(), 5U);
}

TEST(KernelPlan, GivesATileLessLocalMemoryWhereThereIsLess) {
  const Program program = optimize(
      record(std::vector<InputSpec>{{"x", {kRows, 64}, DType::f32}, {"w", {64, 64}, DType::f32}},
             [](Arguments in) {
               return Tensors{linear(tanh(linear(tanh(linear(in[0], in[1])), in[1])), in[1])};
             }));
  const auto plan = [&](std::int64_t bytes) {
    return make_plan(program, {.name = "test", .outputs = {}}, {true}, {}, bytes);
  };
  // A layer's 64 columns of 16 rows are 4 KiB, and two layers live at once.
  EXPECT_EQ(plan(8192).launches.front().tile_m, 16);
  EXPECT_EQ(plan(4096).launches.front().tile_m, 8);
  EXPECT_EQ(plan(8192).row_bytes, 0U);
  EXPECT_GT(plan(1024).row_bytes, 0U) << "what does not fit lies in scratch memory";
  EXPECT_EQ(plan(1024).launches.size(), 1U);
}

TEST(KernelPlan, LaunchesOnceWhatDoesNotWaitForEachOther) {
  const Plan plan =
      plan_of({{"x", {kRows, 40}, DType::f32}, {"y", {kRows, 40}, DType::f32}}, [](Arguments in) {
        return Tensors{dot("ri,rj->ij", in[0], in[1]), dot("ri,rj->ij", in[1], in[0]),
                       sum_rows(in[0] * in[1]), sum_rows(exp(in[1]))};
      });
  // Pieces of the products; pieces of the sums; both added up.
  EXPECT_EQ(plan.launches.size(), 3U);
}

TEST(KernelPlan, TakesTurnsWhereSumsCutIntoPiecesAreLarge) {
  const auto bytes = [](int count) {
    const Plan plan = plan_of({{"x", {kRows, 300}, DType::f32}, {"y", {kRows, 310}, DType::f32}},
                              [count](Arguments in) {
                                Tensors sums;
                                for (int i = 0; i < count; ++i)
                                  sums.push_back(dot("ri,rj->ij", exp(in[0] * i), in[1]));
                                return sums;
                              });
    return plan.fixed_bytes;
  };
  // 64 pieces of 300 x 310 numbers are 24 MB: two at once would be more than 32 MiB.
  EXPECT_EQ(bytes(1), bytes(4));
}

TEST(KernelPlan, ReusesTheMemoryOfValuesThatAreNotNeededAnyMore) {
  EXPECT_EQ(layers(20, 300).scratch_bytes(640), layers(3, 300).scratch_bytes(640));
}

TEST(KernelPlan, CutsALongSumAsItsRowsSay) {
  const Parts parts{{3, true}, 64, 10};
  EXPECT_EQ(parts.at(1), 1);
  EXPECT_EQ(parts.at(22), 2);     // 66 entries
  EXPECT_EQ(parts.at(5000), 10);  // the most
  EXPECT_EQ(Parts{}.at(5000), 1);
}

TEST(KernelPlan, LaunchesOneGroupForEachTileAndPiece) {
  Launch launch;
  launch.m = {1, true};
  launch.tile_m = 32;
  launch.n = {40, false};
  launch.tile_n = 32;
  launch.z = {3, false};
  EXPECT_EQ(launch.groups(65), 3 * 2 * 3);
  EXPECT_EQ(launch.groups(0), 0);
}

TEST(KernelPlan, KeepsTheParametersOfAKernelWithinWhatEveryDeviceTakes) {
  const Plan plan = plan_of({{"x", {kRows, 100}, DType::f32}}, [](Arguments in) {
    Tensors parts;
    for (int i = 99; i >= 0; --i) parts.push_back(slice(in[0], 1, i, i + 1));
    for (Tensor& part : parts) part = sum_rows(part);
    return Tensors{concat(parts, 0)};
  });
  // CL_DEVICE_MAX_PARAMETER_SIZE is at least 1024: a pointer and an offset for each place.
  for (const Launch& launch : plan.launches) EXPECT_LE(16 + 16 * launch.slots.size(), 1024U);
}

TEST(KernelPlan, RefusesAProgramWithCallsByName) {
  const auto inner =
      std::make_shared<const Program>(record(std::vector<InputSpec>{{"x", {3}, DType::f32}},
                                             [](Arguments in) { return Tensors{exp(in[0])}; }));
  const Program program = record(std::vector<InputSpec>{{"x", {3}, DType::f32}},
                                 [&](Arguments in) { return call(inner, in); });
  try {
    make_plan(program, {.name = "with a call", .outputs = {}}, {true});
    ADD_FAILURE() << "a call was taken";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("'with a call' holds a call"), std::string::npos)
        << error.what();
  }
}

TEST(LibraryProducts, AreLargeContractionsOfDenseMatrices) {
  const auto products = [](std::int64_t width, std::int64_t from) {
    const Program program =
        optimize(record(std::vector<InputSpec>{{"x", {kRows, width}, DType::f32},
                                               {"w", {width, width}, DType::f32}},
                        [](Arguments in) { return Tensors{linear(in[0], in[1])}; }));
    return make_plan(program, {.name = "test", .outputs = {}}, {true}, {.products = from}).products;
  };
  constexpr std::int64_t kLarge = std::int64_t{1} << 24U;
  EXPECT_TRUE(products(64, kLarge).empty());
  EXPECT_TRUE(products(512, kNoLibrary).empty());
  ASSERT_EQ(products(512, kLarge).size(), 1U);
  const LibraryProduct p = products(512, kLarge).front();
  EXPECT_EQ(p.m.at(100), 100);
  EXPECT_EQ(p.n.at(100), 512);
  EXPECT_FALSE(p.transpose_a);
  EXPECT_TRUE(p.transpose_b);
  EXPECT_EQ(p.lda, 512);
}

TEST(KernelText, WritesNumbersThatReadBackExactly) {
  EXPECT_EQ(literal(0.1, DType::f64), "(0x1.999999999999ap-4)");
  EXPECT_EQ(literal(0.1, DType::f32), "(0x1.99999ap-4f)");
  EXPECT_EQ(literal(-3, DType::i64), "(-3L)");
  EXPECT_EQ(literal(std::numeric_limits<double>::infinity(), DType::f32),
            "BITS_TO_FLOAT(2139095040u)");  // 0x7f800000
}

}  // namespace
}  // namespace odeum::kernelgen
