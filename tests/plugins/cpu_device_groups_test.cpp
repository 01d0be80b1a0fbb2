// SPDX-License-Identifier: Apache-2.0
// Fused groups of the CPU device, which run as machine code made for them: the same bits as one
// kernel call an operation (the straight plan), on every instruction set, for special numbers,
// tails, and more values than there are registers.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "device/compare.hpp"
#include "loaded.hpp"

namespace odeum {
namespace {

using device_tests::Array;
using device_tests::element;
using device_tests::run;
using Tensors = std::vector<Tensor>;
using Bytes = std::vector<std::vector<std::byte>>;

const std::vector<std::string> kInstructions = {"avx512", "avx2", "generic"};

std::shared_ptr<Device> cpu(const std::string& plan, const std::string& instructions) {
  std::string yaml = "threads: 2\nplan: ";
  yaml.append(plan).append("\ninstructions: ").append(instructions).append("\n");
  return plugin_tests::make<Device>("cpu", yaml);
}

/// Ordinary numbers with zeros of both signs, subnormal, huge and non-finite ones among them.
std::vector<Array> special_inputs(const Program& program, std::int64_t rows, unsigned seed) {
  std::vector<Array> inputs = device_tests::random_inputs(program, rows, seed);
  std::mt19937 random(seed);
  for (Array& array : inputs) {
    const bool f32 = array.dtype == DType::f32;
    const double infinity = std::numeric_limits<double>::infinity();
    const double special[] = {0.0,
                              -0.0,
                              f32 ? 0x1p-149 : 0x1p-1074,
                              f32 ? -0x1.8p-130 : -0x1.8p-1030,
                              f32 ? 0x1.8p127 : 0x1.8p1023,
                              f32 ? -0x1p64 : -0x1p512,
                              infinity,
                              -infinity,
                              std::numeric_limits<double>::quiet_NaN()};
    for (double& x : array.values) {
      const auto draw = random() % 30;
      if (draw < std::size(special)) x = special[draw];
    }
  }
  return inputs;
}

/// Equal bytes, but for the payload and sign of what is not a number.
void expect_same(const Program& program, const Bytes& given, const Bytes& expected,
                 const std::string& what) {
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const DType type = program[program.outputs[k]].dtype;
    const std::size_t size = size_of(type);
    for (std::size_t i = 0; i < expected[k].size() / size; ++i) {
      const double x = element(given[k], type, i), y = element(expected[k], type, i);
      const bool same =
          std::memcmp(given[k].data() + i * size, expected[k].data() + i * size, size) == 0;
      ASSERT_TRUE(same || (std::isnan(x) && std::isnan(y)))
          << what << ": output " << k << ", element " << i << ": " << x << " for " << y;
    }
  }
}

void expect_straight_bits(const Program& program, const std::vector<std::int64_t>& sizes,
                          const std::string& what) {
  for (const std::string& instructions : kInstructions) {
    const auto groups = cpu("rows", instructions)->compile(program);
    const auto straight = cpu("straight", instructions)->compile(program);
    for (const std::int64_t rows : sizes) {
      const auto inputs = special_inputs(program, rows, static_cast<unsigned>(rows) + 3);
      std::string with = what;
      with.append(", ").append(instructions).append(", rows ").append(std::to_string(rows));
      expect_same(program, run(*groups, program, rows, inputs),
                  run(*straight, program, rows, inputs), with);
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
