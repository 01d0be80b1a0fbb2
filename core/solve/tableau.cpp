// SPDX-License-Identifier: Apache-2.0
#include "odeum/tableau.hpp"

#include <charconv>

#include "odeum/error.hpp"

namespace odeum::inline v1 {
namespace {

long double decimal(std::string_view digits, std::string_view whole) {
  long double value = 0.0L;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value, std::chars_format::fixed);
  if (digits.empty() || result.ec != std::errc() || result.ptr != end) {
    bug("'" + std::string(whole) + "' is not a coefficient: write it as 35/384, -3 or 0.161");
  }
  return value;
}

double parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return static_cast<double>(decimal(text, text));
  const long double denominator = decimal(text.substr(slash + 1), text);
  if (denominator == 0.0L) bug("coefficient '" + std::string(text) + "' divides by zero");
  return static_cast<double>(decimal(text.substr(0, slash), text) / denominator);
}

}  // namespace

Coefficient::Coefficient(const char* text) : text_(text), value_(parse(text_)) {}

bool Tableau::first_same_as_last() const {
  if (stages() < 2) return false;
  const std::size_t last = stages() - 1;
  if (c[last].value() != 1.0 || b[last].value() != 0.0) return false;
  for (std::size_t i = 0; i < last; ++i) {
    if (a[last][i].value() != b[i].value()) return false;
  }
  return true;
}

bool Tableau::stiffly_accurate() const {
  if (a.back().size() != stages() || c.back().value() != 1.0) return false;
  for (std::size_t i = 0; i < stages(); ++i) {
    if (a.back()[i].value() != b[i].value()) return false;
  }
  return true;
}

bool Tableau::is_explicit() const {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].size() > i) return false;
  }
  return true;
}

}  // namespace odeum::inline v1
