// SPDX-License-Identifier: Apache-2.0
// Element types and shapes. A shape is static but for one leading extent, `rows`, which is bound
// when a program runs: a batch, the samples still unfinished, or all quadrature nodes at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace odeum::inline v1 {

enum class DType : std::uint8_t { f32, f64, i64 };

/// Bytes of one element.
constexpr std::size_t size_of(DType type) { return type == DType::f32 ? 4 : 8; }
const char* name(DType type);  ///< "float32", "float64", "int64"

/// The symbolic leading extent.
inline constexpr std::int64_t kRows = -1;

/// Extents, outermost first, row-major. Only the first extent may be kRows.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::vector<std::int64_t> extents);

  int rank() const { return static_cast<int>(extents_.size()); }
  std::int64_t operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  bool has_rows() const { return !extents_.empty() && extents_.front() == kRows; }

  /// Elements when `rows` is bound to the given number.
  std::int64_t elements(std::int64_t rows) const;
  /// Elements of one row: the product of all extents but kRows.
  std::int64_t elements_per_row() const;

  const std::vector<std::int64_t>& extents() const { return extents_; }
  std::string text() const;  ///< "[rows, 3, 8]"

  bool operator==(const Shape&) const = default;

 private:
  std::vector<std::int64_t> extents_;
};

/// How a value depends on the rows of a batch.
///
/// - none:     the same for every row (parameters, time under a shared step, constants)
/// - per_row:  leading extent `rows`; row i depends on row i of the inputs only
/// - row_sum:  a sum over rows (losses, parameter gradients): adds up over shards of the batch
/// - coupled:  anything else that mixes rows (batch statistics, error norms and what follows)
///
/// Linear operations keep row_sum; what uses one nonlinearly, adds a constant to it or brings it
/// back to the rows is coupled. The row count is `none`: by convention that of the whole batch, on
/// every shard, so a mean over rows is a row_sum and may be a loss.
///
/// Sharding needs no coupled value; per-sample steps, compaction and batched quadrature nodes
/// need a field whose rate is per_row.
enum class RowClass : std::uint8_t { none, per_row, row_sum, coupled };
const char* name(RowClass row_class);

}  // namespace odeum::inline v1
