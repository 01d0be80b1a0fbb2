// SPDX-License-Identifier: Apache-2.0
// Plan: a program as kernels, launches in order, and the memory between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernelgen/graph.hpp"
#include "kernelgen/library_convolution.hpp"
#include "kernelgen/library_product.hpp"
#include "kernelgen/size.hpp"

namespace odeum::kernelgen {

enum class Home : std::uint8_t {
  input,
  output,
  constant,
  fixed,    ///< scratch of a size that does not depend on the rows
  rows,     ///< scratch that grows with the rows
  scratch,  ///< all scratch memory
};

/// A place in memory. `place`: position of an input or output, byte offset of a constant or of
/// fixed scratch, bytes per row before scratch that grows.
struct Slot {
  Home home = Home::fixed;
  DType type = DType::f32;
  Size size;
  std::size_t place = 0;
  int first = -1, last = -1;  ///< launches

  std::size_t bytes() const { return static_cast<std::size_t>(size.count) * size_of(type); }
};

/// How many pieces a long sum is cut into: a function of the rows alone, so that a sum is the same
/// bits on every device and in every run.
struct Parts {
  Size entries = {};
  std::int64_t each = 0;  ///< entries of a piece; 0: one piece
  std::int64_t most = 1;
  std::int64_t at(std::int64_t rows) const;
};

/// One run of a kernel, or of a library's product (`product` >= 0, slots A, B, C and the bias if it
/// is biased) or convolution (`convolution` >= 0, slots of the operands and the result). A kernel
/// has ceil(m / tile_m) * ceil(n / tile_n) * z * parts groups in one row.
struct Launch {
  int kernel = -1;
  std::vector<int> slots = {};
  std::vector<int> inner = {};  ///< slots that the kernel finds from that of all scratch memory
  Size m = {};
  std::int64_t tile_m = 1;
  Size n = {};
  std::int64_t tile_n = 1;
  Size z = {};
  Parts parts = {};
  int product = -1;
  int convolution = -1;
  std::vector<Launch> joined = {};  ///< launches that this one is, in the order of their groups

  std::int64_t groups(std::int64_t rows) const;
};

struct Kernel {
  std::string text;  ///< NAME stands for its name
  int threads = 0;   ///< of a group
};

struct Plan {
  std::vector<Kernel> kernels;
  std::vector<Launch> launches;
  std::vector<LibraryProduct> products;
  std::vector<LibraryConvolution> convolutions;
  std::vector<Slot> slots;
  std::vector<std::byte> constants;
  std::size_t fixed_bytes = 0;
  std::size_t row_bytes = 0;  ///< scratch for each row
  /// The largest value without rows, and the largest row of one with: no index of a kernel is
  /// larger than twice what they come to.
  std::int64_t widest_fixed = 1, widest_row = 0;

  /// Rows that scratch is laid out for: whole multiples keep every place aligned.
  static std::int64_t padded_rows(std::int64_t rows) { return (rows + 31) / 32 * 32; }
  std::size_t scratch_bytes(std::int64_t rows) const {
    return fixed_bytes + row_bytes * static_cast<std::size_t>(padded_rows(rows));
  }
};

/// Threads of a group of elementwise kernels.
inline constexpr int kThreads = 128;

/// No work goes to a library.
inline constexpr std::int64_t kNoLibrary = -1;

/// Local memory of a group that kernels count on where the machine says nothing: what OpenCL asks
/// of every device.
inline constexpr std::int64_t kLocalBytes = 32768;

/// What goes to the machine's libraries: from how many multiplications on, or kNoLibrary.
struct Libraries {
  std::int64_t products = kNoLibrary;
  bool biases = false;  ///< they add a bias to a float32 product
  std::int64_t convolutions = kNoLibrary;
};

Plan make_plan(const Program& program, const CompileOptions& options,
               const std::vector<bool>& wanted, const Libraries& libraries = {},
               std::int64_t local_bytes = kLocalBytes);

}  // namespace odeum::kernelgen
