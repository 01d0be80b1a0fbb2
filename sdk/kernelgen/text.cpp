// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/text.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <limits>

namespace odeum::kernelgen {
namespace {

bool is_atom(const std::string& expression) {
  return std::all_of(expression.begin(), expression.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

std::string hexadecimal(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

const char* c_type(DType type) {
  return type == DType::f32 ? "float" : (type == DType::f64 ? "double" : "long");
}

std::string text_of(std::int64_t value) { return std::to_string(value); }

std::string joined(std::initializer_list<std::string_view> pieces) {
  std::string text;
  for (const std::string_view piece : pieces) text += piece;
  return text;
}

std::string literal(double value, DType type) {
  if (type == DType::i64) {
    const auto whole = static_cast<std::int64_t>(value);
    if (whole == std::numeric_limits<std::int64_t>::min()) return "(-9223372036854775807L - 1L)";
    return "(" + text_of(whole) + "L)";
  }
  if (type == DType::f32) {
    const auto single = static_cast<float>(value);
    if (!std::isfinite(single))
      return "BITS_TO_FLOAT(" + std::to_string(std::bit_cast<std::uint32_t>(single)) + "u)";
    return "(" + hexadecimal("%a", static_cast<double>(single)) + "f)";
  }
  if (!std::isfinite(value))
    return "BITS_TO_DOUBLE(" + std::to_string(std::bit_cast<std::uint64_t>(value)) + "UL)";
  return "(" + hexadecimal("%a", value) + ")";
}

std::string KernelText::pointer(int slot, DType type) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i] == slot) return "a" + std::to_string(i);
  }
  slots_.push_back(slot);
  types_.push_back(type);
  return "a" + std::to_string(slots_.size() - 1);
}

void KernelText::line(const std::string& text) {
  body_ += std::string(static_cast<std::size_t>(2 * depth_), ' ') + text + "\n";
}

void KernelText::open(const std::string& head) {
  line(head + " {");
  ++depth_;
  known_.emplace_back();
}

void KernelText::close() {
  known_.pop_back();
  --depth_;
  line("}");
}

std::string KernelText::fresh(const std::string& stem) { return stem + std::to_string(names_++); }

std::string KernelText::let(const std::string& type, const std::string& expression) {
  if (is_atom(expression)) return expression;
  const std::string key = type + " " + expression;
  for (auto block = known_.rbegin(); block != known_.rend(); ++block) {
    const auto found = block->find(key);
    if (found != block->end()) return found->second;
  }
  std::string name = fresh("v");
  line("const " + type + " " + name + " = " + expression + ";");
  known_.back()[key] = name;
  return name;
}

std::string KernelText::finish(int threads) const {
  return finish(threads, [](int) { return false; });
}

std::string KernelText::finish(int threads, const std::function<bool(int)>& inner) const {
  std::string result =
      "KERNEL(" + std::to_string(threads) + ") NAME(const long rows, const long parts";
  std::string places;
  bool scratch = false;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::string number = std::to_string(i);
    const std::string array = joined({"GLOBAL ", c_type(types_[i]), "*"});
    std::string place = joined({"p", number, " + o", number});
    if (inner(slots_[i])) {
      scratch = true;
      place = place_in_scratch(slots_[i]);
    } else {
      result += joined({",\n    GLOBAL uchar* RESTRICT p", number, ", const long o", number});
    }
    places += joined({"  ", array, " a", number, " = (", array, ")(", place, ");\n"});
  }
  if (scratch) {
    result += kScratchParameter;
    places.insert(0, kScratchRows);
  }
  return result + ") {\n" + places + array_lines() + "  const idx group = GROUP_ID;\n" + body_ +
         "}\n";
}

std::string KernelText::array_lines() const {
  std::string lines;
  for (const LocalArray& array : arrays_) {
    lines += joined({"  LOCAL_ARRAY(", c_type(array.type), ", ", array.name, ", ",
                     text_of(array.size), ");\n"});
  }
  return lines;
}

std::string KernelText::body(int depth) const {
  const std::string indent(static_cast<std::size_t>(2 * (depth - 1)), ' ');
  std::string result;
  for (std::size_t at = 0; at < body_.size();) {
    const std::size_t end = body_.find('\n', at) + 1;
    result += indent + body_.substr(at, end - at);
    at = end;
  }
  return result;
}

std::string place_in_scratch(int slot) {
  return "scratch + start + PLACE(" + std::to_string(slot) + ")";
}

std::vector<std::string> decompose(KernelText& text, const std::string& flat,
                                   const std::vector<std::int64_t>& extents) {
  std::vector<std::string> indices(extents.size(), "0");
  std::int64_t inner = 1;
  std::size_t outermost = 0;
  while (outermost < extents.size() && extents[outermost] == 1) ++outermost;
  for (std::size_t axis = extents.size(); axis-- > outermost;) {
    if (extents[axis] == 1) continue;
    std::string index = flat;
    if (inner > 1) index += " / " + text_of(inner);
    if (axis > outermost && extents[axis] > 0)
      index = joined(
          {inner > 1 ? "(" : "", index, inner > 1 ? ")" : "", " % ", text_of(extents[axis])});
    indices[axis] = text.index(index);
    if (extents[axis] != kRows) inner *= extents[axis];
  }
  return indices;
}

std::string address(const std::vector<std::string>& indices,
                    const std::vector<std::int64_t>& strides, std::int64_t offset) {
  std::string sum;
  for (std::size_t axis = 0; axis < indices.size(); ++axis) {
    if (strides[axis] == 0 || indices[axis] == "0") continue;
    if (!sum.empty()) sum += " + ";
    sum += strides[axis] == 1 ? indices[axis] : indices[axis] + " * " + text_of(strides[axis]);
  }
  if (offset != 0) sum += (sum.empty() ? "" : " + ") + text_of(offset);
  return sum.empty() ? "0" : sum;
}

}  // namespace odeum::kernelgen
