// SPDX-License-Identifier: Apache-2.0
// Programs on a device against the reference interpreter.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "odeum/device.hpp"
#include "odeum/program.hpp"
#include "program/interpreter.hpp"

namespace odeum::device_tests {

using program::Array;

/// Bytes of an array in its element type.
inline std::vector<std::byte> bytes_of(const Array& array) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(array.size()) * size_of(array.dtype));
  std::byte* to = bytes.data();
  for (std::size_t i = 0; i < static_cast<std::size_t>(array.size());
       ++i, to += size_of(array.dtype)) {
    if (array.dtype == DType::f32) {
      const auto x = static_cast<float>(array.values[i]);
      std::memcpy(to, &x, sizeof x);
    } else if (array.dtype == DType::f64) {
      std::memcpy(to, &array.values[i], 8);
    } else {
      std::memcpy(to, &array.integers[i], 8);
    }
  }
  return bytes;
}

inline double element(const std::vector<std::byte>& bytes, DType type, std::size_t i) {
  if (type == DType::f32) {
    float x;
    std::memcpy(&x, bytes.data() + 4 * i, 4);
    return static_cast<double>(x);
  }
  if (type == DType::f64) {
    double x;
    std::memcpy(&x, bytes.data() + 8 * i, 8);
    return x;
  }
  std::int64_t x;
  std::memcpy(&x, bytes.data() + 8 * i, 8);
  return static_cast<double>(x);
}

/// Random inputs: floats uniform in [low, high] and representable in their type, integers in
/// [0, integers).
inline std::vector<Array> random_inputs(const Program& program, std::int64_t rows, unsigned seed,
                                        double low = -1.0, double high = 1.0,
                                        std::int64_t integers = 3) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<Array> inputs;
  for (const ValueId id : program.inputs) {
    const Node& node = program[id];
    Array array = Array::zeros(node.dtype, program::bind(node.shape, rows));
    for (double& x : array.values) {
      x = uniform(random);
      if (node.dtype == DType::f32) x = static_cast<double>(static_cast<float>(x));
    }
    for (std::int64_t& x : array.integers) x = static_cast<std::int64_t>(random()) % integers;
    inputs.push_back(std::move(array));
  }
  return inputs;
}

/// The outputs' bytes after one run; `before` (accumulating outputs) is what they hold at first.
inline std::vector<std::vector<std::byte>> run(
    Executable& executable, const Program& program, std::int64_t rows,
    const std::vector<Array>& inputs, const std::vector<std::vector<std::byte>>& before = {}) {
  std::vector<std::vector<std::byte>> in, out = before;
  std::vector<View> input_views, output_views;
  for (const Array& array : inputs) in.push_back(bytes_of(array));
  if (out.empty()) {
    for (const ValueId id : program.outputs) {
      const Node& node = program[id];
      // Outputs hold garbage before: a NaN in every floating-point type.
      out.emplace_back(static_cast<std::size_t>(node.shape.elements(rows)) * size_of(node.dtype),
                       std::byte{0xff});
    }
  }
  // A view of nothing means "not wanted", so empty arrays get an address too.
  static std::byte nothing[8];
  for (auto& bytes : in) input_views.push_back({bytes.empty() ? nothing : bytes.data()});
  for (auto& bytes : out) output_views.push_back({bytes.empty() ? nothing : bytes.data()});
  executable.run(rows, input_views, output_views);
  return out;
}

struct Tolerance {
  double f32 = 2e-6;  ///< a few roundings of numbers of the inputs' size
  double f64 = 1e-14;
};

/// Every output within tolerance * (1 + |reference|); NaN where and only where the reference has
/// it.
inline void expect_equal(const Program& program, const std::vector<std::vector<std::byte>>& outputs,
                         const std::vector<Array>& reference, Tolerance tolerance,
                         const std::string& what) {
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const DType type = program[program.outputs[k]].dtype;
    const double bound =
        type == DType::f32 ? tolerance.f32 : (type == DType::f64 ? tolerance.f64 : 0.0);
    double worst = 0;
    std::size_t at = 0;
    const auto count = static_cast<std::size_t>(reference[k].size());
    for (std::size_t i = 0; i < count; ++i) {
      const double x = element(outputs[k], type, i);
      const double y = type == DType::i64 ? static_cast<double>(reference[k].integers[i])
                                          : reference[k].values[i];
      double error = std::abs(x - y) / (1.0 + std::abs(y));
      if (std::isnan(x) || std::isnan(y)) error = std::isnan(x) && std::isnan(y) ? 0.0 : 1e300;
      if (std::isinf(y) || std::isinf(x)) error = x == y ? 0.0 : 1e300;
      if (error > worst) {
        worst = error;
        at = i;
      }
    }
    EXPECT_LE(worst, bound) << what << ": output " << k << " (" << name(type) << "), element " << at
                            << " of " << count << ": "
                            << (count > 0 ? element(outputs[k], type, at) : 0.0) << " for "
                            << (count > 0 && type != DType::i64 ? reference[k].values[at] : 0.0);
  }
}

/// Compiles and runs `source`, as given and optimised, and compares with the interpreter. With more
/// than one device, results must be the same bits on all of them.
inline void expect_reference(const std::vector<std::shared_ptr<Device>>& devices,
                             const Program& source, std::int64_t rows,
                             const std::vector<Array>& inputs, Tolerance tolerance = {},
                             const std::string& what = "") {
  const auto reference = program::interpret(source, rows, inputs);
  const Program program = optimize(source);
  for (const auto& device : devices) {
    const auto executable = device->compile(program);
    const std::string name = what + " with " + std::to_string(rows) + " rows";
    const auto first = run(*executable, program, rows, inputs);
    expect_equal(program, first, reference, tolerance, name);
    EXPECT_EQ(run(*executable, program, rows, inputs), first) << name << ": the second run differs";
  }
}

}  // namespace odeum::device_tests
