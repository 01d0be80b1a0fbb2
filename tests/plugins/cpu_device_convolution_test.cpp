// SPDX-License-Identifier: Apache-2.0
// Convolutions on the CPU device: both algorithms on shapes that are no multiple of a tile, a
// vector or a panel, against the float64 interpreter; what is not finite, denormal or huge; the
// transposes of each other; the error of Winograd's algorithm.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "device/compare.hpp"
#include "loaded.hpp"
#include "odeum/transforms.hpp"

namespace odeum {
namespace {

using device_tests::element;
using device_tests::expect_reference;
using device_tests::random_inputs;
using device_tests::Tolerance;
using program::Array;
using Tensors = std::vector<Tensor>;
using Arguments = std::span<const Tensor>;

// Sums of up to 500 products of numbers in (-1, 1) are about 10 in size, and each rounding is
// 6e-8 of that; Winograd's transforms make it a few times more. A mistake is of the size 1.
constexpr Tolerance kSums{1e-4, 1e-12};

const std::vector<std::shared_ptr<Device>>& devices() {
  static const std::vector<std::shared_ptr<Device>> all = [] {
    std::vector<std::shared_ptr<Device>> list;
    for (const char* yaml :
         {"threads: 2\n", "threads: 2\nplan: tasks\n", "threads: 1\ninstructions: avx2\n",
          "threads: 1\ninstructions: generic\n"}) {
      list.push_back(plugin_tests::make<Device>("cpu", yaml));
    }
    return list;
  }();
  return all;
}

struct Case {
  std::vector<std::int64_t> x;  ///< of a row: [images], channels, height, width
  std::int64_t out;
  Window window;
};

/// Inputs x, w and a cotangent of y = conv(x, w).
std::vector<InputSpec> inputs_of(const Case& c, DType type) {
  std::vector<std::int64_t> x{kRows}, y{kRows};
  x.insert(x.end(), c.x.begin(), c.x.end());
  y.insert(y.end(), c.x.begin(), c.x.end());
  const std::size_t rank = y.size();
  y[rank - 3] = c.out;
  for (std::size_t side = 0; side < 2; ++side) {
    const Window& w = c.window;
    const std::int64_t padded = y[rank - 2 + side] + w.pad_before[side] + w.pad_after[side];
    y[rank - 2 + side] =
        (padded - w.dilation[side] * (w.kernel[side] - 1) - 1) / w.stride[side] + 1;
  }
  return {{"x", Shape(x), type},
          {"w", {c.out, c.x[c.x.size() - 3], c.window.kernel[0], c.window.kernel[1]}, type},
          {"dy", Shape(y), type}};
}

/// y, dx and dw.
Program all_three(const Case& c, DType type) {
  return record(inputs_of(c, type), [&c](Arguments in) {
    const Tensor y = conv(in[0], in[1], c.window);
    Tensors out = vjp(Tensors{y}, Tensors{in[0], in[1]}, Tensors{in[2]});
    out.push_back(y);
    return out;
  });
}

Window padded_by(std::int64_t top, std::int64_t left, std::int64_t bottom, std::int64_t right) {
  return {{3, 3}, {1, 1}, {top, left}, {bottom, right}, {1, 1}};
}

TEST(CpuDeviceConvolution, ByWinogradIsTheReferences) {
  for (const Case& c :
       {Case{{12, 5, 7}, 17, padded_by(1, 1, 1, 1)}, Case{{17, 9, 6}, 12, padded_by(0, 0, 0, 0)},
        Case{{33, 4, 4}, 16, padded_by(2, 0, 1, 3)}, Case{{13, 3, 131}, 14, padded_by(3, 4, 0, 0)},
        Case{{3, 16, 4, 5}, 35, padded_by(1, 1, 1, 1)}}) {
    const Program program = all_three(c, DType::f32);
    for (const std::int64_t rows : {1, 5})
      expect_reference(devices(), program, rows, random_inputs(program, rows, 3), kSums);
  }
}

TEST(CpuDeviceConvolution, ByUnfoldingIsTheReferences) {
  const std::vector<Case> cases = {
      {{1, 7, 6}, 5, padded_by(1, 1, 1, 1)},
      {{5, 7, 6}, 1, padded_by(1, 1, 1, 1)},
      {{11, 6, 5}, 17, padded_by(0, 2, 1, 0)},
      {{16, 7, 9}, 13, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}},
      {{3, 8, 8}, 4, {{2, 3}, {2, 3}, {0, 1}, {1, 0}, {1, 2}}},
      {{17, 5, 3}, 9, {{1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}}},
      {{9, 5, 6}, 17, {{1, 1}, {2, 2}, {0, 0}, {0, 0}, {1, 1}}},
      {{2, 6, 5, 4}, 3, {{5, 1}, {1, 2}, {2, 0}, {2, 0}, {1, 1}}},
      {{1, 2, 2}, 16, {{2, 2}, {3, 3}, {5, 5}, {4, 4}, {3, 1}}},
  };
  for (const DType type : {DType::f32, DType::f64}) {
    for (const Case& c : cases) {
      const Program program = all_three(c, type);
      for (const std::int64_t rows : {1, 3, 18})
        expect_reference(devices(), program, rows, random_inputs(program, rows, 4), kSums);
    }
  }
}

TEST(CpuDeviceConvolution, AgreesForEveryNumberOfChannelsUpToSeventeen) {
  for (std::int64_t in = 1; in <= 17; ++in) {
    const Case c{{in, 5, 6}, 18 - in, padded_by(1, 1, 1, 1)};
    const Program program = all_three(c, DType::f32);
    expect_reference(devices(), program, 2, random_inputs(program, 2, 5), kSums);
  }
}

TEST(CpuDeviceConvolution, OfImagesWithoutRowsIsTheReferences) {
  const Program program =
      record(std::vector<InputSpec>{{"x", {3, 14, 6, 5}, DType::f32},
                                    {"w", {15, 14, 3, 3}, DType::f32},
                                    {"dy", {3, 15, 6, 5}, DType::f32}},
             [](Arguments in) {
               const Tensor y = conv(in[0], in[1], padded_by(1, 1, 1, 1));
               Tensors out = vjp(Tensors{y}, Tensors{in[0], in[1]}, Tensors{in[2]});
               out.push_back(y);
               return out;
             });
  expect_reference(devices(), program, 1, random_inputs(program, 1, 6), kSums);
}

/// Two layers, a running cost of the Jacobian, and its gradient: what a flow with a probe needs.
TEST(CpuDeviceConvolution, HasTheReferencesDerivativesOfDerivatives) {
  const Window window = padded_by(1, 1, 1, 1);
  const Program program = record(
      std::vector<InputSpec>{{"x", {kRows, 1, 5, 6}, DType::f32},
                             {"probe", {kRows, 1, 5, 6}, DType::f32},
                             {"w0", {13, 1, 3, 3}, DType::f32},
                             {"w1", {14, 13, 3, 3}, DType::f32},
                             {"b", {14, 1, 1}, DType::f32},
                             {"w2", {1, 14, 3, 3}, DType::f32}},
      [&window](Arguments in) {
        const Tensor h = softplus(conv(in[0], in[2], window));
        const Tensor y = conv(softplus(conv(h, 0.2 * in[3], window) + in[4]), in[5], window);
        const Tensor pulled = vjp(Tensors{y}, Tensors{in[0]}, Tensors{in[1]})[0];
        const Tensor loss = mean_rows(sum_features(square(pulled)) + sum_features(pulled * in[1]));
        return vjp(Tensors{loss}, Tensors{in[0], in[2], in[3], in[4], in[5]},
                   Tensors{ones_like(loss)});
      });
  // A quotient of sums of some hundred terms near 1: relative to them, as kSums.
  for (const std::int64_t rows : {1, 6})
    expect_reference(devices(), program, rows, random_inputs(program, rows, 8), {5e-4, 1e-11});
}

TEST(CpuDeviceConvolution, MapsOverProbes) {
  const Window window = padded_by(1, 1, 1, 1);
  const Program program =
      record(std::vector<InputSpec>{{"x", {kRows, 12, 4, 3}, DType::f32},
                                    {"probes", {kRows, 3, 12, 4, 3}, DType::f32},
                                    {"w", {12, 12, 3, 3}, DType::f32}},
             [&window](Arguments in) {
               const Tensor y = tanh(conv(in[0], 0.1 * in[2], window));
               const Tensor probe = placeholder(y);
               const Tensor pulled = vjp(Tensors{y}, Tensors{in[0]}, Tensors{probe})[0];
               const Tensor back = vmap(Tensors{pulled}, Tensors{probe}, Tensors{in[1]})[0];
               const Tensor loss = sum_rows(sum_features(square(back)));
               Tensors out = vjp(Tensors{loss}, Tensors{in[2]}, Tensors{ones_like(loss)});
               out.push_back(back);
               return out;
             });
  expect_reference(devices(), program, 3, random_inputs(program, 3, 9), {5e-4, 1e-11});
}

TEST(CpuDeviceConvolution, GivesWhatIsNotFiniteWhereTheDirectSumDoes) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::int64_t channels : {3, 14}) {
    const Case c{{channels, 9, 10}, 13, padded_by(1, 1, 1, 1)};
    const Program program = record(inputs_of(c, DType::f32), [&c](Arguments in) {
      const Tensor y = conv(in[0], in[1], c.window);
      return Tensors{y, vjp(Tensors{y}, Tensors{in[0]}, Tensors{in[2]})[0]};
    });
    for (const std::vector<double>& numbers :
         {std::vector<double>{infinity}, {nan}, {infinity, -infinity, nan}}) {
      std::vector<Array> inputs = random_inputs(program, 2, 11);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        for (const std::size_t k : {0, 2})
          inputs[k].values[(37 * i + 5) % inputs[k].values.size()] = numbers[i];
      }
      expect_reference(devices(), program, 2, inputs, kSums);
    }
  }
}

/// Zeros that stand for the padding make NaN of infinities there, in more sums than the reference.
TEST(CpuDeviceConvolution, HidesNothingThatIsNotFiniteFromTheWeightsGradient) {
  for (const std::int64_t channels : {3, 14}) {
    const Case c{{channels, 9, 10}, 13, padded_by(1, 1, 1, 1)};
    const Program program = optimize(all_three(c, DType::f32));
    std::vector<Array> inputs = random_inputs(program, 2, 12);
    inputs[0].values[45] = std::numeric_limits<double>::infinity();
    const auto reference = program::interpret(program, 2, inputs);
    for (const auto& device : devices()) {
      const auto out = device_tests::run(*device->compile(program), program, 2, inputs);
      for (std::size_t i = 0; i < reference[1].values.size(); ++i) {
        const double x = element(out[1], DType::f32, i), y = reference[1].values[i];
        if (!std::isfinite(y)) {
          EXPECT_FALSE(std::isfinite(x)) << i;
        } else if (std::isfinite(x)) {
          EXPECT_NEAR(x, y, kSums.f32 * (1 + std::abs(y)));
        }
      }
    }
  }
}

TEST(CpuDeviceConvolution, OfHugeNumbersIsFiniteWhereTheDirectSumIs) {
  // The sums are below 1.3e38; Winograd's transforms of the images are above the largest float.
  const Case c{{12, 8, 8}, 12, padded_by(1, 1, 1, 1)};
  const Program program = all_three(c, DType::f32);
  std::vector<Array> inputs = random_inputs(program, 2, 12, 0.2, 1.0);
  for (double& x : inputs[0].values) x = static_cast<double>(static_cast<float>(x * 1e38));
  for (double& x : inputs[1].values) x = static_cast<double>(static_cast<float>(x * 1e-2));
  for (double& x : inputs[2].values) x = static_cast<double>(static_cast<float>(x * 1e-3));
  expect_reference(devices(), program, 2, inputs, kSums);
}

TEST(CpuDeviceConvolution, KeepsDenormalNumbers) {
  const Case c{{12, 8, 8}, 12, padded_by(1, 1, 1, 1)};
  const Program program = optimize(all_three(c, DType::f32));
  std::vector<Array> inputs = random_inputs(program, 1, 13, 0.5, 1.0);
  for (double& x : inputs[0].values) x = static_cast<double>(static_cast<float>(x * 1e-40));
  const auto reference = program::interpret(program, 1, inputs);
  for (const auto& device : devices()) {
    const auto out = device_tests::run(*device->compile(program), program, 1, inputs);
    // 1e-40 is 70 000 of the smallest steps, and sums are of some hundred terms.
    for (std::size_t i = 0; i < reference[2].values.size(); ++i) {
      const double y = reference[2].values[i];
      EXPECT_NEAR(element(out[2], DType::f32, i), y, 1e-2 * std::abs(y));
    }
  }
}

TEST(CpuDeviceConvolution, AndItsGradientsAreTransposesOfEachOther) {
  for (const Case& c : {Case{{19, 13, 10}, 21, padded_by(1, 1, 1, 1)},
                        Case{{6, 13, 10}, 21, {{3, 2}, {2, 1}, {1, 0}, {0, 1}, {1, 2}}}}) {
    const Program program = optimize(record(inputs_of(c, DType::f32), [&c](Arguments in) {
      const Tensor y = conv(in[0], in[1], c.window);
      const Tensors d = vjp(Tensors{y}, Tensors{in[0], in[1]}, Tensors{in[2]});
      const auto total = [](Tensor x) { return sum(cast(x, DType::f64), {0, 1, 2, 3}); };
      return Tensors{total(y * in[2]), total(d[0] * in[0]), total(d[1] * in[1]),
                     total(abs(y * in[2]))};
    }));
    const auto inputs = random_inputs(program, 7, 14);
    for (const auto& device : devices()) {
      const auto out = device_tests::run(*device->compile(program), program, 7, inputs);
      const double of_y = element(out[0], DType::f64, 0);
      // Relative to the sum of the terms' sizes: a rounding a term, averaging out.
      const double bound = 1e-6 * element(out[3], DType::f64, 0);
      EXPECT_NEAR(element(out[1], DType::f64, 0), of_y, bound);
      EXPECT_NEAR(element(out[2], DType::f64, 0), of_y, bound);
    }
  }
}

TEST(CpuDeviceConvolution, GivesTheSameBitsForAnyNumberOfThreads) {
  const Case c{{16, 12, 12}, 20, padded_by(1, 1, 1, 1)};
  const Program program = optimize(all_three(c, DType::f32));
  for (const std::int64_t rows : {1, 13, 64}) {
    const auto inputs = random_inputs(program, rows, 15);
    const auto one = plugin_tests::make<Device>("cpu", "threads: 1\n");
    const auto expected = device_tests::run(*one->compile(program), program, rows, inputs);
    for (const char* yaml : {"threads: 2\n", "threads: 3\n"}) {
      const auto device = plugin_tests::make<Device>("cpu", yaml);
      EXPECT_EQ(device_tests::run(*device->compile(program), program, rows, inputs), expected)
          << yaml << rows;
    }
  }
}

/// Root mean square of a - b over that of b.
double relative_error(const std::vector<std::byte>& a, DType type_a,
                      const std::vector<std::byte>& b, std::size_t count) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = element(a, type_a, i), y = element(b, DType::f64, i);
    error += (x - y) * (x - y);
    size += y * y;
  }
  return std::sqrt(error / size);
}

TEST(CpuDeviceConvolution, ByWinogradErrsByAMillionthOnRandomImages) {
  const Case c{{64, 28, 28}, 64, padded_by(1, 1, 1, 1)};
  const Program wide = optimize(all_three(c, DType::f64));
  const auto inputs = random_inputs(optimize(all_three(c, DType::f32)), 2, 16);
  std::vector<Array> wide_inputs = inputs;
  for (Array& array : wide_inputs) array.dtype = DType::f64;
  const auto device = plugin_tests::make<Device>("cpu", "threads: 2\n");
  const auto exact = device_tests::run(*device->compile(wide), wide, 2, wide_inputs);
  const Program program = optimize(all_three(c, DType::f32));
  const auto out = device_tests::run(*device->compile(program), program, 2, inputs);
  for (std::size_t k = 0; k < 3; ++k) {
    const double error = relative_error(out[k], DType::f32, exact[k], exact[k].size() / 8);
    // Measured 7e-7 to 9e-7; with the interpolation points 0, 1, -1, 2, -2 it is above 1.5e-6.
    EXPECT_LT(error, 1.2e-6) << "output " << k;
    EXPECT_GT(error, 1e-8) << "output " << k << ": not in float32?";
  }
}

}  // namespace
}  // namespace odeum
