// SPDX-License-Identifier: Apache-2.0
// Fused groups of the CPU device, which run as machine code made for them: the same bits as one
// kernel call an operation (the straight plan), on every instruction set, for special numbers,
// tails, and more values than there are registers.
#include <gtest/gtest.h>

#include <random>

#include "plugins/cpu_device_bits.hpp"

namespace odeum {
namespace {

using cpu_device_tests::Bytes;
using cpu_device_tests::cpu;
using cpu_device_tests::expect_same;
using cpu_device_tests::kInstructions;
using cpu_device_tests::special_inputs;
using device_tests::run;
using Tensors = std::vector<Tensor>;

/// Groups with and without machine code give what one kernel call an operation gives.
void expect_straight_bits(const Program& program, const std::vector<std::int64_t>& sizes,
                          const std::string& what) {
  for (const std::string& instructions : kInstructions) {
    const auto groups = cpu("rows", instructions)->compile(program);
    const auto kernels = cpu("rows", instructions, false)->compile(program);
    const auto straight = cpu("straight", instructions, false)->compile(program);
    for (const std::int64_t rows : sizes) {
      const auto inputs = special_inputs(program, rows, static_cast<unsigned>(rows) + 3);
      std::string with = what;
      with.append(", ").append(instructions).append(", rows ").append(std::to_string(rows));
      const Bytes expected = run(*straight, program, rows, inputs);
      expect_same(program, run(*groups, program, rows, inputs), expected, with);
      expect_same(program, run(*kernels, program, rows, inputs), expected, with + ", kernels");
    }
  }
}

/// Random arithmetic, now and then a function or a sum between.
Program arithmetic(DType type, std::int64_t width, unsigned seed) {
  const std::vector<InputSpec> inputs = {{"x", {kRows, width}, type},  {"y", {kRows, width}, type},
                                         {"z", {kRows, width}, type},  {"row", {width}, type},
                                         {"column", {kRows, 1}, type}, {"s", {1}, type}};
  return optimize(record(inputs, [seed](std::span<const Tensor> in) {
    std::mt19937 random(seed);
    Tensors values = {in[0], in[1], in[2]};
    const auto any = [&] {
      const std::size_t n = std::min<std::size_t>(values.size(), 12);
      return values[values.size() - 1 - random() % n];
    };
    for (int i = 0; i < 60; ++i) {
      const Tensor a = any(), b = any(), c = any();
      switch (random() % 14) {
        case 0:
          values.push_back(a + b);
          break;
        case 1:
          values.push_back(a - b);
          break;
        case 2:
          values.push_back(a * b);
          break;
        case 3:
          values.push_back(a * b + c);
          break;
        case 4:
          values.push_back(a * b - c);
          break;
        case 5:
          values.push_back(c - a * b);
          break;
        case 6:
          values.push_back(a / b);
          break;
        case 7:
          values.push_back(-a);
          break;
        case 8:
          values.push_back(0.25 * a - in[5]);
          break;
        case 9:
          values.push_back(a * in[3] + b);
          break;
        case 10:
          values.push_back(in[4] - a);
          break;
        case 11:
          values.push_back(a * a + a);
          break;
        case 12:
          values.push_back(softplus(a) - sigmoid(a) * b);
          break;
        default:
          values.push_back(tanh(a));
      }
    }
    const std::size_t n = values.size();
    return Tensors{values[n - 1], values[n - 7], values[n / 2], sum_features(values[n - 2])};
  }));
}

TEST(CpuDeviceGroups, GiveTheBitsOfOneKernelAnOperation) {
  for (const DType type : {DType::f32, DType::f64}) {
    for (const std::int64_t width : {1, 3, 16, 65}) {
      for (unsigned seed = 1; seed <= 4; ++seed) {
        expect_straight_bits(arithmetic(type, width, seed), {1, 5, 34},
                             std::string(name(type)) + ", width " + std::to_string(width) +
                                 ", seed " + std::to_string(seed));
      }
    }
  }
}

TEST(CpuDeviceGroups, HoldMoreValuesThanThereAreRegisters) {
  // Two dozen differences with a dozen and more scalars each, needed again in the opposite order.
  constexpr int kValues = 23;
  for (const DType type : {DType::f32, DType::f64}) {
    std::vector<InputSpec> inputs = {{"x", {kRows, 5}, type}};
    for (int i = 0; i < kValues; ++i) {
      inputs.push_back({"s" + std::to_string(i), {1}, type});
      inputs.push_back({"y" + std::to_string(i), {kRows, 5}, type});
    }
    const auto body = [](bool scalars) {
      return [scalars](std::span<const Tensor> in) {
        Tensors values;
        for (std::size_t i = scalars ? 1 : 2; i < in.size(); i += 2)
          values.push_back(in[0] - in[i]);
        Tensor product = values.back();
        for (std::size_t i = values.size() - 1; i-- > 0;) product = product * values[i];
        return Tensors{product};
      };
    };
    for (const bool scalars : {true, false}) {
      expect_straight_bits(optimize(record(inputs, body(scalars))), {1, 7, 40},
                           std::string(name(type)) + (scalars ? ", scalars" : ", values"));
    }
  }
}

TEST(CpuDeviceGroups, TakeSoftplusAndItsDerivativeFromOneExponential) {
  for (const DType type : {DType::f32, DType::f64}) {
    const std::vector<InputSpec> inputs = {{"x", {kRows, 3}, type}};
    const auto recorded = [&](bool first, bool second) {
      return optimize(record(inputs, [=](std::span<const Tensor> in) {
        Tensors outputs;
        if (first) outputs.push_back(softplus(in[0]));
        if (second) outputs.push_back(sigmoid(in[0]));
        return outputs;
      }));
    };
    const Program both = recorded(true, true);
    for (const std::string& instructions : kInstructions) {
      const auto device = cpu("rows", instructions);
      for (const std::int64_t rows : {1, 6, 700}) {
        auto given = special_inputs(both, rows, 5);
        for (std::size_t i = 0; i < given[0].values.size(); i += 2) given[0].values[i] *= 100.0;
        const Bytes together = run(*device->compile(both), both, rows, given);
        for (const bool first : {true, false}) {
          const Program one = recorded(first, !first);
          expect_same(one, {together[first ? 0 : 1]}, run(*device->compile(one), one, rows, given),
                      instructions + (first ? " softplus" : " sigmoid"));
        }
      }
    }
  }
}

}  // namespace
}  // namespace odeum
