// SPDX-License-Identifier: Apache-2.0
#include "program/support.hpp"

namespace odeum::program::test {
namespace {

using In = std::span<const Tensor>;

/// tanh of a convolution, softplus, a contraction: [rows, 2, 3, 3] to [rows, 2].
std::vector<Tensor> small_net(In in) {
  Window window;
  window.kernel = {2, 2};
  window.pad_after = {1, 1};
  const Tensor hidden = softplus(conv(tanh(conv(in[0], in[1], window)), in[1], window));
  return {tanh(linear(reshape(hidden, {kRows, 18}), in[2]))};
}

const std::vector<InputSpec> kNetInputs{{"x", {kRows, 2, 3, 3}, DType::f64},
                                        {"k", {2, 2, 2, 2}, DType::f64},
                                        {"w", {2, 18}, DType::f64}};

struct Net {
  std::vector<Array> point, along;
  Array weight = Array::zeros(DType::f64, {2, 2});

  Net() {
    RandomStream stream(3, 5);
    const auto draw = [&stream](Extents extents, double size) {
      Array array = Array::zeros(DType::f64, std::move(extents));
      for (double& value : array.values) value = size * stream.normal();
      return array;
    };
    point = {draw({2, 2, 3, 3}, 1), draw({2, 2, 2, 2}, 0.5), draw({2, 18}, 0.3)};
    along = {draw({2, 2, 3, 3}, 1), draw({2, 2, 2, 2}, 0.5), draw({2, 18}, 0.3)};
    weight = draw({2, 2}, 1);
  }

  double weighted(const Array& y) const {
    double sum = 0;
    for (std::size_t i = 0; i < y.values.size(); ++i) sum += y.values[i] * weight.values[i];
    return sum;
  }
};

/// A program (x, k, w, d_x, d_k, d_w) to the n-th derivative of <weight, net> along d.
Program by_forward(int order) {
  std::vector<InputSpec> specs = kNetInputs;
  for (const InputSpec& input : kNetInputs) specs.push_back({"d", input.shape, input.dtype});
  specs.push_back({"weight", {kRows, 2}, DType::f64});
  return record(specs, [order](In in) {
    Tensor value = sum_rows(sum_features(small_net(in)[0] * in[6]));
    for (int n = 0; n < order; ++n) value = jvp({&value, 1}, in.first(3), in.subspan(3, 3))[0];
    return std::vector{value};
  });
}

Program by_reverse_last() {
  std::vector<InputSpec> specs = kNetInputs;
  for (const InputSpec& input : kNetInputs) specs.push_back({"d", input.shape, input.dtype});
  specs.push_back({"weight", {kRows, 2}, DType::f64});
  return record(specs, [](In in) {
    Tensor value = sum_rows(sum_features(small_net(in)[0] * in[6]));
    for (int n = 0; n < 2; ++n) value = jvp({&value, 1}, in.first(3), in.subspan(3, 3))[0];
    const Tensor one = ones_like(value);
    const auto gradient = vjp({&value, 1}, in.first(3), {&one, 1});
    Tensor total = sum_rows(sum_features(gradient[0] * in[3]));
    total = total + reshape(sum(gradient[1] * in[4], {0, 1, 2, 3}), {1});
    return std::vector{total + reshape(sum(gradient[2] * in[5], {0, 1}), {1})};
  });
}

TEST(Nesting, ThirdDerivativesOfAConvolutionalNetAgreeWithDifferencesOfTheSecond) {
  const Net net;
  const auto inputs_at = [&net](double s) {
    std::vector<Array> inputs = net.point;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t k = 0; k < inputs[i].values.size(); ++k) {
        inputs[i].values[k] += s * net.along[i].values[k];
      }
    }
    inputs.insert(inputs.end(), net.along.begin(), net.along.end());
    inputs.push_back(net.weight);
    return inputs;
  };
  const double third = interpret(by_forward(3), 2, inputs_at(0)).front().values[0];
  const double mixed = interpret(by_reverse_last(), 2, inputs_at(0)).front().values[0];
  const Program second = by_forward(2);
  constexpr double h = 1e-3;
  const auto at = [&](double s) { return interpret(second, 2, inputs_at(s)).front().values[0]; };
  const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  EXPECT_NEAR(mixed, third, 1e-10 * std::abs(third));
  EXPECT_NEAR(third, difference, 1e-6 * std::abs(third));
  EXPECT_GT(std::abs(third), 1e-3);
}

TEST(Linearize, OfANetReproducesItsDerivativesWithEitherResiduals) {
  std::vector<Range> ranges;
  ranges.reserve(kNetInputs.size());
  for (const InputSpec& input : kNetInputs) ranges.push_back({input.shape, -0.5, 0.5});
  const Checked checked(ranges, small_net, 2);
  checked.check_first_derivatives();
  checked.check_second_derivatives();
  checked.check_linearization();
}

TEST(Linearize, KeepsOnlyProductsWhenAsked) {
  const Program net = record(kNetInputs, small_net);
  const Linearization rich = linearize(net, {0, 1, 2}, Residuals::all);
  const Linearization lean = linearize(net, {0, 1, 2}, Residuals::products);
  for (int i = 0; i < lean.residuals; ++i) {
    const ValueId id = lean.primal.outputs[net.outputs.size() + static_cast<std::size_t>(i)];
    const Op op = lean.primal[id].op;
    EXPECT_TRUE(op == Op::conv || op == Op::dot || op == Op::input) << name(op);
  }
  EXPECT_LT(lean.residuals, rich.residuals);
  EXPECT_EQ(count_ops(rich.linear, Op::tanh), 0U);
  EXPECT_GT(count_ops(lean.linear, Op::tanh), 0U);
}

TEST(Linearize, ComputesProductsOfFewTermsAnewWhereOnlyProductsAreKept) {
  const std::vector<InputSpec> specs{
      {"x", {kRows, 2}, DType::f64}, {"w", {5, 2}, DType::f64}, {"v", {5, 5}, DType::f64}};
  const Program net = record(specs, [](In in) {
    return std::vector{tanh(dot("ri,oi->ro", tanh(dot("ri,oi->ro", in[0], in[1])), in[2]))};
  });
  const Linearization lean = linearize(net, {0, 1, 2}, Residuals::products);
  std::size_t products = 0;
  for (int i = 0; i < lean.residuals; ++i) {
    const ValueId id = lean.primal.outputs[net.outputs.size() + static_cast<std::size_t>(i)];
    if (lean.primal[id].op == Op::dot) ++products;
  }
  EXPECT_EQ(products, 1U);  // the sum of five terms, not that of two
}

TEST(Transpose, RefusesWhatIsNotLinear) {
  const std::vector<InputSpec> specs{{"c", {2}, DType::f64}, {"x", {2}, DType::f64}};
  for (const Body& body : {Body([](In in) { return std::vector{in[0] + in[1]}; }),
                           Body([](In in) { return std::vector{square(in[1])}; }),
                           Body([](In in) { return std::vector{sin(in[1])}; }),
                           Body([](In in) { return std::vector{in[0] / in[1]}; })}) {
    EXPECT_THROW(transpose(record(specs, body), 1), std::invalid_argument);
  }
  const Program turned =
      transpose(record(specs,
                       [](In in) {
                         return std::vector{concat({in[0] * in[1], in[1] / in[0]})};
                       }),
                1);
  const std::vector<Array> inputs{Array::of(DType::f64, {2}, {2, 4}),
                                  Array::of(DType::f64, {4}, {1, 2, 3, 4})};
  EXPECT_EQ(interpret(turned, 0, inputs).front().values, (Values{3.5, 9}));
}

TEST(Jvp, HoldsFixedWhatItIsNotAskedFor) {
  const Array d = apply({1}, {3}, [](Tensor x) {
    const Tensor y = square(x);
    const Tensor z = x * y;  // with y fixed, dz/dx = y; with x fixed, dz/dy = x
    const Tensor one = ones_like(x);
    return concat({jvp({&z, 1}, {&x, 1}, {&one, 1})[0], jvp({&z, 1}, {&y, 1}, {&one, 1})[0],
                   jvp({&z, 1}, std::vector<Tensor>{x, y}, std::vector<Tensor>{one, one})[0]});
  });
  EXPECT_EQ(d.values, (Values{27, 3, 12}));
}

TEST(StopGradient, EndsDerivativesAndNothingElse) {
  const Array d = apply({1}, {3}, [](Tensor x) {
    const Tensor y = x * stop_gradient(square(x));
    const Tensor one = ones_like(x);
    return concat({y, vjp({&y, 1}, {&x, 1}, {&one, 1})[0]});
  });
  EXPECT_EQ(d.values, (Values{27, 9}));
}

TEST(Vmap, OfATangentGivesTheWholeJacobianAndTheExactTrace) {
  const std::vector<InputSpec> specs{{"z", {kRows, 3}, DType::f64}, {"w", {3, 3}, DType::f64}};
  const Program program = record(specs, [](In in) {
    const Tensor f = tanh(linear(in[0], in[1]));
    const Tensor seed = placeholder(in[0]);
    const auto moved = jvp({&f, 1}, {&in[0], 1}, {&seed, 1});
    const Tensor eye = constant(in[0], {1, 3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1});
    const Tensor basis = broadcast(eye, {kRows, 3, 3});
    const Tensor jacobian = vmap(moved, {&seed, 1}, {&basis, 1})[0];  // [rows, seed, component]
    return std::vector{jacobian, sum(jacobian * basis, {1, 2})};
  });
  EXPECT_EQ(count_ops(program, Op::tanh), 1U);
  EXPECT_EQ(count_ops(program, Op::dot), 1U);  // the seeds' contraction is w itself
  const Array z = Array::of(DType::f64, {1, 3}, {0.1, -0.2, 0.3});
  const Array w = Array::of(DType::f64, {3, 3}, {1, 2, 3, -1, 0.5, 2, 0, 1, -2});
  const auto y = interpret(program, 1, std::vector<Array>{z, w});
  double trace = 0;
  for (std::size_t o = 0; o < 3; ++o) {
    double u = 0;
    for (std::size_t i = 0; i < 3; ++i) u += w.values[3 * o + i] * z.values[i];
    const double slope = 1 - std::tanh(u) * std::tanh(u);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(y[0].values[3 * i + o], slope * w.values[3 * o + i], 1e-14);
    }
    trace += slope * w.values[3 * o + o];
  }
  EXPECT_NEAR(y[1].values[0], trace, 1e-14);
}

TEST(Placeholders, ThatAreLeftAreRefused) {
  Recording recording;
  const Tensor x = recording.input("x", {2}, DType::f64);
  const Tensor y = x * placeholder(x);
  EXPECT_THROW(recording.program({&y, 1}), std::invalid_argument);
}

TEST(Derivatives, RefuseConstantsIntegersAndMisfits) {
  Recording recording;
  const Tensor x = recording.input("x", {2}, DType::f64);
  const Tensor i = recording.input("i", {2}, DType::i64);
  const Tensor y = x * cast(i, DType::f64);
  const Tensor c = full(x, {2}, 3.0);
  const Tensor narrow = full(x, {1}, 3.0);
  EXPECT_THROW(vjp({&y, 1}, {&i, 1}, {&c, 1}), std::invalid_argument);
  EXPECT_THROW(vjp({&y, 1}, {&c, 1}, {&c, 1}), std::invalid_argument);
  EXPECT_THROW(vjp({&y, 1}, {&x, 1}, {&narrow, 1}), std::invalid_argument);
  EXPECT_THROW(jvp({&y, 1}, {&x, 1}, {&narrow, 1}), std::invalid_argument);
  EXPECT_THROW(vmap({&y, 1}, {&x, 1}, {&x, 1}), std::invalid_argument);
  const auto zero = vjp({&y, 1}, {&x, 1}, std::vector<Tensor>{Tensor()});
  EXPECT_EQ(zero[0].shape(), x.shape());
}

}  // namespace
}  // namespace odeum::program::test
