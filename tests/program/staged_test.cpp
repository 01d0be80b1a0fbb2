// SPDX-License-Identifier: Apache-2.0
#include "program/staged.hpp"

#include <cstring>
#include <memory>
#include <stdexcept>

#include "program/support.hpp"

namespace odeum::program::test {
namespace {

using In = std::span<const Tensor>;

/// Device memory that the host reaches through the device only.
struct Block {
  std::vector<double> storage;
  std::byte* at(std::size_t offset) {
    return reinterpret_cast<std::byte*>(storage.data()) + offset;
  }
};

enum class Memory { addressable, separate };

/// A device that interprets, on float64 and int64 values.
class InterpretingDevice final : public Device {
 public:
  explicit InterpretingDevice(Memory memory) : memory_(memory) {}

  std::byte* reach(View view) const {
    if (memory_ == Memory::addressable) return view.host<std::byte>();
    return static_cast<Block*>(view.base)->at(view.offset);
  }

  std::string probe() const override { return ""; }
  bool host_addressable() const override { return memory_ == Memory::addressable; }
  std::shared_ptr<void> allocate(std::size_t bytes) override {
    ++allocations;
    auto block = std::make_shared<Block>();
    block->storage.resize(bytes / sizeof(double) + 1);
    if (memory_ == Memory::separate) return block;
    return {block, block->storage.data()};
  }
  void upload(View to, const void* from, std::size_t bytes) override {
    std::memcpy(reach(to), from, bytes);
  }
  void download(void* to, View from, std::size_t bytes) override {
    std::memcpy(to, reach(from), bytes);
  }
  void copy(View to, View from, std::size_t bytes) override {
    std::memcpy(reach(to), reach(from), bytes);
  }
  void fill_zero(View to, std::size_t bytes) override { std::memset(reach(to), 0, bytes); }
  std::unique_ptr<Executable> compile(const Program& program,
                                      const CompileOptions& options) override;
  void synchronize() override {}

  int allocations = 0;

 private:
  Memory memory_;
};

class Interpreted final : public Executable {
 public:
  Interpreted(const InterpretingDevice& device, Program program, CompileOptions options)
      : device_(device), program_(std::move(program)), options_(std::move(options)) {}

  void run(std::int64_t rows, std::span<const View> inputs,
           std::span<const View> outputs) override {
    std::vector<Array> arguments;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Node& node = program_[program_.inputs[i]];
      Array array = Array::zeros(node.dtype, bind(node.shape, rows));
      std::memcpy(data(array), device_.reach(inputs[i]), bytes(array));
      arguments.push_back(std::move(array));
    }
    auto results = interpret(program_, rows, arguments);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i]) continue;
      auto* to = device_.reach(outputs[i]);
      const bool adds = !options_.outputs.empty() && options_.outputs[i] == OutputMode::accumulate;
      for (std::size_t k = 0; adds && k < results[i].values.size(); ++k) {
        results[i].values[k] += reinterpret_cast<double*>(to)[k];
      }
      std::memcpy(to, data(results[i]), bytes(results[i]));
    }
  }
  std::size_t scratch_bytes(std::int64_t) const override { return 0; }

 private:
  static void* data(Array& array) {
    if (array.dtype == DType::i64) return array.integers.data();
    return array.values.data();
  }
  static std::size_t bytes(const Array& array) {
    return 8 * static_cast<std::size_t>(array.size());
  }

  const InterpretingDevice& device_;
  Program program_;
  CompileOptions options_;
};

std::unique_ptr<Executable> InterpretingDevice::compile(const Program& program,
                                                        const CompileOptions& options) {
  for (const Node& node : program.nodes) {
    if (node.op == Op::host_call || node.op == Op::call) throw std::logic_error("a call is left");
  }
  return std::make_unique<Interpreted>(*this, program, options);
}

/// (x [rows, 2], s [1]) to (s x + 1, the sum of x over rows, a number nobody wants).
class Affine : public HostFunction {
 public:
  std::string name() const override { return "affine"; }
  std::vector<Value> outputs() const override {
    return {{{kRows, 2}, DType::f64, RowClass::per_row},
            {{2}, DType::f64, RowClass::row_sum},
            {{1}, DType::f64, RowClass::none}};
  }
  void run(std::int64_t rows, std::span<const void* const> inputs,
           std::span<void* const> outputs) override {
    if (rows == 13) throw std::runtime_error("unlucky");
    const auto* x = static_cast<const double*>(inputs[0]);
    const double s = *static_cast<const double*>(inputs[1]);
    auto* y = static_cast<double*>(outputs[0]);
    auto* total = static_cast<double*>(outputs[1]);
    total[0] = total[1] = 0;
    for (std::int64_t i = 0; i < 2 * rows; ++i) {
      y[i] = s * x[i] + 1;
      total[i % 2] += x[i];
    }
    *static_cast<double*>(outputs[2]) = 42;
  }
};

const std::vector<InputSpec> kInputs{{"x", {kRows, 2}, DType::f64}, {"s", {1}, DType::f64}};

/// Two host calls one after the other, device work before, between and after, an output that is
/// an input, one that is a host function's result, and one that is known from the start.
Program staged_program() {
  return record(kInputs, [](In in) {
    const auto affine = std::make_shared<Affine>();
    const Tensor early = exp(in[0]);
    const auto first = host_call(affine, std::vector<Tensor>{sin(in[0]), in[1] * 2.0});
    const Tensor between = tanh(first[0]) * early + broadcast(in[1], {kRows, 2});
    const auto second = host_call(affine, std::vector<Tensor>{between, full(in[1], {1}, 0.5)});
    return std::vector{second[0] * early + first[1], second[1], in[0], early, sum_rows(second[0])};
  });
}

class StagedOn : public testing::TestWithParam<Memory> {};

TEST_P(StagedOn, RunsPiecesAndHostFunctionsInOrder) {
  InterpretingDevice device(GetParam());
  const Program program = staged_program();
  CompileOptions options;
  options.outputs.assign(5, OutputMode::overwrite);
  options.outputs[4] = OutputMode::accumulate;
  Staged staged(program, device, options);
  EXPECT_EQ(staged.pieces(), 3U);
  bool first = true;
  for (const std::int64_t rows : {3, 2, 3}) {
    std::vector<double> x;
    for (std::int64_t i = 0; i < 2 * rows; ++i) x.push_back(0.3 * static_cast<double>(i) - 0.7);
    const std::vector<Array> arrays{Array::of(DType::f64, {rows, 2}, x),
                                    Array::of(DType::f64, {1}, {0.4})};
    const auto expected = interpret(program, rows, arrays);
    const int before = device.allocations;
    std::vector<std::shared_ptr<void>> memory;
    const auto place = [&](const Values& values) {
      memory.push_back(device.allocate(values.size() * sizeof(double)));
      device.upload({memory.back().get(), 0}, values.data(), values.size() * sizeof(double));
      return View{memory.back().get(), 0};
    };
    const std::vector<View> inputs{place(arrays[0].values), place(arrays[1].values)};
    std::vector<View> outputs;
    outputs.reserve(expected.size());
    for (const Array& array : expected) {
      outputs.push_back(place(Values(array.values.size(), 100)));
    }
    outputs[3] = View{};  // not wanted
    staged.run(rows, inputs, outputs);
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{4}}) {
      Values got(expected[i].values.size());
      device.download(got.data(), outputs[i], got.size() * sizeof(double));
      for (std::size_t k = 0; k < got.size(); ++k) {
        EXPECT_DOUBLE_EQ(got[k], expected[i].values[k] + (i == 4 ? 100 : 0)) << i << ' ' << k;
      }
    }
    const int own = device.allocations - before - 7;
    EXPECT_TRUE(own == 0 || first) << own;
    first = false;
  }
  EXPECT_GT(staged.scratch_bytes(3), staged.scratch_bytes(2));
}

TEST_P(StagedOn, LetsWhatAHostFunctionThrowsPass) {
  InterpretingDevice device(GetParam());
  Staged staged(staged_program(), device);
  std::vector<std::shared_ptr<void>> memory;
  std::vector<View> views;
  for (int i = 0; i < 7; ++i) {
    memory.push_back(device.allocate(13 * 2 * sizeof(double)));
    views.push_back({memory.back().get(), 0});
  }
  const std::span<const View> all(views);
  EXPECT_THROW(staged.run(13, all.first(2), all.subspan(2)), std::runtime_error);
}

INSTANTIATE_TEST_SUITE_P(Memories, StagedOn, testing::Values(Memory::addressable, Memory::separate),
                         [](const auto& test) {
                           return test.param == Memory::addressable ? "addressable" : "separate";
                         });

TEST(Staged, WithoutHostCallsIsOnePieceInTheCallersMemory) {
  InterpretingDevice device(Memory::addressable);
  const Program program = record(kInputs, [](In in) { return std::vector{in[0] * in[1]}; });
  Staged staged(program, device);
  EXPECT_EQ(staged.pieces(), 1U);
  const Values x{1, 2};
  const Values s{3};
  Values y(2);
  const std::vector<View> inputs{{const_cast<double*>(x.data()), 0},
                                 {const_cast<double*>(s.data()), 0}};
  const std::vector<View> outputs{{y.data(), 0}};
  staged.run(1, inputs, outputs);
  EXPECT_EQ(y, (Values{3, 6}));
  EXPECT_EQ(device.allocations, 0);
}

}  // namespace
}  // namespace odeum::program::test
