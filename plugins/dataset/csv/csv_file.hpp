// SPDX-License-Identifier: Apache-2.0
// Numbers from comma-separated text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace odeum::datasets {

/// A CSV file cut into its fields' texts: one line of names, then lines with as many fields each.
/// Lines end in \n or \r\n; fields may stand in double quotes, within one line; empty lines at the
/// end do not count; a byte-order mark is passed over.
class CsvFile {
 public:
  /// ConfigError at file:line:column: a file that cannot be read, an empty one, one without rows, a
  /// header of numbers, a column without a name or with another one's, a line with more or fewer
  /// fields than the header, an open quote.
  explicit CsvFile(const std::string& path);

  const std::string& path() const { return path_; }
  const std::vector<std::string>& names() const { return names_; }
  std::int64_t rows() const { return static_cast<std::int64_t>(lines_.size()); }
  /// Position of a column, or -1.
  std::int64_t find(const std::string& name) const;
  /// The column's name nearest to a word, by edits.
  const std::string& nearest(const std::string& word) const;

  /// The chosen columns as numbers, row-major. ConfigError at file:line:column for a field there
  /// that is no number or not finite, and for an empty one where missing values are refused; else
  /// an empty field, nan and NA are not-a-number.
  enum class Missing : std::uint8_t { refused, allowed };
  std::vector<double> values(const std::vector<std::int64_t>& columns,
                             Missing missing = Missing::refused) const;

 private:
  struct Field {
    std::string text;
    int column = 0;  ///< 1-based, in bytes
  };
  struct Line {
    std::size_t begin = 0;
    std::size_t end = 0;
    int number = 0;  ///< 1-based
  };
  std::vector<Field> fields(const Line& line) const;
  double number(const Field& field, const Line& line, const std::string& name,
                Missing missing) const;

  std::string path_;
  std::string text_;
  std::vector<std::string> names_;
  std::vector<Line> lines_;
};

}  // namespace odeum::datasets
