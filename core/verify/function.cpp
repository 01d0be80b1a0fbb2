// SPDX-License-Identifier: Apache-2.0
#include "verify/function.hpp"

#include <algorithm>
#include <cmath>

#include "odeum/device.hpp"
#include "odeum/random.hpp"
#include "odeum/transforms.hpp"
#include "program/interpreter.hpp"

namespace odeum::verify {
namespace {

using program::Array;
using Arrays = std::vector<Array>;

// Central differences of fourth order of the float64 interpreter are wrong by about step^4 and
// rounding / step.
constexpr double kStep = 1e-5;
constexpr double kDifferences = 1e-6;
// Products of the same numbers, summed in another order.
constexpr double kTransposed = 1e-9;
// Some hundred float32 roundings.
constexpr double kSingle = 2e-4;

InputPositions all_inputs(const Program& program) {
  InputPositions positions;
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    if (program[program.inputs[i]].dtype != DType::i64) positions.push_back(static_cast<int>(i));
  }
  return positions;
}

Arrays directions(const Arrays& at, std::uint64_t seed) {
  Arrays tangents = at;
  RandomStream random(stream_key(seed, Purpose::user, 1), 0);
  for (Array& array : tangents) {
    for (double& entry : array.values) entry = random.normal();
  }
  return tangents;
}

Arrays moved(const Arrays& at, const Arrays& tangents, double step) {
  Arrays result = at;
  for (std::size_t i = 0; i < at.size(); ++i) {
    for (std::size_t k = 0; k < at[i].values.size(); ++k) {
      result[i].values[k] += step * tangents[i].values[k];
    }
  }
  return result;
}

Arrays joined(Arrays a, const Arrays& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Derivative along `tangents`, by jvp and by central differences.
double derivative_error(const Program& program, std::int64_t rows, const Arrays& at,
                        const Arrays& tangents) {
  const std::size_t outputs = program.outputs.size();
  const Program derivative = jvp(program, all_inputs(program));
  Arrays by_jvp = interpret(derivative, rows, joined(at, tangents));
  by_jvp.erase(by_jvp.begin(), by_jvp.begin() + static_cast<std::ptrdiff_t>(outputs));
  const auto beside = [&](double steps) {
    return interpret(program, rows, moved(at, tangents, steps * kStep));
  };
  const Arrays near[] = {beside(1.0), beside(-1.0)};
  const Arrays far[] = {beside(2.0), beside(-2.0)};
  Arrays by_differences = near[0];
  for (std::size_t i = 0; i < outputs; ++i) {
    for (std::size_t k = 0; k < by_differences[i].values.size(); ++k) {
      const auto difference = [&](const Arrays* of) {
        return of[0][i].values[k] - of[1][i].values[k];
      };
      by_differences[i].values[k] = (8.0 * difference(near) - difference(far)) / (12.0 * kStep);
    }
  }
  return distance(by_jvp, by_differences);
}

std::string agrees(double error, double bound) {
  require(error <= bound, "wrong by " + shown(error) + " relative, allowed " + shown(bound));
  return "to " + shown(error);
}

std::string second_derivative(const Function& f) {
  const Program first = jvp(f.program, all_inputs(f.program));
  const Arrays at = joined(f.at, directions(f.at, 3));
  return agrees(derivative_error(first, f.rows, at, directions(at, 5)), 10.0 * kDifferences);
}

double inner(const Arrays& a, const Arrays& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < a[i].values.size(); ++k) sum += a[i].values[k] * b[i].values[k];
  }
  return sum;
}

std::string transposed(const Function& f) {
  const std::size_t outputs = f.program.outputs.size();
  const Arrays tangents = directions(f.at, 7);
  const InputPositions positions = all_inputs(f.program);
  Arrays forward = interpret(jvp(f.program, positions), f.rows, joined(f.at, tangents));
  forward.erase(forward.begin(), forward.begin() + static_cast<std::ptrdiff_t>(outputs));
  const Arrays cotangents = directions(forward, 11);
  Arrays backward = interpret(vjp(f.program, positions), f.rows, joined(f.at, cotangents));
  backward.erase(backward.begin(), backward.begin() + static_cast<std::ptrdiff_t>(outputs));
  const double left = inner(forward, cotangents);
  const double right = inner(tangents, backward);
  return agrees(std::abs(left - right) / (1.0 + std::abs(left)), kTransposed);
}

double draw(Distribution distribution, RandomStream& random) {
  if (distribution == Distribution::uniform) return random.uniform();
  if (distribution == Distribution::normal) return random.normal();
  return random.uniform() < 0.5 ? -1.0 : 1.0;
}

/// The outputs on a device, as float64.
Arrays on_device(Device& device, const Function& f) {
  const Program program = optimize(f.program);
  const auto executable = device.compile(program);
  std::vector<std::shared_ptr<void>> memory;
  const auto place = [&](const Array& array, bool fill) {
    const auto count = static_cast<std::size_t>(array.size());
    memory.push_back(device.allocate(std::max<std::size_t>(64, count * size_of(array.dtype))));
    const View view{memory.back().get(), 0};
    if (fill && array.dtype == DType::f32) {
      const std::vector<float> values(array.values.begin(), array.values.end());
      device.upload(view, values.data(), count * sizeof(float));
    } else if (fill) {
      device.upload(view, array.values.data(), count * sizeof(double));
    }
    return view;
  };
  std::vector<View> inputs;
  std::vector<View> outputs;
  for (const Array& array : f.at) inputs.push_back(place(array, true));
  Arrays results;
  for (const ValueId id : program.outputs) {
    const Node& node = program[id];
    results.push_back(Array::zeros(node.dtype, program::bind(node.shape, f.rows)));
    outputs.push_back(place(results.back(), false));
  }
  executable->run(f.rows, inputs, outputs);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::size_t count = results[i].values.size();
    if (results[i].dtype == DType::f64) {
      device.download(results[i].values.data(), outputs[i], count * sizeof(double));
    } else {
      std::vector<float> values(count);
      device.download(values.data(), outputs[i], count * sizeof(float));
      std::copy(values.begin(), values.end(), results[i].values.begin());
    }
  }
  return results;
}

}  // namespace

double distance(const Arrays& a, const Arrays& b) {
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < a[i].values.size(); ++k) {
      const double error =
          std::abs(a[i].values[k] - b[i].values[k]) / (1.0 + std::abs(b[i].values[k]));
      if (!(error <= worst)) worst = error;
      if (std::isnan(worst)) return worst;
    }
  }
  return worst;
}

Arrays Function::value() const { return interpret(program, rows, at); }

FunctionRecording::FunctionRecording(DType type, std::int64_t rows, std::uint64_t seed)
    : type_(type), rows_(rows), seed_(seed) {}

Tensor FunctionRecording::place(const std::string& name, const Shape& shape,
                                const std::function<double()>& draw) {
  const Tensor input = recording_.input(name, shape, type_);
  Array array = Array::zeros(type_, program::bind(shape, rows_));
  // Every type gets numbers that float32 holds, so that both see the same point.
  for (double& entry : array.values) entry = static_cast<double>(static_cast<float>(draw()));
  at_.push_back(std::move(array));
  return input;
}

Tensor FunctionRecording::input(const std::string& name, const Shape& shape, double deviation) {
  RandomStream random(stream_key(seed_, Purpose::user, 0), drawn_++);
  return place(name, shape, [&] { return deviation * random.normal(); });
}

model::NamedScope FunctionRecording::scope(Tensor like,
                                           std::map<std::string, std::vector<double>> buffers,
                                           Mode mode) {
  return {like,
          [this, buffers = std::move(buffers)](const model::Item& item) {
            if (const auto given = buffers.find(item.name); given != buffers.end()) {
              std::size_t next = 0;
              return place(item.name, item.shape, [&] { return given->second.at(next++); });
            }
            RandomStream random(stream_key(seed_, Purpose::user, 0), drawn_++);
            const Initializer& start = item.initializer;
            const bool declared =
                item.kind == model::Item::Kind::parameter || item.kind == model::Item::Kind::buffer;
            return place(item.name, item.shape, [&] {
              if (item.kind == model::Item::Kind::noise) return draw(item.distribution, random);
              if (!declared || start.rule == Initializer::Rule::normal) {
                return (declared ? start.value : 1.0) * random.normal();
              }
              if (start.rule == Initializer::Rule::constant) return start.value;
              return start.value * (2.0 * random.uniform() - 1.0);
            });
          },
          mode};
}

Function FunctionRecording::function(const std::vector<Tensor>& outputs) const {
  return {recording_.program(outputs), at_, rows_};
}

void check_tensor_code(const Workbench& bench, Checks& checks, const Recorded& record) {
  checks.that("records the same function every time", [&] {
    require(record(DType::f64).program.text() == record(DType::f64).program.text(),
            "two recordings differ: tensor code must be a pure function");
    return std::string();
  });
  checks.that("gives finite numbers at an ordinary point", [&] {
    for (const Array& output : record(DType::f64).value()) {
      for (const double x : output.values) require(std::isfinite(x), "found " + shown(x));
    }
    return std::string();
  });
  checks.that("first derivatives agree with central differences", [&] {
    const Function f = record(DType::f64);
    return agrees(derivative_error(f.program, f.rows, f.at, directions(f.at, 2)), kDifferences);
  });
  checks.that("second derivatives agree with central differences",
              [&] { return second_derivative(record(DType::f64)); });
  checks.that("forward and reverse derivatives are each other's transpose",
              [&] { return transposed(record(DType::f64)); });
  checks.that("float32 and float64 on the cpu device agree with the reference evaluator", [&] {
    const auto device = bench.make<Device>("cpu");
    double worst = 0.0;
    for (const DType type : {DType::f32, DType::f64}) {
      const Function f = record(type);
      worst = std::max(worst, distance(on_device(*device, f), f.value()));
    }
    return agrees(worst, kSingle);
  });
}

std::string rows_stay_apart(const Function& function) {
  for (const ValueId id : function.program.outputs) {
    const Node& node = function.program[id];
    if (node.shape.has_rows() && node.row_class == RowClass::coupled) {
      return "its samples depend on each other: per-sample steps, batched quadrature nodes and "
             "implicit solvers will refuse it";
    }
  }
  const Arrays before = function.value();
  Function spoiled = function;
  for (std::size_t i = 0; i < spoiled.at.size(); ++i) {
    Array& array = spoiled.at[i];
    if (!function.program[function.program.inputs[i]].shape.has_rows()) continue;
    const std::size_t row = array.values.size() / static_cast<std::size_t>(function.rows);
    std::fill_n(array.values.begin(), row, std::nan(""));
  }
  const Arrays after = spoiled.value();
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!function.program[function.program.outputs[i]].shape.has_rows()) continue;
    const std::size_t row = before[i].values.size() / static_cast<std::size_t>(function.rows);
    for (std::size_t k = row; k < before[i].values.size(); ++k) {
      require(before[i].values[k] == after[i].values[k],
              "a sample changed when another one became NaN");
    }
  }
  return "";
}

}  // namespace odeum::verify
