// SPDX-License-Identifier: Apache-2.0
#include "config/scalars.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace odeum::config {

std::optional<double> read_number(const std::string& text) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (text == ".inf" || text == "+.inf" || text == ".Inf" || text == ".INF") return infinity;
  if (text == "-.inf" || text == "-.Inf" || text == "-.INF") return -infinity;
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (begin != end && *begin == '+') ++begin;
  const char* digits = begin != end && *begin == '-' && begin == text.data() ? begin + 1 : begin;
  const bool starts_well = digits != end && ((*digits >= '0' && *digits <= '9') || *digits == '.');
  if (!starts_well) return std::nullopt;
  double value = 0.0;
  const auto [last, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || last != end) return std::nullopt;
  return value;
}

std::optional<std::int64_t> read_integer(const std::string& text) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (begin != end && *begin == '+') ++begin;
  std::int64_t whole = 0;
  const auto [last, error] = std::from_chars(begin, end, whole);
  const bool plus_minus = begin != text.data() && begin != end && *begin == '-';
  if (error == std::errc() && last == end && !plus_minus) return whole;
  const std::optional<double> number = read_number(text);
  // Beyond 2^53 a double no longer says which whole number was meant.
  constexpr double exact = 9007199254740992.0;
  if (!number || std::abs(*number) > exact || *number != std::trunc(*number)) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::optional<bool> read_flag(const std::string& text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

std::string write_number(double value) {
  if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
  std::array<char, 40> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), error == std::errc() ? end : buffer.data()};
}

std::string write_text(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '/' || c == '.' || c == '-' || c == '+';
  };
  const bool is_plain = !text.empty() && text[0] != '-' && text[0] != '.' &&
                        std::all_of(text.begin(), text.end(), plain);
  const bool is_null = text == "null" || text == "Null" || text == "NULL";
  if (is_plain && !is_null) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    constexpr char digits[] = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += std::string("\\") + c;
    } else if (code < 0x20 || code == 0x7f) {
      quoted += std::string("\\x") + digits[code / 16] + digits[code % 16];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

namespace {

std::string scalar(bool value) { return value ? "true" : "false"; }
std::string scalar(std::int64_t value) { return std::to_string(value); }
std::string scalar(double value) { return write_number(value); }
std::string scalar(const std::string& value) { return write_text(value); }

std::string scalar(std::monostate /*none*/) { return ""; }

std::string scalar(const Schedule& s) {
  if (s.warmup == 0) return write_number(s.then);
  return "{warmup: " + std::to_string(s.warmup) + ", then: " + write_number(s.then) +
         ", from: " + write_number(s.from) + "}";
}

template <class T>
std::string scalar(const std::vector<T>& list) {
  std::string text;
  for (const T& item : list) text += (text.empty() ? "" : ", ") + scalar(item);
  return "[" + text + "]";
}

std::string scalar(const std::vector<Config>& /*nested*/) {
  bug("write_value: the value has keys of its own");
}

}  // namespace

std::string write_value(const Config::Value& value) {
  return std::visit([](const auto& v) { return scalar(v); }, value);
}

std::string range_text(const Key& key) {
  std::string text;
  if (!std::isinf(key.minimum))
    text = (key.minimum_open ? "above " : "at least ") + write_number(key.minimum);
  if (!std::isinf(key.maximum)) {
    if (!text.empty()) text += " and ";
    text += (key.maximum_open ? "below " : "at most ") + write_number(key.maximum);
  }
  return text.empty() ? "any" : text;
}

std::string out_of_range(double value, const Key& key) {
  const bool low = value < key.minimum || (key.minimum_open && value <= key.minimum);
  const bool high = value > key.maximum || (key.maximum_open && value >= key.maximum);
  if (!low && !high) return "";
  return write_number(value) + (low ? " is too small: " : " is too large: ") + range_text(key) +
         " is wanted";
}

}  // namespace odeum::config
