// SPDX-License-Identifier: Apache-2.0
// Tensor: a value in a recording, and the operations on it.
//
// Calling an operation computes nothing: it adds a node to the graph that the operand belongs to
// and returns a handle to it. The core owns the graph; a handle is valid as long as its Recording.
// Every operation can be differentiated any number of times (odeum/transforms.hpp).
//
// Broadcasting is NumPy's, trailing axes aligned: [rows, 3] * [3] and [rows, 3] + [1] are fine,
// [rows, 3] * [rows] is an error: reshape to [rows, 1] first. Operand types must be equal; a
// double takes the type of the tensor beside it. Violations throw std::invalid_argument naming
// the operation and the shapes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "odeum/shape.hpp"

namespace odeum {
namespace program {
class Graph;  // the core's: program/graph.hpp
}
inline namespace v1 {

using ValueId = std::int32_t;

class Tensor {
 public:
  Tensor() = default;
  Tensor(program::Graph* graph, ValueId id) : graph_(graph), id_(id) {}

  explicit operator bool() const { return graph_ != nullptr; }  ///< false: no value
  const Shape& shape() const;
  DType dtype() const;
  RowClass row_class() const;
  int rank() const { return shape().rank(); }
  std::int64_t extent(int axis) const;  ///< a negative axis counts from the end

  program::Graph* graph() const { return graph_; }
  ValueId id() const { return id_; }

 private:
  program::Graph* graph_ = nullptr;
  ValueId id_ = -1;
};

// --- Elementwise, one operand ---------------------------------------------------------------
Tensor operator-(Tensor x);
Tensor abs(Tensor x);
Tensor sign(Tensor x);   ///< -1, 0, 1; derivative 0
Tensor floor(Tensor x);  ///< derivative 0
Tensor exp(Tensor x);
Tensor expm1(Tensor x);
Tensor log(Tensor x);
Tensor log1p(Tensor x);
Tensor sqrt(Tensor x);
Tensor sin(Tensor x);
Tensor cos(Tensor x);
Tensor tanh(Tensor x);
Tensor sigmoid(Tensor x);
Tensor softplus(Tensor x);  ///< log(1 + exp(x)), without overflow
Tensor erf(Tensor x);
Tensor square(Tensor x);
Tensor relu(Tensor x);   ///< max(x, 0); derivative at 0 is 0
Tensor elu(Tensor x);    ///< x > 0 ? x : exp(x) - 1
Tensor swish(Tensor x);  ///< x sigmoid(x)
Tensor gelu(Tensor x);   ///< x Phi(x), with erf
/// One of the above by name (tanh, softplus, sigmoid, relu, elu, swish, gelu, sin, square,
/// identity).
Tensor activation(std::string_view name, Tensor x);

// --- Elementwise, two operands --------------------------------------------------------------
Tensor operator+(Tensor a, Tensor b);
Tensor operator-(Tensor a, Tensor b);
Tensor operator*(Tensor a, Tensor b);
Tensor operator/(Tensor a, Tensor b);
Tensor max(Tensor a, Tensor b);  ///< at a tie the derivative goes to a; NaN if either is
Tensor min(Tensor a, Tensor b);  ///< at a tie the derivative goes to a; NaN if either is
Tensor operator+(Tensor a, double b);
Tensor operator+(double a, Tensor b);
Tensor operator-(Tensor a, double b);
Tensor operator-(double a, Tensor b);
Tensor operator*(Tensor a, double b);
Tensor operator*(double a, Tensor b);
Tensor operator/(Tensor a, double b);
Tensor operator/(double a, Tensor b);
Tensor max(Tensor a, double b);
Tensor min(Tensor a, double b);
Tensor pow(Tensor x, int exponent);     ///< by multiplication; exponent may be negative
Tensor pow(Tensor x, double exponent);  ///< exp(exponent log x), x > 0

/// 1 where the relation holds, else 0, in the operands' type. Derivative 0.
Tensor less(Tensor a, Tensor b);
Tensor equal(Tensor a, Tensor b);
/// where != 0 ? a : b, elementwise; the derivative goes to the chosen operand.
Tensor select(Tensor where, Tensor a, Tensor b);

// --- Types, constants, randomness -----------------------------------------------------------
Tensor cast(Tensor x, DType type);  ///< float to int64 truncates; derivative between floats: a cast
Tensor stop_gradient(Tensor x);     ///< x; derivative 0
/// Constants of the recording that `like` belongs to. A shape may lead with kRows.
Tensor constant(Tensor like, Shape shape, std::vector<double> values);  ///< no kRows here
Tensor full(Tensor like, Shape shape, double value);                    ///< type of `like`
Tensor full(Tensor like, Shape shape, double value, DType type);
Tensor zeros_like(Tensor x);
Tensor ones_like(Tensor x);
Tensor iota(Tensor like, Shape shape, int axis, DType type);  ///< index along an axis
Tensor row_count(Tensor like, DType type);                    ///< `rows`, shape [1]

enum class Distribution : std::uint8_t { uniform, normal, rademacher };
/// Counter-based random numbers (Philox 4x32-10): row i of the result depends on `key` (int64
/// [2]: seed, purpose and step mixed) and on sample_index[i] (int64 [rows]) alone, so it is the
/// same whatever the batch composition, thread count or device. Shape [rows, ...]. Uniform is in
/// (0, 1). No derivative.
Tensor random(Distribution distribution, Tensor key, Tensor sample_index, Shape shape, DType type);

// --- Shape ----------------------------------------------------------------------------------
/// Same elements, other extents. kRows must stay the leading extent if it is there.
Tensor reshape(Tensor x, Shape shape);
Tensor permute(Tensor x,
               std::vector<int> axes);    ///< result axis i is x's axes[i]; keeps kRows first
Tensor broadcast(Tensor x, Shape shape);  ///< NumPy's rule
Tensor slice(Tensor x, int axis, std::int64_t begin, std::int64_t end);   ///< not along kRows
Tensor pad(Tensor x, int axis, std::int64_t before, std::int64_t after);  ///< with zeros
Tensor concat(std::vector<Tensor> parts, int axis = -1);
std::vector<Tensor> split(Tensor x, const std::vector<std::int64_t>& sizes, int axis = -1);
/// For `auto [angle, rate] = split<1, 1>(z)`: along the last axis.
template <std::int64_t... Sizes>
std::array<Tensor, sizeof...(Sizes)> split(Tensor x) {
  std::array<Tensor, sizeof...(Sizes)> parts;
  std::int64_t begin = 0;
  std::size_t i = 0;
  ((parts[i++] = slice(x, -1, begin, begin + Sizes), begin += Sizes), ...);
  return parts;
}

// --- Indexing -------------------------------------------------------------------------------
/// y[..., j] = x[..., index[..., j]] along the last axis; leading axes equal. index is int64.
Tensor gather(Tensor x, Tensor index);
/// y[..., index[..., j]] += x[..., j]; y has `size` entries along its last axis.
Tensor scatter_add(Tensor x, Tensor index, std::int64_t size);

/// Geometry of a two-dimensional window: kernel, stride, zero padding, dilation as (rows, columns).
struct Window {
  std::array<std::int64_t, 2> kernel{1, 1};
  std::array<std::int64_t, 2> stride{1, 1};
  std::array<std::int64_t, 2> pad_before{0, 0};
  std::array<std::int64_t, 2> pad_after{0, 0};
  std::array<std::int64_t, 2> dilation{1, 1};
  bool operator==(const Window&) const = default;
};
/// Flat index (row * width + column, int64) of the largest entry of each window of
/// x [..., height, width]: [..., out_height, out_width]; padding never wins; first one at a tie.
Tensor window_argmax(Tensor x, const Window& window);
Tensor max_pool(Tensor x, const Window& window);      ///< gather of window_argmax
Tensor average_pool(Tensor x, const Window& window);  ///< a convolution; padding counts as zeros

// --- Reductions -----------------------------------------------------------------------------
/// Over the given axes (negative ones count from the end), which disappear. Sums of float32 over
/// rows are accumulated in float64.
Tensor sum(Tensor x, std::vector<int> axes);
Tensor reduce_max(Tensor x, std::vector<int> axes);  ///< at a tie the derivative goes to the first
Tensor mean(Tensor x, std::vector<int> axes);
Tensor sum_features(Tensor x);   ///< [rows, ...] to [rows]: over all axes but rows
Tensor mean_features(Tensor x);  ///< [rows, ...] to [rows]
Tensor sum_rows(Tensor x);       ///< [rows, ...] to [...], row class row_sum; [rows] to [1]
Tensor mean_rows(Tensor x);      ///< sum_rows over row_count
Tensor logsumexp(Tensor x, int axis);

// --- Linear algebra -------------------------------------------------------------------------
/// Contraction of two tensors by axis labels, as in Einstein's notation: dot("ri,oi->ro", x, w).
/// Rows lead the result if they are in it. Each label stands in at least two of the three lists and
/// at most once in each. Labels of a and b and of the result: batch; of a and b only: contracted.
Tensor dot(std::string_view labels, Tensor a, Tensor b);
/// x [..., in] times w [out, in] transposed, plus b [out] if given: [..., out].
Tensor linear(Tensor x, Tensor w, Tensor b = {});
/// The solution x of A x = b for A [..., n, n], b [..., n, k] (same leading axes), n small, by LU
/// with partial pivoting. A singular matrix gives non-finite numbers.
Tensor lu_solve(Tensor a, Tensor b);

/// Cross-correlation of x [..., c_in, height, width] with w [c_out, c_in, kh, kw].
Tensor conv(Tensor x, Tensor w, const Window& window);

/// The sum of weights[i] * terms[i]; terms of weight 0 are left out. At least one term.
Tensor linear_combination(std::span<const Tensor> terms, std::span<const double> weights);

}  // namespace v1
}  // namespace odeum
