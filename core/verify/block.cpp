// SPDX-License-Identifier: Apache-2.0
#include "odeum/block.hpp"

#include <cmath>
#include <map>

#include "odeum/transforms.hpp"
#include "program/interpreter.hpp"
#include "verify/function.hpp"
#include "verify/resources.hpp"
#include "verify/verify.hpp"

namespace odeum::verify {
namespace {

constexpr std::int64_t kRowsTested = 4;
constexpr std::int64_t kFeatures = 4;
// Blocks from images take values of (0, 1): all points stay well inside.
constexpr double kDeviation = 0.08;
// Buffers hold float32 numbers here: a stored inverse is one to that precision.
constexpr double kRounding = 1e-6;
constexpr double kDeterminant = 1e-6;

/// A sample's shape that the block takes: a vector, or where it refuses that, a series or an image
/// of as many elements.
Shape input_of(const Block& block) {
  for (const Shape& shape : {Shape{kFeatures}, Shape{2, kFeatures / 2}}) {
    try {
      block.output_shape(shape);
      return shape;
    } catch (const ConfigError&) {
      continue;
    }
  }
  return {1, 2, kFeatures / 2};
}

Shape with_rows(const Shape& sample) {
  std::vector<std::int64_t> extents = sample.extents();
  extents.insert(extents.begin(), kRows);
  return Shape(extents);
}

/// x in (0, 1).
Tensor sample(FunctionRecording& recording, const Shape& shape) {
  return 0.5 + recording.input("x", with_rows(shape), kDeviation);
}

/// What a block that fits itself to the data has learned from made-up moments.
std::map<std::string, std::vector<double>> fitted(const Block& block) {
  if (!block.needs_moments()) return {};
  Moments moments;
  for (std::int64_t i = 0; i < kFeatures; ++i) {
    moments.mean.push_back(0.5 + 0.01 * static_cast<double>(i));
    moments.deviation.push_back(0.1 + 0.02 * static_cast<double>(i));
  }
  for (std::size_t i = 0; block.needs_covariance() && i < moments.mean.size(); ++i) {
    for (std::size_t j = 0; j < moments.mean.size(); ++j) {
      const double correlation = i == j ? 1.0 : 0.3;
      moments.covariance.push_back(correlation * moments.deviation[i] * moments.deviation[j]);
    }
  }
  return block.fit(moments);
}

/// ln |det| of each row's Jacobian, by Gauss elimination on its columns.
double log_determinant(std::vector<double> matrix, std::size_t n) {
  double result = 0.0;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < n; ++i) {
      if (std::abs(matrix[i * n + k]) > std::abs(matrix[pivot * n + k])) pivot = i;
    }
    for (std::size_t j = 0; j < n; ++j) std::swap(matrix[k * n + j], matrix[pivot * n + j]);
    result += std::log(std::abs(matrix[k * n + k]));
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = matrix[i * n + k] / matrix[k * n + k];
      for (std::size_t j = k; j < n; ++j) matrix[i * n + j] -= factor * matrix[k * n + j];
    }
  }
  return result;
}

/// The log-determinants that the block says against those of its Jacobian.
double determinant_error(const Function& f) {
  const program::Array& x = f.at.front();
  const auto n = static_cast<std::size_t>(kFeatures);
  const Program derivative = jvp(f.program, {0});
  std::vector<std::vector<double>> jacobians(kRowsTested, std::vector<double>(n * n));
  std::vector<double> said;
  for (std::size_t column = 0; column < n; ++column) {
    std::vector<program::Array> arguments = f.at;
    program::Array tangent = x;
    for (std::size_t i = 0; i < tangent.values.size(); ++i) tangent.values[i] = i % n == column;
    arguments.push_back(tangent);
    const auto values = interpret(derivative, f.rows, arguments);
    said = values[1].values;
    for (std::size_t row = 0; row < static_cast<std::size_t>(kRowsTested); ++row) {
      for (std::size_t i = 0; i < n; ++i) {
        jacobians[row][i * n + column] = values[2].values[row * n + i];
      }
    }
  }
  double worst = 0.0;
  for (std::size_t row = 0; row < jacobians.size(); ++row) {
    worst = std::max(worst, std::abs(log_determinant(jacobians[row], n) - said[row]));
  }
  return worst;
}

}  // namespace

void check_block(const Workbench& bench, Checks& checks) {
  const auto block = bench.tested<Block>();
  const Shape input = input_of(*block);
  const auto forward = [&](DType type) {
    FunctionRecording recording(type, kRowsTested, 1);
    const Tensor x = sample(recording, input);
    model::NamedScope scope = recording.scope(x, fitted(*block));
    const Block::Output output = block->forward(scope, x);
    const Tensor logs =
        output.log_determinant ? output.log_determinant : full(x, {kRows}, 0.0, DType::f64);
    std::vector<Tensor> outputs{output.value, logs};
    if (output.cost) outputs.push_back(output.cost);
    return recording.function(outputs);
  };
  Shape result;
  checks.that("gives samples of the shape that it says", [&] {
    result = block->output_shape(input);
    const Function f = forward(DType::f64);
    const Shape found = f.program[f.program.outputs[0]].shape;
    const Shape said = with_rows(result);
    require(found == said, "said " + said.text() + ", found " + found.text());
    const Shape logs = f.program[f.program.outputs[1]].shape;
    require(logs == Shape{kRows}, "the log-determinant is " + logs.text() + ", wanted is [rows]");
    if (f.program.outputs.size() > 2) {
      const Node& cost = f.program[f.program.outputs[2]];
      require(cost.shape == Shape{kRows} && cost.dtype == DType::f64,
              "the cost is " + std::string(name(cost.dtype)) + cost.shape.text() +
                  ", wanted is float64 [rows]");
    }
    return found.text();
  });
  check_tensor_code(bench, checks, forward);
  checks.that("leaves other samples alone where one is not a number",
              [&] { return rows_stay_apart(forward(DType::f64)); });
  const std::string no_density = block->why_no_log_determinant();
  if (!no_density.empty()) {
    checks.left_out("its log-determinant is that of its Jacobian", no_density);
  } else if (result.elements_per_row() == kFeatures) {
    checks.that("its log-determinant is that of its Jacobian", [&] {
      const double error = determinant_error(forward(DType::f64));
      require(error <= kDeterminant, "differs by " + shown(error));
      return "to " + shown(error);
    });
  } else {
    checks.left_out("its log-determinant is that of its Jacobian",
                    "it changes the number of features");
  }
  if (!block->why_no_inverse().empty()) {
    checks.left_out("its inverse leads back", block->why_no_inverse());
  } else {
    checks.that("its inverse leads back", [&] {
      FunctionRecording recording(DType::f64, kRowsTested, 1);
      const Tensor x = sample(recording, input);
      model::NamedScope scope = recording.scope(x, fitted(*block));
      // One turn leads to where the block's data are (whole numbers before a dequantisation).
      const Tensor data = block->inverse(scope, block->forward(scope, x).value);
      const Tensor back = block->inverse(scope, block->forward(scope, data).value);
      const auto values = recording.function({data, back}).value();
      const double error = distance({values[1]}, {values[0]});
      require(error <= kRounding, "differs by " + shown(error));
      return "to " + shown(error);
    });
  }
  check_resources(checks, [&] {
    bench.tested<Block>();
    forward(DType::f64);
  });
}

}  // namespace odeum::verify
