// SPDX-License-Identifier: Apache-2.0
// Values with a small axis before the last one (the tangents of an exact trace), which groups of
// the CPU device take slice by slice: the reference's results, and the same bits with machine code,
// without, and as straight-line code.
#include <gtest/gtest.h>

#include "plugins/cpu_device_bits.hpp"

namespace odeum {
namespace {

using cpu_device_tests::Bytes;
using cpu_device_tests::cpu;
using cpu_device_tests::expect_same;
using cpu_device_tests::kInstructions;
using cpu_device_tests::special_inputs;
using device_tests::expect_reference;
using device_tests::random_inputs;
using device_tests::run;
using Tensors = std::vector<Tensor>;

std::vector<InputSpec> inputs_of(DType type, std::int64_t slices, std::int64_t width) {
  return {{"wide", {kRows, slices, width}, type},
          {"other", {kRows, slices, width}, type},
          {"x", {kRows, width}, type},
          {"y", {kRows, width}, type},
          {"weights", {slices, width}, type},
          {"row", {width}, type},
          {"s", {1}, type}};
}

Tensor widened(const Tensor& x, const Tensor& like) {
  return broadcast(reshape(x, {kRows, 1, x.shape()[1]}), like.shape());
}

/// What a layer of an exact trace and its gradient do, with sums, parts and copies of their own.
Program layers(DType type, std::int64_t slices, std::int64_t width) {
  return optimize(record(inputs_of(type, slices, width), [=](std::span<const Tensor> in) {
    const Tensor wide = in[0], other = in[1], x = in[2], y = in[3], weights = in[4];
    const Tensor slope = sigmoid(x), value = softplus(x);
    const Tensor pushed = wide * weights;
    const Tensor scaled = pushed * widened(slope, wide);
    const Tensor pulled = other * widened(slope, wide) + scaled * in[5];
    const Tensor back = sum(pushed * other, {1});
    const Tensor shift = sum(other, {1}) * slope + y;
    const Tensor second = tanh(wide) - widened(back * y, wide) * in[6];
    const Tensor piece =
        reshape(slice(wide, 1, slices / 2, slices / 2 + 1), {kRows, width}) * x + y;
    const Tensor joined = concat({second, wide * other}, 1);
    return Tensors{scaled,
                   pulled,
                   shift,
                   value * back,
                   second,
                   piece,
                   joined,
                   cast(cast(wide, DType::f64) * cast(other, DType::f64), type),
                   exp(other) + wide,
                   sum(second * second, {0}),
                   sum(pulled * pulled, {1, 2}),
                   sum(shift, {1})};
  }));
}

/// The same work in all ways through the device.
void expect_one_result(const Program& program, const std::string& what) {
  for (const std::string& instructions : kInstructions) {
    const auto machine = cpu("rows", instructions)->compile(program);
    const auto kernels = cpu("rows", instructions, false)->compile(program);
    const auto tasks = cpu("tasks", instructions)->compile(program);
    for (const std::int64_t rows : {1, 5, 70, 131}) {
      const auto inputs = special_inputs(program, rows, static_cast<unsigned>(rows) + 1);
      std::string with = what;
      with.append(", ").append(instructions).append(", rows ").append(std::to_string(rows));
      const Bytes expected = run(*kernels, program, rows, inputs);
      expect_same(program, run(*machine, program, rows, inputs), expected, with);
      if (rows > 64) continue;
      expect_same(program, run(*tasks, program, rows, inputs), expected, with + ", tasks");
      if (rows > 1) continue;
      const auto list = cpu("straight", instructions)->compile(program);
      expect_same(program, run(*list, program, rows, inputs), expected, with + ", straight");
    }
  }
}

std::string described(DType type, std::int64_t slices, std::int64_t width) {
  return std::string(name(type)) + ", " + std::to_string(slices) + " slices of " +
         std::to_string(width);
}

/// A dozen and more wide values with memory of their own, each read twice.
Program many_values(DType type, std::int64_t slices, int values, bool keep) {
  std::vector<InputSpec> inputs = {{"x", {kRows, 16}, type}};
  for (int i = 0; i < values; ++i)
    inputs.push_back({"wide" + std::to_string(i), {kRows, slices, 16}, type});
  return optimize(record(inputs, [=](std::span<const Tensor> in) {
    Tensors scaled, outputs;
    for (std::size_t i = 1; i < in.size(); ++i) scaled.push_back(in[i] * widened(in[0], in[i]));
    Tensor total = in[1];
    for (std::size_t i = scaled.size(); i-- > 0;) total = total * scaled[i] + in[i + 1];
    if (keep) outputs = scaled;
    outputs.push_back(total);
    outputs.push_back(sum(total, {1}));
    return outputs;
  }));
}

TEST(CpuDeviceSlices, GiveTheReferencesResults) {
  for (const DType type : {DType::f32, DType::f64}) {
    for (const std::int64_t slices : {1, 2, 3, 5, 24, 25}) {
      for (const std::int64_t width : {5, 16, 17, 48}) {
        const Program program = layers(type, slices, width);
        const std::vector devices = {cpu("rows", "avx512"), cpu("rows", "avx2"),
                                     cpu("tasks", "generic", false)};
        for (const std::int64_t rows : {1, 19}) {
          // Sums of up to 432 terms of about a quarter: 1e-6 a term and more would be an error.
          expect_reference(devices, program, rows, random_inputs(program, rows, 11),
                           {.f32 = 1e-5, .f64 = 1e-13}, described(type, slices, width));
        }
      }
    }
  }
}

TEST(CpuDeviceSlices, GiveTheSameBitsWithAndWithoutMachineCode) {
  for (const DType type : {DType::f32, DType::f64}) {
    for (const std::int64_t slices : {1, 2, 3, 5, 7}) {
      for (const std::int64_t width : {15, 16, 64})
        expect_one_result(layers(type, slices, width), described(type, slices, width));
    }
  }
}

TEST(CpuDeviceSlices, HoldMoreValuesThanThereArePointers) {
  for (const DType type : {DType::f32, DType::f64}) {
    for (const bool keep : {false, true})
      expect_one_result(many_values(type, 3, 14, keep), std::string(name(type)) + ", 14 values");
  }
}

TEST(CpuDeviceSlices, OfManyValuesFitTheTablesOfOperands) {
  expect_one_result(many_values(DType::f32, 24, 15, true), "15 values of 24 slices");
  expect_one_result(many_values(DType::f32, 3, 46, true), "46 values of 3 slices");
}

}  // namespace
}  // namespace odeum
