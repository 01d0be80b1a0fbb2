// SPDX-License-Identifier: Apache-2.0
// Whole programs on the CPU device: networks with their derivatives, programs whose rows depend on
// sums over rows, accumulating and unwanted outputs.
#include <gtest/gtest.h>

#include <array>

#include "device/compare.hpp"
#include "device/programs.hpp"
#include "loaded.hpp"

namespace odeum {
namespace {

using device_tests::Array;
using device_tests::expect_equal;
using device_tests::expect_reference;
using device_tests::random_inputs;
using device_tests::run;
using Bytes = std::vector<std::vector<std::byte>>;

std::shared_ptr<Device> cpu(const std::string& yaml) {
  return plugin_tests::make<Device>("cpu", yaml);
}

std::vector<std::shared_ptr<Device>> every_plan() {
  return {cpu("threads: 2\nplan: rows\n"), cpu("threads: 2\nplan: tasks\n"),
          cpu("threads: 2\nplan: straight\n")};
}

/// Gradients add up about a hundred products of numbers of order 1 for each row.
constexpr device_tests::Tolerance kGradient{2e-4, 1e-12};

TEST(CpuDevice, RunsANetworkWithItsGradient) {
  const auto devices = every_plan();
  for (const DType type : {DType::f32, DType::f64}) {
    const Program program = device_tests::flow_step(type, {2, 32, 17, 2}, 2);
    for (const std::int64_t rows : {1, 7, 64, 129, 1000}) {
      expect_reference(devices, program, rows, random_inputs(program, rows, 11), kGradient,
                       name(type));
    }
  }
}

TEST(CpuDevice, RunsTheExactTraceOfANetwork) {
  const auto devices = every_plan();
  for (const DType type : {DType::f32, DType::f64}) {
    const Program program = device_tests::exact_trace(type, {3, 20, 3});
    for (const std::int64_t rows : {1, 7, 64, 129, 1000}) {
      expect_reference(devices, program, rows, random_inputs(program, rows, 13), kGradient,
                       name(type));
    }
  }
}

TEST(CpuDevice, RunsProgramsWhoseRowsDependOnSumsOverRows) {
  const auto devices = every_plan();
  for (const DType type : {DType::f32, DType::f64}) {
    const Program program = device_tests::batch_normalized(type, 5);
    for (const std::int64_t rows : {2, 7, 64, 129, 1000}) {
      expect_reference(devices, program, rows, random_inputs(program, rows, 17), {2e-3, 1e-10},
                       name(type));
    }
  }
}

TEST(CpuDevice, AddsIntoAccumulatingOutputs) {
  for (const auto& device : every_plan()) {
    for (const DType type : {DType::f32, DType::f64}) {
      const Program program = optimize(device_tests::flow_step(type, {2, 32, 17, 2}, 1));
      CompileOptions options;
      options.outputs.assign(program.outputs.size(), OutputMode::accumulate);
      const auto executable = device->compile(program, options);
      const std::vector<Array> inputs = random_inputs(program, 129, 19);
      std::vector<Array> reference = program::interpret(program, 129, inputs);
      Bytes before;
      for (Array& array : reference) {
        Array held = array;
        for (std::size_t i = 0; i < held.values.size(); ++i) {
          held.values[i] =
              static_cast<double>(static_cast<float>(0.25 * static_cast<double>(i % 7)));
          array.values[i] += held.values[i];
        }
        before.push_back(device_tests::bytes_of(held));
      }
      expect_equal(program, run(*executable, program, 129, inputs, before), reference, kGradient,
                   name(type));
    }
  }
}

TEST(CpuDevice, LeavesOutWhatIsNotWanted) {
  for (const auto& device : every_plan()) {
    const Program program = optimize(device_tests::flow_step(DType::f32, {2, 32, 17, 2}, 1));
    const auto executable = device->compile(program);
    const std::vector<Array> inputs = random_inputs(program, 100, 23);
    const std::vector<Array> reference = program::interpret(program, 100, inputs);
    std::vector<std::vector<std::byte>> in;
    std::vector<View> views;
    in.reserve(inputs.size());
    views.reserve(inputs.size());
    for (const Array& array : inputs) in.push_back(device_tests::bytes_of(array));
    for (auto& bytes : in) views.push_back({bytes.data()});
    for (std::size_t wanted = 0; wanted < reference.size(); ++wanted) {
      Program one = program;
      one.outputs = {program.outputs[wanted]};
      Bytes out = {std::vector<std::byte>(static_cast<std::size_t>(reference[wanted].size()) * 4)};
      std::vector<View> outputs(reference.size());
      outputs[wanted] = {out[0].data()};
      executable->run(100, views, outputs);
      expect_equal(one, out, {reference[wanted]}, kGradient, "output " + std::to_string(wanted));
    }
  }
}

TEST(CpuDevice, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const std::string plan : {"rows", "tasks"}) {
    for (const DType type : {DType::f32, DType::f64}) {
      const Program program = optimize(device_tests::flow_step(type, {2, 64, 64, 2}, 2));
      const auto one = cpu("threads: 1\nplan: " + plan + "\n")->compile(program);
      const auto two = cpu("threads: 2\nplan: " + plan + "\n")->compile(program);
      const auto five = cpu("threads: 5\nplan: " + plan + "\n")->compile(program);
      for (const std::int64_t rows : {1, 129, 1000, 5000}) {
        const auto inputs = random_inputs(program, rows, 29);
        const Bytes reference = run(*one, program, rows, inputs);
        EXPECT_EQ(run(*two, program, rows, inputs), reference) << plan << ", " << rows << " rows";
        EXPECT_EQ(run(*five, program, rows, inputs), reference) << plan << ", " << rows << " rows";
      }
    }
  }
}

TEST(CpuDevice, ChoosesTheTasksPlanForWideNets) {
  // The automatic plan of a wide net gives the tasks plan's bits, of a narrow one those of the rows
  // plan.
  for (const auto& [width, plan] :
       std::vector<std::pair<std::int64_t, std::string>>{{16, "rows"}, {700, "tasks"}}) {
    const Program program = optimize(device_tests::flow_step(DType::f32, {8, width, width, 8}, 1));
    const auto inputs = random_inputs(program, 300, 31, -0.1, 0.1);
    const auto executable = cpu("threads: 2\n")->compile(program);
    const auto forced = cpu("threads: 2\nplan: " + plan + "\n")->compile(program);
    EXPECT_EQ(run(*executable, program, 300, inputs), run(*forced, program, 300, inputs)) << width;
  }
}

TEST(CpuDevice, GivesRowsTheSameBitsInStraightLineCode) {
  // Few rows run as straight-line code, whose kernels and orders of summation are the rows plan's:
  // a sample that is left alone goes on as it would among many.
  for (const std::string instructions : {"avx512", "avx2", "generic"}) {
    for (const DType type : {DType::f32, DType::f64}) {
      for (const std::int64_t width : {2, 5, 17}) {
        const auto inputs = device_tests::network_inputs(type, {3, width, 3});
        const Program program = optimize(record(inputs, [](std::span<const Tensor> in) {
          const Tensor z = in[0];
          const Tensor velocity =
              device_tests::network(softplus(z) * in[1], std::vector(in.begin() + 2, in.end()));
          const Tensor parts = concat({velocity - 0.3 * z, slice(z, 1, 1, 2) * velocity});
          return std::vector{parts, sum_features(square(parts)), reduce_max(parts, {1})};
        }));
        const std::string rest = "threads: 2\ninstructions: " + instructions + "\n";
        const auto by_rows = cpu("plan: rows\n" + rest)->compile(program);
        const auto straight = cpu("plan: straight\n" + rest)->compile(program);
        const auto automatic = cpu(rest)->compile(program);
        for (const std::int64_t rows : {1, 2, 9, 40}) {
          const std::vector<Array> given = random_inputs(program, rows, 41);
          const Bytes expected = run(*by_rows, program, rows, given);
          const std::string what = instructions + ' ' + name(type) + ", width " +
                                   std::to_string(width) + ", rows " + std::to_string(rows);
          EXPECT_EQ(run(*straight, program, rows, given), expected) << what;
          EXPECT_EQ(run(*automatic, program, rows, given), expected) << what;
        }
      }
    }
  }
}

TEST(CpuDevice, CompilesRunsWithNoRows) {
  const auto devices = every_plan();
  const Program program = device_tests::flow_step(DType::f32, {2, 8, 2}, 1);
  expect_reference(devices, program, 0, random_inputs(program, 0, 1), {}, "no rows");
}

TEST(CpuDevice, RefusesProgramsWithCallsByName) {
  Recording inner;
  const Tensor x = inner.input("x", {kRows, 2}, DType::f32);
  const auto callee = std::make_shared<const Program>(inner.program(std::array{tanh(x)}));
  Recording outer;
  const Tensor y = outer.input("y", {kRows, 2}, DType::f32);
  const Program program = outer.program(call(callee, std::array{y}));
  const std::string message = plugin_tests::config_error([&] {
    cpu("")->compile(program, {"outer", {}});
  });
  EXPECT_NE(message.find("outer"), std::string::npos) << message;
  EXPECT_NE(message.find("call"), std::string::npos) << message;
}

TEST(CpuDevice, MovesMemory) {
  const auto device = cpu("");
  EXPECT_EQ(device->probe(), "");
  EXPECT_TRUE(device->host_addressable());
  const auto memory = device->allocate(100);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.get()) % 64, 0U);
  const View view{memory.get()};
  const std::array<char, 4> text{'a', 'b', 'c', 'd'};
  std::array<char, 4> back{};
  device->fill_zero(view, 100);
  device->upload(view + 10, text.data(), 4);
  device->copy(view + 50, view + 11, 3);
  device->download(back.data(), view + 50, 4);
  EXPECT_EQ(back, (std::array<char, 4>{'b', 'c', 'd', 0}));
}

}  // namespace
}  // namespace odeum
