// SPDX-License-Identifier: Apache-2.0
// The OpenCL device as a test meets it: through the built plugin, or not at all.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "plugins/device/compare.hpp"
#include "plugins/loaded.hpp"

namespace odeum::opencl_tests {

/// Null, with the reason, where the device is not built or nothing here runs OpenCL.
struct Opened {
  std::shared_ptr<Device> device;
  std::string missing;
};

inline Opened open(const std::string& yaml = "") {
#ifdef ODEUM_WITH_OPENCL
  auto device = plugin_tests::make<Device>("opencl", yaml);
  const std::string reason = device->probe();
  return reason.empty() ? Opened{device, ""} : Opened{nullptr, reason};
#else
  (void)yaml;
  return {nullptr, "OpenCL's headers were not found: device/opencl is not built"};
#endif
}

/// The outputs' bytes after one run in the device's memory.
inline std::vector<std::vector<std::byte>> run(Device& device, Executable& executable,
                                               const Program& program, std::int64_t rows,
                                               const std::vector<device_tests::Array>& inputs) {
  std::vector<std::shared_ptr<void>> memory;
  const auto place = [&](const std::vector<std::byte>& bytes) {
    memory.push_back(device.allocate(bytes.size()));
    device.upload({memory.back().get(), 0}, bytes.data(), bytes.size());
    return View{memory.back().get(), 0};
  };
  std::vector<View> in, out;
  std::vector<std::vector<std::byte>> results;
  for (const auto& array : inputs) in.push_back(place(device_tests::bytes_of(array)));
  for (const ValueId id : program.outputs) {
    const Node& node = program[id];
    results.emplace_back(static_cast<std::size_t>(node.shape.elements(rows)) * size_of(node.dtype),
                         std::byte{0xff});
    out.push_back(place(results.back()));
  }
  executable.run(rows, in, out);
  for (std::size_t k = 0; k < out.size(); ++k)
    device.download(results[k].data(), out[k], results[k].size());
  return results;
}

/// Compiles the program, runs it twice for each number of rows, and compares with the interpreter.
inline void expect_reference(Device& device, const Program& source,
                             const std::vector<std::int64_t>& sizes,
                             device_tests::Tolerance tolerance, const std::string& what = "") {
  const Program program = optimize(source);
  const auto executable = device.compile(program, {.name = what, .outputs = {}});
  for (const std::int64_t rows : sizes) {
    const auto inputs = device_tests::random_inputs(program, rows, 5);
    const auto found = run(device, *executable, program, rows, inputs);
    device_tests::expect_equal(program, found, program::interpret(source, rows, inputs), tolerance,
                               what + " with " + std::to_string(rows) + " rows");
    EXPECT_EQ(run(device, *executable, program, rows, inputs), found) << what << ": other bits";
  }
}

}  // namespace odeum::opencl_tests
