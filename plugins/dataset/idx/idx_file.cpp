// SPDX-License-Identifier: Apache-2.0
#include "idx_file.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>

#include "../source.hpp"

namespace odeum::datasets {
namespace {

constexpr std::uint8_t kUnsignedBytes = 0x08;
// No image set comes near; products of extents below it cannot overflow.
constexpr std::int64_t kMostBytes = std::int64_t{1} << 40;

std::string shown(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += (text.empty() ? "" : " ") + std::string(hex);
  }
  return text;
}

std::string shown(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t extent : shape)
    text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

std::int64_t big_endian(const std::string& bytes, std::size_t at) {
  std::int64_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

IdxArray read_idx(const std::string& path, const std::vector<int>& ranks, const std::string& what) {
  const std::string bytes = read_bytes(path);
  const Place place{path, 0, 0};
  if (bytes.size() < 4) {
    throw wrong(place, "is no IDX file: it has " + std::to_string(bytes.size()) + " bytes");
  }
  if (bytes[0] != 0 || bytes[1] != 0) {
    throw wrong(place, "is no IDX file: it starts with " + shown(bytes.substr(0, 4)) +
                           ", and the first two bytes must be zero");
  }
  if (static_cast<std::uint8_t>(bytes[2]) != kUnsignedBytes) {
    throw wrong(place, "holds values of IDX type 0x" + shown(bytes.substr(2, 1)) +
                           "; unsigned bytes (0x08) are wanted");
  }
  const int rank = static_cast<unsigned char>(bytes[3]);
  if (std::find(ranks.begin(), ranks.end(), rank) == ranks.end()) {
    throw wrong(place, "has " + std::to_string(rank) + " dimensions; wanted are " + what);
  }
  const std::size_t header = 4 + 4 * static_cast<std::size_t>(rank);
  if (bytes.size() < header) throw wrong(place, "ends within its header");
  IdxArray array;
  std::int64_t size = 1;
  for (int axis = 0; axis < rank; ++axis) {
    array.shape.push_back(big_endian(bytes, 4 + 4 * static_cast<std::size_t>(axis)));
    if (array.shape.back() == 0)
      throw wrong(place, "is empty: dimension " + std::to_string(axis) + " is 0");
    if (array.shape.back() > kMostBytes / size) {
      throw wrong(place, "its header says " + shown(array.shape) + " ..., which cannot be");
    }
    size *= array.shape.back();
  }
  const auto wanted = header + static_cast<std::size_t>(size);
  if (bytes.size() != wanted) {
    throw wrong(place, "is " + std::string(bytes.size() < wanted ? "truncated" : "too long") +
                           ": its header says " + shown(array.shape) + ", " +
                           std::to_string(wanted) + " bytes in all, and it has " +
                           std::to_string(bytes.size()));
  }
  array.values.assign(bytes.begin() + static_cast<std::ptrdiff_t>(header), bytes.end());
  return array;
}

}  // namespace odeum::datasets
