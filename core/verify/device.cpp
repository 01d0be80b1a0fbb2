// SPDX-License-Identifier: Apache-2.0
#include "odeum/device.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "odeum/random.hpp"
#include "odeum/transforms.hpp"
#include "program/interpreter.hpp"
#include "verify/programs.hpp"
#include "verify/resources.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {
namespace {

using program::Array;
using Arrays = std::vector<Array>;

const std::vector<std::int64_t> kSizes = {1, 7, 64, 129};
constexpr double kSingle = 2e-5;
constexpr double kDouble = 1e-12;

Arrays inputs_of(const Program& program, std::int64_t rows) {
  Arrays inputs;
  std::uint64_t number = 0;
  for (const ValueId id : program.inputs) {
    const Node& node = program[id];
    RandomStream random(99, number++);
    Array array = Array::zeros(node.dtype, program::bind(node.shape, rows));
    for (double& x : array.values)
      x = static_cast<double>(static_cast<float>(0.5 + random.uniform()));
    for (std::int64_t& x : array.integers) x = static_cast<std::int64_t>(random.below(3));
    inputs.push_back(std::move(array));
  }
  return inputs;
}

std::vector<std::byte> bytes_of(const Array& array) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(array.size()) * size_of(array.dtype));
  if (array.dtype == DType::f32) {
    const std::vector<float> values(array.values.begin(), array.values.end());
    std::memcpy(bytes.data(), values.data(), bytes.size());
  } else {
    const void* from = array.dtype == DType::f64 ? static_cast<const void*>(array.values.data())
                                                 : array.integers.data();
    if (!bytes.empty()) std::memcpy(bytes.data(), from, bytes.size());
  }
  return bytes;
}

double entry(const std::vector<std::byte>& bytes, DType type, std::size_t i) {
  if (type == DType::f32) {
    float x = 0;
    std::memcpy(&x, bytes.data() + 4 * i, 4);
    return static_cast<double>(x);
  }
  if (type == DType::f64) {
    double x = 0;
    std::memcpy(&x, bytes.data() + 8 * i, 8);
    return x;
  }
  std::int64_t x = 0;
  std::memcpy(&x, bytes.data() + 8 * i, 8);
  return static_cast<double>(x);
}

using Bytes = std::vector<std::vector<std::byte>>;

Bytes run(Device& device, Executable& executable, const Program& program, std::int64_t rows,
          const Arrays& inputs, double before) {
  std::vector<std::shared_ptr<void>> memory;
  const auto place = [&](const std::vector<std::byte>& bytes) {
    memory.push_back(device.allocate(std::max<std::size_t>(64, bytes.size())));
    device.upload({memory.back().get(), 0}, bytes.data(), bytes.size());
    return View{memory.back().get(), 0};
  };
  std::vector<View> in;
  std::vector<View> out;
  Bytes results;
  for (const Array& array : inputs) in.push_back(place(bytes_of(array)));
  for (const ValueId id : program.outputs) {
    Array array = Array::zeros(program[id].dtype, program::bind(program[id].shape, rows));
    std::fill(array.values.begin(), array.values.end(), before);
    results.push_back(bytes_of(array));
    out.push_back(place(results.back()));
  }
  executable.run(rows, in, out);
  device.synchronize();
  for (std::size_t i = 0; i < out.size(); ++i) {
    device.download(results[i].data(), out[i], results[i].size());
  }
  return results;
}

/// The largest relative difference from the reference; throws where it is too large.
double compare(const Program& program, const Bytes& found, const Arrays& reference) {
  double worst = 0.0;
  for (std::size_t k = 0; k < found.size(); ++k) {
    const DType type = program[program.outputs[k]].dtype;
    const double allowed = type == DType::f32 ? kSingle : type == DType::f64 ? kDouble : 0.0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(reference[k].size()); ++i) {
      const double x = entry(found[k], type, i);
      const double y = type == DType::i64 ? static_cast<double>(reference[k].integers[i])
                                          : reference[k].values[i];
      const bool equal = x == y || (std::isnan(x) && std::isnan(y));
      const double error = equal ? 0.0 : std::abs(x - y) / (1.0 + std::abs(y));
      require(error <= allowed, "output " + std::to_string(k) + ", entry " + std::to_string(i) +
                                    " is " + shown(x) + ", the reference " + shown(y));
      worst = std::max(worst, error);
    }
  }
  return worst;
}

std::string agrees(Device& device, const Program& source) {
  const Program program = optimize(source);
  const auto executable = device.compile(program, {.name = "verify", .outputs = {}});
  double worst = 0.0;
  for (const std::int64_t rows : kSizes) {
    const Arrays inputs = inputs_of(source, rows);
    const Bytes found = run(device, *executable, program, rows, inputs, std::nan(""));
    worst = std::max(worst, compare(program, found, interpret(source, rows, inputs)));
    require(run(device, *executable, program, rows, inputs, std::nan("")) == found,
            "a second run gives other bits");
  }
  return "to " + shown(worst);
}

void check_memory(Device& device, Checks& checks) {
  checks.that("keeps what is put into its memory", [&] {
    std::vector<double> values(1001);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
    const std::size_t bytes = values.size() * sizeof(double);
    const std::shared_ptr<void> memory = device.allocate(2 * bytes + 64);
    const View place{memory.get(), 0};
    const View other = place + 8064;
    device.upload(place, values.data(), bytes);
    device.copy(other, place, bytes);
    std::vector<double> back(values.size());
    device.download(back.data(), other, bytes);
    require(back == values, "a copy differs from what was uploaded");
    device.fill_zero(other, bytes);
    device.download(back.data(), other, bytes);
    require(std::all_of(back.begin(), back.end(), [](double x) { return x == 0.0; }),
            "fill_zero leaves something");
    return std::string();
  });
  checks.that("reads back what was there when it was asked for", [&] {
    const std::shared_ptr<void> memory = device.allocate(64);
    const View place{memory.get(), 0};
    const std::unique_ptr<Readback> readback = device.readback(2 * sizeof(double));
    std::array<double, 2> found{};
    for (const double first : {1.0, 3.0}) {  // a second time in the same room
      const std::array wanted{first, first + 1.0};
      device.upload(place, &wanted[0], sizeof(double));
      readback->read(0, place, sizeof(double));
      device.upload(place, &wanted[1], sizeof(double));
      readback->read(sizeof(double), place, sizeof(double));
      device.fill_zero(place, sizeof(double));
      std::memcpy(found.data(), readback->wait(), sizeof found);
      require(found == wanted, "what was queued behind the reading changed it");
    }
    return std::string();
  });
}

}  // namespace

void check_device(const Workbench& bench, Checks& checks) {
  const auto device = bench.tested<Device>();
  const std::string reason = device->probe();
  if (!reason.empty()) {
    checks.left_out("runs programs", "it cannot be used here: " + reason);
    return;
  }
  check_memory(*device, checks);
  for (const NamedProgram& one : device_programs()) {
    checks.that("computes " + one.name, [&] { return agrees(*device, one.program); });
    if (!one.differentiable) continue;
    InputPositions positions;
    for (std::size_t i = 0; i < one.program.inputs.size(); ++i)
      positions.push_back(static_cast<int>(i));
    checks.that("computes the forward derivative of " + one.name,
                [&] { return agrees(*device, jvp(one.program, positions)); });
    checks.that("computes the reverse derivative of " + one.name,
                [&] { return agrees(*device, vjp(one.program, positions)); });
  }
  checks.that("adds to outputs that accumulate", [&] {
    const std::vector<InputSpec> specs = {{"x", {kRows, 3}, DType::f64}};
    const Program program = optimize(record(
        specs, [](std::span<const Tensor> in) { return std::vector<Tensor>{sum_rows(in[0])}; }));
    const auto executable =
        device->compile(program, {.name = "verify", .outputs = {OutputMode::accumulate}});
    const Arrays inputs = inputs_of(program, 5);
    Arrays wanted = interpret(program, 5, inputs);
    for (double& x : wanted[0].values) x += 10.0;
    compare(program, run(*device, *executable, program, 5, inputs, 10.0), wanted);
    return std::string();
  });
  const Program program = optimize(device_programs().front().program);
  std::unique_ptr<Executable> executable;
  check_resources(checks, [&] {
    if (!executable) executable = device->compile(program, {.name = "verify", .outputs = {}});
    run(*device, *executable, program, 7, inputs_of(program, 7), std::nan(""));
  });
}

}  // namespace odeum::verify
