// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy files, format versions 1 to 3.
// Source: numpy.lib.format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "io/array.hpp"

namespace odeum::io {

/// The bytes of a version 1 file in C order.
std::string encode_npy(const Array& array);

/// Reads float16 to float64, signed and unsigned integers up to 64 bits, booleans; either byte
/// order, C or Fortran order. The result is row-major: float32 and float64 keep their type,
/// float16 becomes float32, integers and booleans become int64. A ConfigError naming `file` says
/// what is malformed or unsupported (structured types, objects, strings, uint64 beyond int64).
Array decode_npy(std::string_view bytes, const std::filesystem::path& file);

Array read_npy(const std::filesystem::path& file);
void write_npy(const std::filesystem::path& file, const Array& array);

}  // namespace odeum::io
