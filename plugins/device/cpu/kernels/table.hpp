// SPDX-License-Identifier: Apache-2.0
// The table of vector kernels. The same source (kernels/elementwise.inc and its neighbours) is
// compiled once for each instruction set; `kernels()` picks the widest that this processor has.
//
// Kernels take plain pointers, never allocate and never throw. Elementwise kernels work on whole
// vectors: n is a multiple of kPadding / sizeof(element), and every buffer holds that many
// elements.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/winograd.hpp"
#include "odeum/shape.hpp"

namespace odeum::cpu {

/// Bytes that buffers are aligned and padded to: the widest vector of any instruction set.
inline constexpr std::size_t kPadding = 64;

enum class Fn : std::uint8_t {
  copy,
  neg,
  abs,
  sign,
  floor,
  exp,
  expm1,
  log,
  log1p,
  sqrt,
  sin,
  cos,
  tanh,
  sigmoid,
  softplus,
  erf,
  add,
  sub,
  mul,
  div,
  max,
  min,
  less,
  equal,
  mul_add,  ///< a b + c
  mul_sub,  ///< a b - c
  sub_mul,  ///< c - a b
  select,   ///< a != 0 ? b : c
  count,
};
constexpr std::size_t index(Fn fn) { return static_cast<std::size_t>(fn); }
constexpr std::size_t index(DType type) { return static_cast<std::size_t>(type); }

/// out[i] = fn(a[i], b[i], c[i]). Operands that are scalars (by variant) are read at index 0 only.
using ElementKernel = void (*)(void* out, const void* a, const void* b, const void* c,
                               std::size_t n);

/// Which operands are scalars: bit 0 for a, bit 1 for b, bit 2 for c.
inline constexpr std::size_t kVariants = 8;

/// Memory that something else reads next.
struct Fetch {
  const std::byte* at = nullptr;
  std::size_t bytes = 0;
};

/// C[m, n] = (accumulate ? C : 0) + alpha A[m, k] B[k, n].
/// A by strides; B by rows of n contiguous elements, cut into panels of `panel` columns: element
/// (p, j) stands at b[(j / panel) b_panel + p b_row + j % panel], and reading up to the next whole
/// vector of a row must be safe; C by rows of contiguous elements.
template <class T>
struct Product {
  std::int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  std::int64_t a_m = 0, a_k = 0;
  const T* b = nullptr;
  std::int64_t b_panel = 0, b_row = 0;
  T* c = nullptr;
  std::int64_t c_m = 0;
  bool accumulate = false;
  T alpha = 1;
  std::int64_t depth = 256;  ///< of k, that is added up before it is added to C
  /// Brought into the second-level cache on the way, a piece with each register block.
  const Fetch* fetches = nullptr;
  std::size_t fetch_count = 0;
};

/// C[m, n] = (accumulate ? C : 0) + alpha A B, all by strides, for products too small to pack.
template <class T>
struct SmallProduct {
  std::int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  std::int64_t a_m = 0, a_k = 0;
  const T* b = nullptr;
  std::int64_t b_k = 0, b_n = 0;
  T* c = nullptr;
  std::int64_t c_m = 0, c_n = 0;
  bool accumulate = false;
  T alpha = 1;
};

template <class T>
struct ProductKernels {
  int lanes = 0;  ///< elements of a vector
  int panel = 0;  ///< columns of a panel of B
  void (*product)(const Product<T>&) = nullptr;
  void (*small)(const SmallProduct<T>&) = nullptr;
  /// As `small`, for n of a few columns, a_k = b_k = c_n = 1.
  void (*narrow)(const SmallProduct<T>&) = nullptr;
  /// B[k, n] by strides into panels [n / panel, rounded up][k][panel], padded with zeros.
  void (*pack)(std::int64_t k, std::int64_t n, const T* b, std::int64_t b_k, std::int64_t b_n,
               T* to) = nullptr;
};

/// A call in straight-line code. Kernels for one element or one vector ask for the fewest
/// instructions; the others are called through `element`.
struct StraightCall {
  void (*kernel)(const StraightCall&) = nullptr;
  void* out = nullptr;
  const void *a = nullptr, *b = nullptr, *c = nullptr;
  std::uint32_t n = 0;
  std::uint32_t terms = 0;  ///< of a chain
  ElementKernel element = nullptr;
};
using StraightKernel = void (*)(const StraightCall&);

/// Kernels of straight-line code: [type]. Those of one result fill kPadding bytes with it.
struct StraightKernels {
  /// out[0..n) = a[0..n), n exact.
  std::array<ElementKernel, 3> read{};
  /// out[r] = the sum of a[r, 0..*b), n rows, *b of int64.
  std::array<ElementKernel, 3> sum_rows{};
  /// One result of a[0..n), in the order of `add_rows`, and of `small` with b[0..n).
  std::array<ElementKernel, 3> sum_neighbours{}, run_product{};
  /// From here on a (and b) are arrays of pointers to elements. out[i] = *a[i]; the array goes on
  /// to a whole vector.
  std::array<ElementKernel, 3> gather{};
  /// One result of n elements, one by one.
  std::array<ElementKernel, 3> sum{}, largest{}, inner_product{};

  /// fn of one element, [fn][type], and of at most one vector, [fn][type][variant]; nullptr for
  /// functions that take longer than a call does, and for int64.
  std::array<std::array<StraightKernel, 3>, index(Fn::count)> one{};
  std::array<std::array<std::array<StraightKernel, kVariants>, 3>, index(Fn::count)> vector{};
  StraightKernel call = nullptr;  ///< element(out, a, b, c, n)
  /// sum = c + x0 w0 + x1 w1 + ..., each a multiply-add; out = sum or s sum + y. a is an array of
  /// `terms` pairs of pointers (x, w), b null or the pair (y, s); w and s are single elements. With
  /// c null the sum starts with the first product. No int64.
  std::array<StraightKernel, 3> chain{};
};

class ProductTable;

struct Kernels {
  const char* instruction_set = "";
  /// Which product kernel takes which shape; null: as `usual_choice` says.
  std::shared_ptr<const ProductTable> products;
  /// [fn][type][variant]; nullptr where a function has no meaning for a type.
  std::array<std::array<std::array<ElementKernel, kVariants>, 3>, index(Fn::count)> element{};
  std::array<std::array<ElementKernel, 3>, 3> cast{};  ///< [from][to]
  /// first[i] = softplus(a[i]), second[i] = sigmoid(a[i]), as the kernels of one result give them.
  /// [type]; no int64.
  std::array<void (*)(void* first, void* second, const void* a, std::size_t n), 3>
      softplus_sigmoid{};
  ProductKernels<float> f32;
  ProductKernels<double> f64;
  StraightKernels straight;
  WinogradKernels<float> winograd;

  /// out[r] = sum of x[r, 0..k), in the type itself. [type]; no int64.
  std::array<void (*)(void* out, const void* x, std::int64_t rows, std::int64_t k), 3> row_sums{};
  /// out[j] = sum over t of x[offsets[t] + j], 0 <= j < width, in order and in float64. [type]; no
  /// int64.
  std::array<void (*)(void* out, const void* x, const std::int64_t* offsets, std::int64_t terms,
                      std::int64_t width),
             3>
      sum_runs{};
  /// acc[j] += scale * sum over r of x[r, j]; float64 accumulators for floating types, int64 else.
  std::array<void (*)(void* acc, const void* x, std::int64_t rows, std::int64_t n, double scale), 3>
      add_rows{};
};

/// For the processor that runs this. `limit` (0 generic, 1 AVX2, 2 AVX-512) is for tests.
const Kernels& kernels(int limit = 2);

namespace generic {
const Kernels& table();
}
namespace avx2 {
const Kernels& table();
}
namespace avx512 {
const Kernels& table();
}

}  // namespace odeum::cpu
