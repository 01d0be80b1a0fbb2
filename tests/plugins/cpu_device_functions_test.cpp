// SPDX-License-Identifier: Apache-2.0
// How accurate the vector functions of the CPU device are, and what they make of special numbers.
#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <functional>
#include <limits>

#include "device/compare.hpp"
#include "loaded.hpp"

namespace odeum {
namespace {

using device_tests::Array;

/// A function, where it is measured, and its largest relative error (as measured over all
/// instruction sets, and a quarter more) in units of the rounding (2^-24, 2^-53). Where `absolute`,
/// the error counts in units of the rounding of 1.
struct Function {
  const char* name;
  Tensor (*record)(Tensor);
  long double (*truth)(long double);
  double low, high;
  double f32, f64;
  bool absolute = false;
};

long double sigmoid_of(long double x) { return 1.0L / (1.0L + std::exp(-x)); }
long double softplus_of(long double x) {
  return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x)));
}

const Function kFunctions[] = {
    {"exp", [](Tensor x) { return exp(x); }, [](long double x) { return std::exp(x); }, -80, 80,
     1.7, 1.7},
    {"expm1", [](Tensor x) { return expm1(x); }, [](long double x) { return std::expm1(x); }, -20,
     20, 2.5, 2.7},
    {"log", [](Tensor x) { return log(x); }, [](long double x) { return std::log(x); }, 1e-30, 20,
     1.7, 1.7},
    {"log1p", [](Tensor x) { return log1p(x); }, [](long double x) { return std::log1p(x); }, -0.99,
     20, 2.7, 2.5},
    {"sqrt", [](Tensor x) { return sqrt(x); }, [](long double x) { return std::sqrt(x); }, 0, 20, 1,
     1},
    {"tanh", [](Tensor x) { return tanh(x); }, [](long double x) { return std::tanh(x); }, -25, 25,
     5.5, 3.5},
    {"sigmoid", [](Tensor x) { return sigmoid(x); }, sigmoid_of, -40, 40, 3, 3.1},
    {"softplus", [](Tensor x) { return softplus(x); }, softplus_of, -40, 40, 4.6, 5},
    {"erf", [](Tensor x) { return erf(x); }, [](long double x) { return std::erf(x); }, -7, 7, 1.9,
     2.5},
    {"sin", [](Tensor x) { return sin(x); }, [](long double x) { return std::sin(x); }, -8000, 8000,
     2, 1.5, true},
    {"cos", [](Tensor x) { return cos(x); }, [](long double x) { return std::cos(x); }, -8000, 8000,
     1.6, 1.2, true},
    {"sin", [](Tensor x) { return sin(x); }, [](long double x) { return std::sin(x); }, -1e9, 1e9,
     1.2, 1.2, true},
    {"sin", [](Tensor x) { return sin(x); }, [](long double x) { return std::sin(x); }, -1.5, 1.5,
     3, 2},
};

std::vector<double> points(double low, double high) {
  std::vector<double> x;
  constexpr int kCount = 40000;
  for (int i = 0; i <= kCount; ++i) x.push_back(low + (high - low) * i / kCount);
  // And towards zero, where relative accuracy is lost first.
  for (double magnitude = 1.0; magnitude > 1e-18; magnitude *= 0.9) {
    if (high > magnitude) x.push_back(magnitude);
    if (low < -magnitude) x.push_back(-magnitude);
  }
  return x;
}

std::vector<double> values(Device& device, const Function& f, DType type, std::vector<double> x) {
  const Program program =
      record(std::vector<InputSpec>{{"x", {kRows}, type}},
             [&f](std::span<const Tensor> in) { return std::vector<Tensor>{f.record(in[0])}; });
  const auto rows = static_cast<std::int64_t>(x.size());
  const auto executable = device.compile(program);
  const auto bytes =
      device_tests::run(*executable, program, rows, {Array::of(type, {rows}, std::move(x))});
  std::vector<double> result;
  for (std::int64_t i = 0; i < rows; ++i)
    result.push_back(device_tests::element(bytes[0], type, static_cast<std::size_t>(i)));
  return result;
}

TEST(CpuDevice, ComputesFunctionsToAFewRoundings) {
  for (const char* instructions : {"avx512", "avx2", "generic"}) {
    const auto device = plugin_tests::make<Device>(
        "cpu", std::string("threads: 1\ninstructions: ") + instructions + "\n");
    for (const Function& f : kFunctions) {
      for (const DType type : {DType::f32, DType::f64}) {
        std::vector<double> x = points(f.low, f.high);
        if (type == DType::f32) {
          for (double& v : x) v = static_cast<double>(static_cast<float>(v));
        }
        const std::vector<double> y = values(*device, f, type, x);
        const long double rounding = type == DType::f32 ? 0x1p-24L : 0x1p-53L;
        const long double tiny = type == DType::f32 ? 0x1p-126L : 0x1p-1022L;
        long double worst = 0;
        double at = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
          const long double truth = f.truth(static_cast<long double>(x[i]));
          const long double scale = f.absolute ? 1.0L : std::max(std::abs(truth), tiny);
          const long double error =
              std::abs(static_cast<long double>(y[i]) - truth) / scale / rounding;
          if (!(error <= worst)) {
            worst = error;
            at = x[i];
          }
        }
        EXPECT_LE(worst, type == DType::f32 ? f.f32 : f.f64)
            << f.name << ' ' << name(type) << ' ' << instructions << " at " << at;
        RecordProperty(std::string(f.name) + name(type) + instructions,
                       std::to_string(static_cast<double>(worst)));
      }
    }
  }
}

/// Numbers of every exponent, subnormal ones included, with both signs, and all that exp can take.
std::vector<double> all_magnitudes(DType type) {
  std::vector<double> x;
  const int least = type == DType::f32 ? -149 : -1074, most = type == DType::f32 ? 127 : 1023;
  for (int exponent = least; exponent <= most; ++exponent) {
    for (const double mantissa : {1.0, 1.1875, 1.4142, 1.9999}) {
      double value = std::ldexp(mantissa, exponent);
      if (type == DType::f32) value = static_cast<double>(static_cast<float>(value));
      x.insert(x.end(), {value, -value});
    }
  }
  for (double value = -760.0; value < 720.0; value += 0.171) {
    x.push_back(type == DType::f32 ? static_cast<double>(static_cast<float>(value)) : value);
  }
  return x;
}

bool is_defined(const Function& f, double x) {
  const std::string name = f.name;
  if (name == "log" || name == "sqrt") return x > 0.0;
  return name != "log1p" || x > -1.0;
}

TEST(CpuDevice, ComputesFunctionsOfNumbersOfEveryMagnitude) {
  // Where the result is subnormal its error counts in units of the smallest normal number: vector
  // code may flush what it scales down to zero.
  for (const char* instructions : {"avx512", "avx2", "generic"}) {
    const auto device = plugin_tests::make<Device>(
        "cpu", std::string("threads: 1\ninstructions: ") + instructions + "\n");
    for (const Function& f : kFunctions) {
      if (f.name == std::string("sin") || f.name == std::string("cos")) continue;
      for (const DType type : {DType::f32, DType::f64}) {
        std::vector<double> x;
        for (const double one : all_magnitudes(type)) {
          if (is_defined(f, one)) x.push_back(one);
        }
        const bool single = type == DType::f32;
        const long double rounding = single ? 0x1p-24L : 0x1p-53L;
        const long double tiny = single ? 0x1p-126L : 0x1p-1022L;
        const long double largest = single ? static_cast<long double>(FLT_MAX) : DBL_MAX;
        const std::vector<double> y = values(*device, f, type, x);
        for (std::size_t i = 0; i < x.size(); ++i) {
          const long double truth = f.truth(static_cast<long double>(x[i]));
          if (std::abs(truth) > largest * (1.0L + rounding)) {
            ASSERT_EQ(y[i], truth > 0 ? HUGE_VAL : -HUGE_VAL)
                << f.name << ' ' << name(type) << ' ' << instructions << " of " << x[i];
            continue;
          }
          const long double error = std::abs(static_cast<long double>(y[i]) - truth) /
                                    std::max(std::abs(truth), tiny) / rounding;
          ASSERT_LE(error, single ? f.f32 : f.f64)
              << f.name << ' ' << name(type) << ' ' << instructions << " of " << x[i] << ": "
              << y[i];
        }
      }
    }
  }
}

TEST(CpuDevice, GivesTheFunctionsOfSpecialNumbers) {
  const double inf = std::numeric_limits<double>::infinity(),
               nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x = {0.0,  -0.0,  1.0,   -1.0,   -2.0,  inf,    -inf, nan,
                                 1e30, -1e30, 100.0, -100.0, 1e-30, -800.0, 800.0};
  const Body all = [](std::span<const Tensor> in) {
    const Tensor v = in[0];
    return std::vector<Tensor>{
        exp(v),
        expm1(v),
        log(v),
        log1p(v),
        sqrt(v),
        tanh(v),
        sigmoid(v),
        softplus(v),
        erf(v),
        abs(v),
        sign(v),
        floor(v),
        max(v, 0.0),
        max(full(v, v.shape(), 0.0), v),
        min(v, 0.0),
        v / v,
        1.0 / v,
        less(v, ones_like(v)),
        equal(v, v),
        relu(v),
        select(less(v, ones_like(v)), full(v, v.shape(), std::nan("")), 2.0 * v),
        1.0 / full(v, v.shape(), -0.0),
        v + 0.0};
  };
  for (const char* instructions : {"avx512", "avx2", "generic"}) {
    const auto device = plugin_tests::make<Device>(
        "cpu", std::string("threads: 1\ninstructions: ") + instructions + "\n");
    const Program program = record(std::vector<InputSpec>{{"x", {kRows}, DType::f64}}, all);
    const auto rows = static_cast<std::int64_t>(x.size());
    device_tests::expect_reference({device}, program, rows, {Array::of(DType::f64, {rows}, x)},
                                   {0, 1e-15}, instructions);
    // Single precision overflows elsewhere: compare with float32 arithmetic of the same functions.
    const Program single = record(std::vector<InputSpec>{{"x", {kRows}, DType::f32}}, all);
    const std::vector<double> y = {0.0, 1.0, -1.0, -2.0, inf, -inf, nan, 1e30, -1e30, 50.0, -50.0};
    const auto count = static_cast<std::int64_t>(y.size());
    const Program reciprocal = optimize(single);
    auto reference = program::interpret(reciprocal, count,
                                        std::vector<Array>{Array::of(DType::f32, {count}, y)});
    for (Array& array : reference) {
      for (double& v : array.values) v = static_cast<double>(static_cast<float>(v));
    }
    const auto executable = device->compile(reciprocal);
    device_tests::expect_equal(
        reciprocal,
        device_tests::run(*executable, reciprocal, count, {Array::of(DType::f32, {count}, y)}),
        reference, {1e-6, 0}, instructions);
  }
}

TEST(CpuDevice, HandsNotANumberThroughContractionsAndSums) {
  const std::vector<InputSpec> specs = {{"x", {kRows, 20}, DType::f32},
                                        {"w", {20, 20}, DType::f32}};
  const Program program = record(specs, [](std::span<const Tensor> in) {
    const Tensor y = dot("ri,oi->ro", in[0], in[1]);
    return std::vector<Tensor>{y,
                               sum_features(y),
                               sum_rows(y),
                               reduce_max(y, {1}),
                               reduce_max(y, {0}),
                               dot("ro,ri->oi", y, in[0])};
  });
  for (const char* plan : {"plan: rows\n", "plan: tasks\n"}) {
    auto inputs = device_tests::random_inputs(program, 70, 3);
    inputs[0].values[33 * 20 + 5] = std::numeric_limits<double>::quiet_NaN();
    device_tests::expect_reference({plugin_tests::make<Device>("cpu", plan)}, program, 70, inputs,
                                   {1e-4, 0}, plan);
  }
}

}  // namespace
}  // namespace odeum
