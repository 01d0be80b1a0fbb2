// SPDX-License-Identifier: Apache-2.0
// Tensor code under test as a program with values for all its inputs, and what is asked of every
// such function: derivatives, types, rows.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/scope.hpp"
#include "odeum/program.hpp"
#include "program/array.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {

/// A recorded function of floating-point inputs with a point to evaluate it at.
struct Function {
  Program program;
  std::vector<program::Array> at;  ///< by input
  std::int64_t rows = 0;

  std::vector<program::Array> value() const;
};

/// Records functions whose scope's items become further inputs.
class FunctionRecording {
 public:
  /// `seed` chooses the point; entries of inputs are normal with the given deviation.
  FunctionRecording(DType type, std::int64_t rows, std::uint64_t seed);

  Tensor input(const std::string& name, const Shape& shape, double deviation = 1.0);
  /// Parameters and buffers start as declared, but for the buffers given here; inputs and noise are
  /// normal.
  model::NamedScope scope(Tensor like, std::map<std::string, std::vector<double>> buffers = {},
                          Mode mode = Mode::evaluation);
  Function function(const std::vector<Tensor>& outputs) const;

 private:
  Tensor place(const std::string& name, const Shape& shape, const std::function<double()>& draw);

  DType type_;
  std::int64_t rows_;
  std::uint64_t seed_;
  std::uint64_t drawn_ = 0;
  Recording recording_;
  std::vector<program::Array> at_;
};

/// Records the same function in a type; used for both types.
using Recorded = std::function<Function(DType type)>;

/// The checks that hold for all tensor code of plugins: first and second derivatives against
/// central differences, jvp against vjp, float32 against float64 on the cpu device, the same
/// recording every time.
void check_tensor_code(const Workbench& bench, Checks& checks, const Recorded& record);

/// That a row that is not a number leaves the other rows as they are; says where rows mix.
std::string rows_stay_apart(const Function& function);

/// The largest |a - b| / (1 + |b|) over all entries; NaN where one is.
double distance(const std::vector<program::Array>& a, const std::vector<program::Array>& b);

}  // namespace odeum::verify
