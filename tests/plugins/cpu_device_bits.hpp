// SPDX-License-Identifier: Apache-2.0
// Two ways through a program on the CPU device, compared bit by bit on numbers that operations
// treat differently.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "device/compare.hpp"
#include "loaded.hpp"

namespace odeum::cpu_device_tests {

using device_tests::Array;
using Bytes = std::vector<std::vector<std::byte>>;

inline const std::vector<std::string> kInstructions = {"avx512", "avx2", "generic"};

/// The device with a plan, an instruction set and, if wanted, machine code.
inline std::shared_ptr<Device> cpu(const std::string& plan, const std::string& instructions,
                                   bool machine_code = true) {
  std::string yaml = "threads: 2\nplan: ";
  yaml.append(plan).append("\ninstructions: ").append(instructions);
  yaml.append("\nmachine_code: ").append(machine_code ? "true\n" : "false\n");
  return plugin_tests::make<Device>("cpu", yaml);
}

/// Zeros of both signs, subnormal, huge and non-finite numbers.
inline std::vector<double> special_numbers(DType type) {
  const bool f32 = type == DType::f32;
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {0.0,
          -0.0,
          1.0,
          -1.0,
          f32 ? 0x1p-149 : 0x1p-1074,
          f32 ? -0x1.8p-130 : -0x1.8p-1030,
          f32 ? 0x1.8p127 : 0x1.8p1023,
          f32 ? -0x1p64 : -0x1p512,
          infinity,
          -infinity,
          nan,
          -nan,
          0x1p52,
          -0.5,
          1.0 / 3.0};
}

/// Ordinary numbers with special ones among them.
inline std::vector<Array> special_inputs(const Program& program, std::int64_t rows, unsigned seed) {
  std::vector<Array> inputs = device_tests::random_inputs(program, rows, seed);
  std::mt19937 random(seed);
  for (Array& array : inputs) {
    const std::vector<double> special = special_numbers(array.dtype);
    for (double& x : array.values) {
      const auto draw = random() % (3 * special.size());
      if (draw < special.size()) x = special[draw];
    }
  }
  return inputs;
}

/// Equal bytes, but for the payload and sign of what is not a number: which of two it is depends on
/// the order of operands.
inline void expect_same(const Program& program, const Bytes& given, const Bytes& expected,
                        const std::string& what) {
  ASSERT_EQ(given.size(), expected.size()) << what;
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const DType type = program[program.outputs[k]].dtype;
    const std::size_t size = size_of(type);
    ASSERT_EQ(given[k].size(), expected[k].size()) << what;
    for (std::size_t i = 0; i < expected[k].size() / size; ++i) {
      const double x = device_tests::element(given[k], type, i);
      const double y = device_tests::element(expected[k], type, i);
      const bool same =
          std::memcmp(given[k].data() + i * size, expected[k].data() + i * size, size) == 0;
      ASSERT_TRUE(same || (std::isnan(x) && std::isnan(y)))
          << what << ": output " << k << ", element " << i << ": " << x << " for " << y;
    }
  }
}

}  // namespace odeum::cpu_device_tests
