// SPDX-License-Identifier: Apache-2.0
// Machine code of straight-line programs: the same bits as the list of kernel calls that it stands
// for, whatever the numbers.
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "device/programs.hpp"
#include "odeum/tensor.hpp"
#include "plugins/cpu_device_bits.hpp"

namespace odeum {
namespace {

using cpu_device_tests::Array;
using cpu_device_tests::cpu;
using cpu_device_tests::kInstructions;
using device_tests::random_inputs;
using device_tests::run;
using Body = std::function<std::vector<Tensor>(std::span<const Tensor>)>;

void expect_same_bits(const Program& source, std::int64_t rows, const std::vector<Array>& inputs,
                      const std::string& what) {
  const Program program = optimize(source);
  for (const std::string& instructions : kInstructions) {
    const auto machine = cpu("straight", instructions)->compile(program);
    const auto calls = cpu("straight", instructions, false)->compile(program);
    std::string with = what;
    with.append(" with ").append(std::to_string(rows)).append(" rows on ").append(instructions);
    cpu_device_tests::expect_same(program, run(*machine, program, rows, inputs),
                                  run(*calls, program, rows, inputs), with);
  }
}

/// Every special number against every other.
std::vector<Array> special_inputs(const Program& program, std::int64_t rows) {
  const std::vector<double> numbers = cpu_device_tests::special_numbers(DType::f64);
  std::vector<Array> inputs = random_inputs(program, rows, 5);
  std::size_t next = 0;
  for (Array& array : inputs) {
    for (double& x : array.values) x = numbers[next++ * 7 % numbers.size()];
    next += 5;
  }
  return inputs;
}

TEST(CpuDeviceMachineCode, GivesTheBitsOfTheKernelsForEveryElementwiseFunction) {
  const Body functions = [](std::span<const Tensor> in) {
    const Tensor a = in[0], b = in[1], c = in[2];
    return std::vector<Tensor>{
        -a,        abs(a),          floor(a),  sqrt(a),    a + b,       a - b,     a * b,
        a / b,     max(a, b),       min(a, b), less(a, b), equal(a, b), a * b + c, a * b - c,
        c - a * b, select(a, b, c), sign(a),   exp(a),     sum(a, {0})};
  };
  for (const std::int64_t width : {1, 2, 3, 4, 5, 7, 15, 16, 17, 63, 64, 65}) {
    const std::vector<InputSpec> specs{
        {"a", {width}, DType::f64}, {"b", {width}, DType::f64}, {"c", {width}, DType::f64}};
    const Program program = record(specs, functions);
    const std::string what = "functions of " + std::to_string(width);
    for (unsigned seed = 0; seed < 4; ++seed)
      expect_same_bits(program, 1, random_inputs(program, 1, seed, -3.0, 3.0), what);
    expect_same_bits(program, 1, special_inputs(program, 1), what + " special numbers");
  }
}

TEST(CpuDeviceMachineCode, GivesTheBitsOfTheKernelsForScalarsBesideVectors) {
  const std::vector<InputSpec> specs{
      {"a", {kRows, 5}, DType::f64}, {"h", {1}, DType::f64}, {"w", {5}, DType::f64}};
  const Program program = record(specs, [](std::span<const Tensor> in) {
    const Tensor a = in[0], h = in[1], w = in[2];
    const Tensor scaled = a + h * (0.5 * a + 0.25 * w + 2.0 * square(a));
    const Tensor turned = concat({slice(scaled, 1, 3, 5), slice(a, 1, 0, 3)});
    return std::vector<Tensor>{scaled,
                               turned * w + h,
                               max(turned, h),
                               select(less(a, h), h, a),
                               sum(turned * a, {1}),
                               reduce_max(a, {1}),
                               h - turned * scaled,
                               dot("ri,i->r", a, w)};
  });
  for (const std::int64_t rows : {1, 2, 3, 4}) {
    expect_same_bits(program, rows, random_inputs(program, rows, 3), "scalars and vectors");
    expect_same_bits(program, rows, special_inputs(program, rows), "special scalars and vectors");
  }
}

TEST(CpuDeviceMachineCode, GivesTheBitsOfTheKernelsForNetworksAndTheirGradients) {
  for (const DType type : {DType::f64, DType::f32}) {
    const Program step = device_tests::flow_step(type, {2, 6, 2}, 2);
    const Program trace = device_tests::exact_trace(type, {3, 5, 3});
    for (const std::int64_t rows : {1, 2, 5, 11}) {
      expect_same_bits(step, rows, random_inputs(step, rows, 7), "a flow's step");
      expect_same_bits(trace, rows, random_inputs(trace, rows, 9), "an exact trace");
    }
  }
}

TEST(CpuDeviceMachineCode, KeepsMoreValuesThanThereAreRegisters) {
  // 40 sums that all live to the end, of which each needs those before it.
  const Program program =
      record(std::vector<InputSpec>{{"x", {3}, DType::f64}}, [](std::span<const Tensor> in) {
        std::vector<Tensor> values{in[0]};
        for (int i = 1; i < 40; ++i) {
          const auto n = values.size();
          values.push_back(values[n - 1] * values[n / 2] + 0.01 * i * values[n / 3] +
                           slice(values[n / 4], 0, i % 3, i % 3 + 1));
        }
        return values;
      });
  expect_same_bits(program, 1, random_inputs(program, 1, 21), "many values");
}

TEST(CpuDeviceMachineCode, AddsToOutputsThatAccumulate) {
  const Program program = optimize(
      record(std::vector<InputSpec>{{"x", {3}, DType::f64}}, [](std::span<const Tensor> in) {
        return std::vector<Tensor>{2.0 * in[0], in[0] - 1.0};
      }));
  const CompileOptions options{.name = "sums",
                               .outputs = {OutputMode::accumulate, OutputMode::overwrite}};
  const auto device = plugin_tests::make<Device>("cpu", "plan: straight\n");
  std::array<double, 3> x{1.0, -2.0, 0.5}, sums{10.0, 20.0, 30.0}, others{};
  const std::array<View, 1> inputs{View{x.data()}};
  const std::array<View, 2> outputs{View{sums.data()}, View{others.data()}};
  device->compile(program, options)->run(1, inputs, outputs);
  EXPECT_EQ(sums, (std::array{12.0, 16.0, 31.0}));
  EXPECT_EQ(others, (std::array{0.0, -3.0, -0.5}));
}

}  // namespace
}  // namespace odeum
