// SPDX-License-Identifier: Apache-2.0
#include "npy_file.hpp"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "../source.hpp"
#include "odeum/error.hpp"

namespace odeum::datasets {
namespace {

static_assert(std::endian::native == std::endian::little,
              "values are copied as they stand in the file");

struct Header {
  std::string type;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
  std::string shape_text;
  std::size_t end = 0;  ///< where the values begin
};

/// What stands behind 'key': in the dictionary, spaces skipped.
std::string_view value_of(std::string_view dictionary, const std::string& key, const Place& place) {
  const std::size_t at = dictionary.find("'" + key + "'");
  const std::size_t colon = at == std::string_view::npos ? at : dictionary.find(':', at);
  const std::size_t value =
      colon == std::string_view::npos ? colon : dictionary.find_first_not_of(' ', colon + 1);
  if (value == std::string_view::npos) throw wrong(place, "its header has no '" + key + "'");
  return dictionary.substr(value);
}

std::vector<std::int64_t> extents(std::string_view tuple, const Place& place) {
  std::vector<std::int64_t> result;
  std::int64_t extent = -1;
  for (const char c : tuple) {
    if (c >= '0' && c <= '9') {
      extent = (extent < 0 ? 0 : extent) * 10 + (c - '0');
      if (extent > (std::int64_t{1} << 48)) break;
    } else if (extent >= 0) {
      result.push_back(extent);
      extent = -1;
    }
  }
  if (extent >= 0)
    throw wrong(place, "its header announces the impossible shape " + std::string(tuple));
  return result;
}

Header parse_header(const std::string& bytes, const Place& place) {
  const std::string_view magic("\x93NUMPY", 6);
  if (bytes.compare(0, magic.size(), magic) != 0) {
    throw wrong(place, bytes.empty()
                           ? "the file is empty"
                           : "is no NumPy array file (its first bytes are not \\x93NUMPY)");
  }
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i]));
  };
  const std::size_t version = bytes.size() > 6 ? byte(6) : 1;
  if (version < 1 || version > 3) {
    throw wrong(
        place, "is of version " + std::to_string(version) + " of NumPy's format; 1 to 3 are known");
  }
  const std::size_t fixed = version == 1 ? 10 : 12;
  std::size_t length = 0;
  if (bytes.size() >= fixed) {
    for (std::size_t i = fixed; i-- > 8;) length = length << 8 | byte(i);
  }
  if (bytes.size() < fixed || bytes.size() - fixed < length) {
    throw wrong(place, "ends within its header, after " + std::to_string(bytes.size()) + " bytes");
  }
  const std::string_view dictionary = std::string_view(bytes).substr(fixed, length);

  Header header;
  header.end = fixed + length;
  const std::string_view type = value_of(dictionary, "descr", place);
  if (type.front() != '\'')
    throw wrong(place, "holds records of several types; arrays of one type are read");
  header.type = type.substr(1, type.find('\'', 1) - 1);
  header.fortran_order = value_of(dictionary, "fortran_order", place).rfind("True", 0) == 0;
  const std::string_view shape = value_of(dictionary, "shape", place);
  const std::size_t close = shape.find(')');
  if (shape.front() != '(' || close == std::string_view::npos) {
    throw wrong(place, "its header's shape is no tuple: " + std::string(shape));
  }
  header.shape_text = shape.substr(0, close + 1);
  header.shape = extents(shape.substr(0, close + 1), place);
  return header;
}

std::size_t size_of_type(const std::string& type, const Place& place) {
  if (type == "|u1" || type == "<u1" || type == "u1") return 1;
  if (type == "<f4" || type == "<i4") return 4;
  if (type == "<f8" || type == "<i8") return 8;
  throw wrong(place,
              "holds values of type '" + type +
                  "'; u1, f4, f8, i4, i8 (little-endian) are read: convert it with numpy's astype");
}

template <class T>
void copy_values(const char* from, std::vector<double>& to) {
  for (double& value : to) {
    T raw;
    std::memcpy(&raw, from, sizeof(T));
    from += sizeof(T);
    value = static_cast<double>(raw);
  }
}

void convert(const std::string& type, const char* from, std::vector<double>& to) {
  if (type == "<f4") return copy_values<float>(from, to);
  if (type == "<f8") return copy_values<double>(from, to);
  if (type == "<i4") return copy_values<std::int32_t>(from, to);
  if (type == "<i8") return copy_values<std::int64_t>(from, to);
  copy_values<std::uint8_t>(from, to);
}

/// "[12, 3]" of a flat position.
std::string index_text(std::int64_t flat, const std::vector<std::int64_t>& shape) {
  std::string text = "]";
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    text.insert(0, (axis == 0 ? "[" : ", ") + std::to_string(flat % shape[axis]));
    flat /= shape[axis];
  }
  return text;
}

}  // namespace

NpyArray read_npy(const std::string& path) {
  const Place place{path, 0, 0};
  const std::string bytes = read_bytes(path);
  const Header header = parse_header(bytes, place);
  const std::size_t item = size_of_type(header.type, place);
  if (header.fortran_order && header.shape.size() > 1) {
    throw wrong(place, "is in Fortran order; save numpy.ascontiguousarray of it");
  }
  if (header.shape.empty()) throw wrong(place, "holds a single number, shape (); rows are needed");

  // As a double: a product that does not fit 64 bits is far beyond any file's size.
  double announced = static_cast<double>(item);
  for (const std::int64_t extent : header.shape) announced *= static_cast<double>(extent);
  const std::size_t present = bytes.size() - header.end;
  if (announced != static_cast<double>(present)) {
    const std::string needed =
        announced < 1e15 ? std::to_string(static_cast<std::int64_t>(announced)) : "over 1e15";
    throw wrong(
        place,
        "shape " + header.shape_text + " of type '" + header.type + "' takes " + needed +
            " bytes, and " + std::to_string(present) + " follow the header: the file is " +
            (announced > static_cast<double>(present) ? "truncated" : "longer than it says"));
  }
  if (present == 0) throw wrong(place, "has no values: its shape is " + header.shape_text);

  NpyArray array;
  array.rows = header.shape.front();
  array.row_shape.assign(header.shape.begin() + 1, header.shape.end());
  array.values.resize(present / item);
  convert(header.type, bytes.data() + header.end, array.values);
  for (std::size_t i = 0; i < array.values.size(); ++i) {
    if (!std::isfinite(array.values[i])) {
      throw wrong(place, "the value at " + index_text(static_cast<std::int64_t>(i), header.shape) +
                             " is " + std::to_string(array.values[i]) + "; all must be finite");
    }
  }
  return array;
}

}  // namespace odeum::datasets
