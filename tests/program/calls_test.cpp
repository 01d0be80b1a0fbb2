// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <stdexcept>

#include "program/support.hpp"

namespace odeum::program::test {
namespace {

using In = std::span<const Tensor>;

std::shared_ptr<const Program> layer() {
  const std::vector<InputSpec> specs{{"z", {kRows, 3}, DType::f64}, {"w", {3, 3}, DType::f64}};
  return std::make_shared<const Program>(record(specs, [](In in) {
    const Tensor z = tanh(linear(in[0], in[1]));
    return std::vector{z, sum_features(square(z)), iota(z, {2}, 0, DType::i64)};
  }));
}

Body twice(bool as_call) {
  return [as_call, callee = layer()](In in) {
    const auto apply_layer = [&](Tensor z) {
      const std::vector<Tensor> arguments{z, in[1]};
      return as_call ? call(callee, arguments) : inline_call(*callee, arguments);
    };
    const auto first = apply_layer(in[0]);
    const auto second = apply_layer(first[0] + in[0]);
    return std::vector{second[0], first[1] * second[1], cast(second[2], DType::f64)};
  };
}

TEST(Call, HasTheDerivativesAndBatchedFormsOfItsBody) {
  Checked({{{kRows, 3}}, {{3, 3}}}, twice(true)).check_all();
}

TEST(Call, KeepsProgramsSmallAndInlinesToTheSameProgram) {
  const std::vector<InputSpec> specs{{"z", {kRows, 3}, DType::f64}, {"w", {3, 3}, DType::f64}};
  const Program called = vjp(record(specs, twice(true)), {0, 1});
  const Program inlined = vjp(record(specs, twice(false)), {0, 1});
  EXPECT_EQ(count_ops(called, Op::dot), 0U);
  EXPECT_GT(count_ops(called, Op::call), 0U);
  const Program opened = optimize(called);
  EXPECT_EQ(count_ops(opened, Op::call), 0U);
  // The primal work of the call and of its linearisation has merged.
  EXPECT_EQ(count_ops(opened, Op::tanh), 2U);
  EXPECT_EQ(count_ops(opened, Op::dot), count_ops(inlined, Op::dot));
}

TEST(Call, OfEqualProgramsWithEqualArgumentsIsOneCall) {
  const auto callee = layer();
  const std::vector<InputSpec> specs{{"z", {kRows, 3}, DType::f64}, {"w", {3, 3}, DType::f64}};
  const Program program =
      record(specs, [&](In in) { return std::vector{call(callee, in)[0] + call(callee, in)[0]}; });
  EXPECT_EQ(count_ops(program, Op::call), 1U);
}

TEST(Call, RefusesArgumentsThatDoNotFitNamingTheInput) {
  const auto callee = layer();
  const std::vector<InputSpec> specs{{"z", {kRows, 3}, DType::f64}, {"w", {3, 2}, DType::f64}};
  try {
    record(specs, [&](In in) { return call(callee, in); });
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(std::string(error.what()),
              "call: input w is float64 [3, 3], the argument float64 [3, 2]");
  }
}

/// y = s * x^2 over [rows, 2] with s [1], and the index of each row; its derivative is host code
/// too.
class Squares : public HostFunction {
 public:
  explicit Squares(bool differentiable) : differentiable_(differentiable) {}
  std::string name() const override { return "squares"; }
  std::vector<Value> outputs() const override {
    return {{{kRows, 2}, DType::f64, RowClass::per_row}, {{kRows}, DType::i64, RowClass::per_row}};
  }
  void run(std::int64_t rows, std::span<const void* const> inputs,
           std::span<void* const> outputs) override {
    const auto* x = static_cast<const double*>(inputs[0]);
    const auto* s = static_cast<const double*>(inputs[1]);
    for (std::int64_t i = 0; i < 2 * rows; ++i) {
      static_cast<double*>(outputs[0])[i] = s[0] * x[i] * x[i];
    }
    for (std::int64_t i = 0; i < rows; ++i) static_cast<std::int64_t*>(outputs[1])[i] = i;
  }
  std::shared_ptr<HostFunction> vjp() override;

 private:
  bool differentiable_;
};

class SquaresGradient : public HostFunction {
 public:
  std::string name() const override { return "gradient of squares"; }
  std::vector<Value> outputs() const override {
    return {{{kRows, 2}, DType::f64, RowClass::per_row}, {{1}, DType::f64, RowClass::row_sum}};
  }
  void run(std::int64_t rows, std::span<const void* const> inputs,
           std::span<void* const> outputs) override {
    const auto* x = static_cast<const double*>(inputs[0]);
    const auto* s = static_cast<const double*>(inputs[1]);
    const auto* dy = static_cast<const double*>(inputs[2]);
    auto* dx = static_cast<double*>(outputs[0]);
    double ds = 0;
    for (std::int64_t i = 0; i < 2 * rows; ++i) {
      dx[i] = 2 * s[0] * x[i] * dy[i];
      ds += x[i] * x[i] * dy[i];
    }
    *static_cast<double*>(outputs[1]) = ds;
  }
};

std::shared_ptr<HostFunction> Squares::vjp() {
  return differentiable_ ? std::make_shared<SquaresGradient>() : nullptr;
}

const std::vector<InputSpec> kHostInputs{{"x", {kRows, 2}, DType::f64}, {"s", {1}, DType::f64}};

Program around(const std::shared_ptr<HostFunction>& function) {
  return record(kHostInputs, [&function](In in) {
    const auto y = host_call(function, std::vector<Tensor>{sin(in[0]), in[1]});
    return std::vector{exp(y[0]) * in[0], y[1]};
  });
}

TEST(HostCall, RunsAndItsVjpRunsTheFunctionsOwn) {
  const Program program = around(std::make_shared<Squares>(true));
  const std::vector<Array> at{Array::of(DType::f64, {2, 2}, {0.1, 0.5, -0.3, 0.8}),
                              Array::of(DType::f64, {1}, {1.5})};
  const auto y = interpret(program, 2, at);
  const auto value = [](double x, double s) { return x * std::exp(s * std::sin(x) * std::sin(x)); };
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(y[0].values[i], value(at[0].values[i], 1.5), 1e-14);
  }
  EXPECT_EQ(y[1].integers, (std::vector<std::int64_t>{0, 1}));

  const Program reverse = vjp(program, {0, 1});
  EXPECT_EQ(reverse[reverse.outputs[2]].row_class, RowClass::per_row);
  EXPECT_EQ(reverse[reverse.outputs[3]].row_class, RowClass::row_sum);
  std::vector<Array> with_seed = at;
  with_seed.push_back(Array::of(DType::f64, {2, 2}, {1, 1, 1, 1}));
  with_seed.push_back(Array::zeros(DType::i64, {2}));
  const auto g = interpret(reverse, 2, with_seed);
  double by_s = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const double x = at[0].values[i];
    const double s = 1.5;
    const double e = std::exp(s * std::sin(x) * std::sin(x));
    EXPECT_NEAR(g[2].values[i], e + x * e * s * 2 * std::sin(x) * std::cos(x), 1e-13);
    by_s += x * e * std::sin(x) * std::sin(x);
  }
  EXPECT_NEAR(g[3].values[0], by_s, 1e-13);
}

TEST(HostCall, RefusesWhatItCannotDoNamingTheFunction) {
  const auto refusal = [](const std::function<void()>& f) -> std::string {
    try {
      f();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  const Program smooth = around(std::make_shared<Squares>(true));
  const Program rough = around(std::make_shared<Squares>(false));
  EXPECT_NE(refusal([&] { jvp(smooth, {0}); }).find("squares"), std::string::npos);
  EXPECT_NE(refusal([&] { vmap(smooth, {0}, 2); }).find("squares"), std::string::npos);
  EXPECT_NE(refusal([&] { vjp(rough, {0}); }).find("squares"), std::string::npos);
  EXPECT_NE(refusal([&] { jvp(vjp(smooth, {0}), {0}); }).find("squares"), std::string::npos);
}

TEST(HostCall, IsNotDifferentiatedBehindAStoppedGradient) {
  const auto rough = std::make_shared<Squares>(false);
  const Program program = record(kHostInputs, [&](In in) {
    const Tensor y = stop_gradient(host_call(rough, std::vector<Tensor>{in[0], in[1]})[0]) * in[0];
    const Tensor one = ones_like(y);
    return vjp({&y, 1}, {&in[0], 1}, {&one, 1});
  });
  const std::vector<Array> at{Array::of(DType::f64, {1, 2}, {0.5, 2}),
                              Array::of(DType::f64, {1}, {1.5})};
  const auto g = interpret(program, 1, at);
  EXPECT_EQ(g[0].values, (std::vector<double>{1.5 * 0.25, 1.5 * 4}));
}

}  // namespace
}  // namespace odeum::program::test
