// SPDX-License-Identifier: Apache-2.0
// Arrays in NumPy's file format, versions 1.0 to 3.0 (numpy.lib.format): magic, version, length of
// the header, a Python dictionary of `descr`, `fortran_order` and `shape`, then the values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace odeum::datasets {

struct NpyArray {
  std::int64_t rows = 0;
  std::vector<std::int64_t> row_shape;  ///< extents behind the first
  std::vector<double> values;           ///< row-major, finite
};

/// Reads u1, f4, f8, i4, i8, little-endian, in C order. ConfigError at the file: no NumPy file, a
/// header that cannot be understood, another type or order, no rows, more or fewer bytes than
/// the header announces, a value that is not finite (with its index, counted from 0).
NpyArray read_npy(const std::string& path);

}  // namespace odeum::datasets
