// SPDX-License-Identifier: Apache-2.0
// Tables of numbers that commands write for their users.
#pragma once

#include <string>
#include <vector>

#include "odeum/shape.hpp"

namespace odeum::cli {

/// A ConfigError that begins with the option unless the file's folder is there and may be written:
/// said before the work, not behind it.
void require_writable(const std::string& option, const std::string& file);

/// Of -o: the same, and the file's name has to end in .npy or .csv.
void require_table_file(const std::string& file);

/// Rows of `names.size()` columns: .csv with a line of names, numbers to read back exactly; .npy of
/// the given type and shape [rows, columns], or [rows] where `flat`.
enum class NpyShape { matrix, vector };
void write_table(const std::string& file, const std::vector<std::string>& names,
                 const std::vector<double>& rows, DType type, NpyShape shape = NpyShape::matrix);

}  // namespace odeum::cli
