// SPDX-License-Identifier: Apache-2.0
#include "csv_file.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "../source.hpp"
#include "odeum/error.hpp"

namespace odeum::datasets {
namespace {

std::string trimmed(const std::string& text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (begin < end && blank(text[begin])) ++begin;
  while (end > begin && blank(text[end - 1])) --end;
  return text.substr(begin, end - begin);
}

/// Whether the whole text is a number; nan and inf count.
bool parse_number(const std::string& text, double& value) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (end - begin > 1 && *begin == '+' && begin[1] != '-') ++begin;
  const auto [stop, error] = std::from_chars(begin, end, value);
  // from_chars leaves numbers beyond the range alone; strtod rounds them to zero or infinity.
  if (error == std::errc::result_out_of_range) value = std::strtod(begin, nullptr);
  return error != std::errc::invalid_argument && stop == end;
}

/// Names are written into files and messages, all of which are UTF-8.
bool is_utf8(const std::string& text) {
  std::size_t following = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool follows = byte >= 0x80 && byte < 0xC0;
    if (follows != (following > 0)) return false;
    if (follows) {
      --following;
    } else if (byte >= 0xC0) {
      if (byte < 0xC2 || byte > 0xF4) return false;
      following = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    }
  }
  return following == 0;
}

bool stands_for_nothing(const std::string& text) {
  return text.empty() || text == "NA" || text == "nan" || text == "NaN" || text == "NAN";
}

/// Insertions, deletions and replacements that lead from a to b, upper and lower case alike.
std::size_t edits(const std::string& a, const std::string& b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

CsvFile::CsvFile(const std::string& path) : path_(path), text_(read_bytes(path)) {
  std::size_t begin = text_.rfind("\xEF\xBB\xBF", 0) == 0 ? 3 : 0;
  for (int number = 1; begin < text_.size(); ++number) {
    const std::size_t stop = std::min(text_.find('\n', begin), text_.size());
    std::size_t end = stop;
    if (end > begin && text_[end - 1] == '\r') --end;
    lines_.push_back({begin, end, number});
    begin = stop + 1;
  }
  while (!lines_.empty() && lines_.back().begin == lines_.back().end) lines_.pop_back();
  if (lines_.empty()) throw wrong({path_, 0, 0}, "the file is empty");

  bool all_numbers = true;
  for (const Field& field : fields(lines_.front())) {
    const Place place{path_, 1, field.column};
    if (field.text.empty()) throw wrong(place, "a column without a name");
    if (!is_utf8(field.text)) {
      throw wrong(place, "the name of this column is not UTF-8: save the file in that encoding");
    }
    if (find(field.text) >= 0) {
      throw wrong(place, "a second column named '" + field.text + "'");
    }
    double value = 0.0;
    all_numbers = all_numbers && parse_number(field.text, value);
    names_.push_back(field.text);
  }
  if (names_.size() == 1 && names_.front().find_first_of(";\t") != std::string::npos) {
    throw wrong({path_, 1, 1},
                "the line of names has no comma; columns are separated by commas, not by "
                "semicolons or tabs, and numbers have a decimal point");
  }
  if (all_numbers) {
    throw wrong({path_, 1, 1}, "the first line must name the columns, and here it holds numbers");
  }
  lines_.erase(lines_.begin());
  if (lines_.empty()) throw wrong({path_, 1, 0}, "there are no rows below the line of names");
}

std::int64_t CsvFile::find(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  return found == names_.end() ? -1 : found - names_.begin();
}

const std::string& CsvFile::nearest(const std::string& word) const {
  return *std::min_element(
      names_.begin(), names_.end(),
      [&](const std::string& a, const std::string& b) { return edits(word, a) < edits(word, b); });
}

std::vector<CsvFile::Field> CsvFile::fields(const Line& line) const {
  std::vector<Field> result;
  std::size_t at = line.begin;
  while (true) {
    const int column = static_cast<int>(at - line.begin) + 1;
    std::string text;
    if (at < line.end && text_[at] == '"') {
      for (++at;; ++at) {
        if (at >= line.end) throw wrong({path_, line.number, column}, "a quote that is not closed");
        if (text_[at] == '"' && (at + 1 >= line.end || text_[at + 1] != '"')) break;
        if (text_[at] == '"') ++at;
        text += text_[at];
      }
      ++at;
    }
    const std::size_t comma = std::min(text_.find(',', at), line.end);
    text += text_.substr(at, comma - at);
    result.push_back({trimmed(text), column});
    if (comma == line.end) return result;
    at = comma + 1;
  }
}

double CsvFile::number(const Field& field, const Line& line, const std::string& name,
                       Missing missing) const {
  if (missing == Missing::allowed && stands_for_nothing(field.text)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const Place place{path_, line.number, field.column};
  const auto refused = [&](const std::string& reason) {
    return ConfigError(place, "column '" + name + "' — " + reason);
  };
  if (field.text.empty()) throw refused("the value is missing");
  double value = 0.0;
  if (!parse_number(field.text, value)) {
    throw refused("'" + field.text +
                  "' is no number; a column of text can be left out with `columns:`");
  }
  if (!std::isfinite(value)) throw refused("'" + field.text + "' is not finite");
  return value;
}

std::vector<double> CsvFile::values(const std::vector<std::int64_t>& columns,
                                    Missing missing) const {
  std::vector<double> result;
  result.reserve(lines_.size() * columns.size());
  for (const Line& line : lines_) {
    const std::vector<Field> row = fields(line);
    if (row.size() != names_.size()) {
      throw wrong({path_, line.number, 0}, "the line has " + std::to_string(row.size()) +
                                               " fields, the header names " +
                                               std::to_string(names_.size()) + " columns");
    }
    for (const std::int64_t column : columns) {
      const auto c = static_cast<std::size_t>(column);
      result.push_back(number(row[c], line, names_[c], missing));
    }
  }
  return result;
}

}  // namespace odeum::datasets
