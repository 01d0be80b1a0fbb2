// SPDX-License-Identifier: Apache-2.0
// KernelText: one kernel being written, in the C that OpenCL C and CUDA C++ share once a dialect's
// prelude stands before it (kernelgen/dialect.hpp).
//
// A kernel takes (rows, parts, then a pointer and a byte offset for every place in memory). Its
// text names places by the order of their first use, so kernels that differ in what they are called
// with alone are the same text, and are built once.
#pragma once

#include <cstdint>
#include <functional>
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

/// Memory that a group's threads share.
struct LocalArray {
  std::string name;
  DType type = DType::f32;
  std::int64_t size = 0;
};

/// What a kernel takes and computes that finds slots in scratch memory by itself.
inline constexpr const char* kScratchParameter =
    ",\n    GLOBAL uchar* RESTRICT scratch, const long start";
inline constexpr const char* kScratchRows = "  const long padded = (rows + 31) / 32 * 32;\n";
/// Where the slot lies; PLACE(slot) is replaced once scratch memory is laid out.
std::string place_in_scratch(int slot);

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

  /// An array of this name in the group's local memory.
  void local_array(DType type, const std::string& name, std::int64_t size) {
    arrays_.push_back({name, type, size});
  }

  const std::vector<int>& slots() const { return slots_; }
  const std::vector<DType>& types() const { return types_; }
  const std::vector<LocalArray>& arrays() const { return arrays_; }
  std::string array_lines() const;
  /// What is between the braces, so many times indented; it works on group `group`.
  std::string body(int depth) const;
  /// The kernel for groups of `threads` threads; NAME stands for its name.
  std::string finish(int threads) const;
  /// So, where the kernel finds slots that are `inner` from one pointer, that of all scratch
  /// memory.
  std::string finish(int threads, const std::function<bool(int)>& inner) const;

 private:
  std::vector<int> slots_;
  std::vector<DType> types_;
  std::vector<LocalArray> arrays_;
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
