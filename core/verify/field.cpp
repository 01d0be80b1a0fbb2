// SPDX-License-Identifier: Apache-2.0
#include "odeum/field.hpp"

#include <stdexcept>

#include "verify/function.hpp"
#include "verify/resources.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {
namespace {

constexpr std::int64_t kRowsTested = 5;
constexpr std::int64_t kAnyFeatures = 3;
// Summands in another order.
constexpr double kRounding = 1e-12;

Shape state_of(const VectorField& field) {
  Shape vector{kRows, field.features() >= 0 ? field.features() : kAnyFeatures};
  try {
    FunctionRecording recording(DType::f64, kRowsTested, 1);
    const Tensor z = recording.input("z", vector);
    model::NamedScope scope = recording.scope(z);
    field(scope, recording.input("t", {1}), z);
  } catch (const std::invalid_argument&) {
    return {kRows, 2, 4, 4};  // a field of images refuses vectors
  }
  return vector;
}

}  // namespace

void check_field(const Workbench& bench, Checks& checks) {
  const auto field = bench.tested<VectorField>();
  const auto record = [&](DType type) {
    FunctionRecording recording(type, kRowsTested, 1);
    const Tensor t = recording.input("t", {1});
    const Tensor z = recording.input("z", state_of(*field));
    model::NamedScope scope = recording.scope(z);
    return recording.function({(*field)(scope, t, z)});
  };
  checks.that("gives a rate shaped as its state", [&] {
    const Function f = record(DType::f64);
    const Node& rate = f.program[f.program.outputs[0]];
    require(rate.shape == state_of(*field),
            "the state is " + state_of(*field).text() + ", the rate " + rate.shape.text());
    require(rate.dtype == DType::f64,
            "the state is float64, the rate " + std::string(name(rate.dtype)));
    return rate.shape.text();
  });
  check_tensor_code(bench, checks, record);
  checks.that("leaves other samples alone where one is not a number",
              [&] { return rows_stay_apart(record(DType::f64)); });
  checks.that("takes a time for every sample", [&] {
    FunctionRecording recording(DType::f64, kRowsTested, 1);
    const Tensor t = recording.input("t", {kRows, 1});
    const Tensor z = recording.input("z", state_of(*field));
    model::NamedScope scope = recording.scope(z);
    const Tensor rate = (*field)(scope, t, z);
    require(rate.shape() == z.shape(), "with t [rows, 1] the rate is " + rate.shape().text());
    return std::string();
  });
  if (!field->components().empty()) {
    checks.that("names each of its components", [&] {
      const auto names = static_cast<std::int64_t>(field->components().size());
      require(names == field->features(), std::to_string(names) + " names for " +
                                              std::to_string(field->features()) + " components");
      return std::string();
    });
  }
  if (field->has_stiff_part()) {
    checks.that("is the sum of its stiff part and the rest", [&] {
      FunctionRecording recording(DType::f64, kRowsTested, 1);
      const Tensor t = recording.input("t", {1});
      const Tensor z = recording.input("z", state_of(*field));
      model::NamedScope scope = recording.scope(z);
      const Tensor whole = (*field)(scope, t, z);
      const Tensor parts = field->stiff_part(scope, t, z) + field->rest(scope, t, z);
      const auto values = recording.function({whole, parts}).value();
      const double error = distance({values[0]}, {values[1]});
      require(error <= kRounding, "differs by " + shown(error));
      return std::string();
    });
  }
  if (!field->events().empty()) {
    checks.that("has one event function for each event's name", [&] {
      FunctionRecording recording(DType::f64, kRowsTested, 1);
      const Tensor t = recording.input("t", {1});
      const Tensor z = recording.input("z", state_of(*field));
      model::NamedScope scope = recording.scope(z);
      const Tensor values = field->event_functions(scope, t, z);
      const Shape wanted{kRows, static_cast<std::int64_t>(field->events().size())};
      require(values.shape() == wanted,
              "they are " + values.shape().text() + ", wanted is " + wanted.text());
      return std::string();
    });
  }
  check_resources(checks, [&] {
    bench.tested<VectorField>();
    record(DType::f64);
  });
}

}  // namespace odeum::verify
