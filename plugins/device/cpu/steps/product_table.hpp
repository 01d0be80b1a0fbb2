// SPDX-License-Identifier: Apache-2.0
// Which kernel takes a matrix product: a table of measurements by shape, type and instruction set.
// Kernels add up the contracted axis in different orders, so the table decides the last bits of
// results, and nothing that is measured while a program runs does.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "odeum/shape.hpp"

namespace odeum::cpu {

enum class ProductKernel : std::uint8_t {
  blocks,  ///< register blocks of C, vectors along its columns
  along    ///< vectors along the contracted axis, for few columns
};

/// C[m, n] = A[m, k] B[k, n]; 0: as many as there are rows (samples).
struct ProductShape {
  DType type = DType::f32;
  std::int64_t m = 0, n = 0, k = 0;
};

struct ProductChoice {
  ProductKernel kernel = ProductKernel::blocks;
  std::int64_t depth = 256;      ///< of the contracted axis, that blocks add up at once
  std::int64_t tile_rows = 144;  ///< rows of C that a task takes
  bool operator==(const ProductChoice&) const = default;
};

struct ProductEntry {
  std::string instructions;  ///< "generic", "avx2", "avx512"
  ProductShape shape;
  ProductChoice choice;
};

class ProductTable {
 public:
  ProductTable() = default;
  explicit ProductTable(std::vector<ProductEntry> entries) : entries_(std::move(entries)) {}

  /// What holds for the nearest entry of the same type, instruction set and side of samples, if
  /// none of its extents differs by more than a factor of two; else `usual_choice`.
  ProductChoice choose(const ProductShape& shape, const std::string& instructions) const;
  const std::vector<ProductEntry>& entries() const { return entries_; }

 private:
  std::vector<ProductEntry> entries_;
};

/// `along` up to four columns, else `blocks`.
ProductChoice usual_choice(const ProductShape& shape);

/// What odeum was measured with.
const ProductTable& shipped_table();

/// Reads a table file; a ConfigError says what is wrong, and where.
ProductTable read_product_table(const std::string& file);
/// The table as such a file. `processor` is a remark of where it was measured.
std::string text_of(const ProductTable& table, const std::string& processor = "");

}  // namespace odeum::cpu
