// SPDX-License-Identifier: Apache-2.0
// KernelText: one kernel being written, in the C that OpenCL C and CUDA C++ share once a dialect's
// prelude stands before it (kernelgen/dialect.hpp).
//
// A kernel takes (rows, parts, then a pointer and a byte offset for every place in memory). Its
// text names places by the order of their first use, so kernels that differ in what they are called
// with alone are the same text, and are built once.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "odeum/shape.hpp"

namespace odeum::kernelgen {

const char* c_type(DType type);  ///< float, double, long
std::string text_of(std::int64_t value);
/// The pieces, one behind the other.
std::string joined(std::initializer_list<std::string_view> pieces);
/// The number as a literal of its type, exact to the last bit, not-a-number and infinities too.
std::string literal(double value, DType type);

class KernelText {
 public:
  /// The array that begins at a slot.
  std::string pointer(int slot, DType type);
  void line(const std::string& text);
  void open(const std::string& head);  ///< "for (...)": a block begins
  void close();
  /// A constant with this value; the same expression in the same or an outer block is the same
  /// constant. `a * 0`-like trivia are left to the compiler.
  std::string let(const std::string& type, const std::string& expression);
  std::string index(const std::string& expression) { return let("idx", expression); }
  /// A new name, for what changes.
  std::string fresh(const std::string& stem);

  const std::vector<int>& slots() const { return slots_; }
  /// The kernel for groups of `threads` threads; NAME stands for its name.
  std::string finish(int threads) const;

 private:
  std::vector<int> slots_;
  std::vector<DType> types_;
  std::string body_;
  int depth_ = 1;
  int names_ = 0;
  std::vector<std::map<std::string, std::string>> known_{1};
};

/// Index expressions of the axes of a row-major array of these extents at flat index `flat`; the
/// first extent may be kRows. Axes of extent 1 have index "0".
std::vector<std::string> decompose(KernelText& text, const std::string& flat,
                                   const std::vector<std::int64_t>& extents);
/// offset + sum of indices times strides.
std::string address(const std::vector<std::string>& indices,
                    const std::vector<std::int64_t>& strides, std::int64_t offset);

}  // namespace odeum::kernelgen
