// SPDX-License-Identifier: Apache-2.0
// Arrays of bytes in the IDX format (MNIST's): two zero bytes, the type, the number of dimensions,
// each extent as a big-endian 32-bit number, then the values, row-major.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace odeum::datasets {

struct IdxArray {
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> values;
};

/// The file, unpacked where it is gzipped. ConfigError at the file: it cannot be read, starts with
/// another magic number, holds another type than unsigned bytes, has another number of dimensions
/// than `ranks` allows (said as `what`), or fewer or more bytes than its header says.
IdxArray read_idx(const std::string& path, const std::vector<int>& ranks, const std::string& what);

}  // namespace odeum::datasets
