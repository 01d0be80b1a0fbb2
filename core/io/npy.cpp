// SPDX-License-Identifier: Apache-2.0
#include "io/npy.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "io/file.hpp"
#include "odeum/error.hpp"

namespace odeum::io {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// The header is a Python dictionary literal with three keys; this reads that and no more.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::filesystem::path& file)
      : text_(text), file_(file) {}

  Header read() {
    Header header;
    bool descr = false;
    bool order = false;
    bool shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        if (peek() != '\'' && peek() != '"') fail("holds a structured type");
        header.descr = quoted();
        descr = true;
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
        order = true;
      } else if (key == "shape") {
        header.shape = tuple();
        shape = true;
      } else {
        fail("has the unknown header key '" + key + "'");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!descr || !order || !shape) fail("has a header without descr, fortran_order or shape");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ConfigError(Place{file_.string()}, what);
  }
  char peek() {
    while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_]) != nullptr) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) {
      fail("has a malformed .npy header: expected '" + std::string(1, c) + "' at character " +
           std::to_string(at_));
    }
  }
  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("has a malformed .npy header: expected a string");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("has a malformed .npy header: a string does not end");
    std::string result(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return result;
  }
  bool boolean() {
    peek();
    for (const auto& [word, value] : {std::pair{"True", true}, std::pair{"False", false}}) {
      if (text_.substr(at_, std::strlen(word)) == word) {
        at_ += std::strlen(word);
        return value;
      }
    }
    fail("has a malformed .npy header: fortran_order is neither True nor False");
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> result;
    expect('(');
    while (!accept(')')) {
      peek();
      std::int64_t extent = 0;
      const char* begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0) fail("has a malformed .npy header: a bad shape");
      at_ += static_cast<std::size_t>(end - begin);
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // written by Python 2
      result.push_back(extent);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return result;
  }

  std::string_view text_;
  const std::filesystem::path& file_;
  std::size_t at_ = 0;
};

/// float16: sign, 5 bits of exponent, 10 of mantissa.
float from_half(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const auto mantissa = static_cast<float>(bits & 1023);
  float magnitude = 0.0F;
  if (exponent == 31) {
    magnitude = mantissa == 0.0F ? std::numeric_limits<float>::infinity()
                                 : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, -24);
  } else {
    magnitude = std::ldexp(1024.0F + mantissa, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

struct ElementType {
  char kind = 'f';  ///< f, i, u, b
  std::size_t size = 8;
  bool swapped = false;
};

std::optional<ElementType> element_type(const std::string& descr) {
  if (descr.size() != 3) return std::nullopt;
  ElementType type{descr[1], static_cast<std::size_t>(descr[2] - '0'), descr[0] == '>'};
  if (std::strchr("<>|=", descr[0]) == nullptr) return std::nullopt;
  const bool known = (type.kind == 'f' && (type.size == 2 || type.size == 4 || type.size == 8)) ||
                     ((type.kind == 'i' || type.kind == 'u') &&
                      (type.size == 1 || type.size == 2 || type.size == 4 || type.size == 8)) ||
                     (type.kind == 'b' && type.size == 1);
  if (!known) return std::nullopt;
  return type;
}

std::int64_t to_integer(const ElementType& type, std::uint64_t raw,
                        const std::filesystem::path& file) {
  if (type.kind == 'i') {
    const unsigned shift = 64U - 8U * static_cast<unsigned>(type.size);
    return static_cast<std::int64_t>(raw << shift) >> shift;
  }
  if (raw > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    throw ConfigError(Place{file.string()},
                      "holds an integer that does not fit into 64 signed bits");
  }
  return static_cast<std::int64_t>(raw);
}

template <class T>
void put(std::vector<std::byte>& to, std::int64_t index, T value) {
  std::memcpy(to.data() + static_cast<std::size_t>(index) * sizeof(T), &value, sizeof(T));
}

/// Row-major position of the element that stands at column-major position `from`.
std::int64_t from_column_major(std::int64_t from, const std::vector<std::int64_t>& shape) {
  std::int64_t to = 0;
  std::int64_t stride = 1;
  for (const std::int64_t extent : shape) stride *= extent;
  for (const std::int64_t extent : shape) {
    stride /= extent;
    to += (from % extent) * stride;
    from /= extent;
  }
  return to;
}

}  // namespace

std::string encode_npy(const Array& array) {
  const char* descr = array.dtype == DType::f32 ? "<f4" : array.dtype == DType::f64 ? "<f8" : "<i8";
  std::string header = std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (";
  for (const std::int64_t extent : array.shape) header += std::to_string(extent) + ", ";
  if (array.shape.size() == 1) header.pop_back();
  if (array.shape.size() > 1) header.erase(header.size() - 2);
  header += "), }";
  // Data begins at a multiple of 64, as NumPy writes it.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes(kMagic);
  bytes += {'\x01', '\x00', static_cast<char>(header.size() & 255),
            static_cast<char>(header.size() >> 8)};
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
  return bytes;
}

Array decode_npy(std::string_view bytes, const std::filesystem::path& file) {
  const auto fail = [&](const std::string& what) { throw ConfigError(Place{file.string()}, what); };
  if (bytes.substr(0, kMagic.size()) != kMagic) fail("is not a .npy file");
  if (bytes.size() < 10) fail("is truncated: it ends inside the header");
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i]));
  };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) fail("has the unknown .npy version " + std::to_string(version));
  const std::size_t start = version == 1 ? 10 : 12;
  if (bytes.size() < start) fail("is truncated: it ends inside the header");
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (bytes.size() - start < length) fail("is truncated: it ends inside the header");
  const Header header = HeaderReader(bytes.substr(start, length), file).read();
  const auto type = element_type(header.descr);
  if (!type) {
    fail("holds elements of type '" + header.descr +
         "'; floats of 16 to 64 bits, integers and booleans can be read");
  }

  const std::string_view data = bytes.substr(start + length);
  std::uint64_t wanted = type->size;
  for (const std::int64_t extent : header.shape) {
    if (__builtin_mul_overflow(wanted, static_cast<std::uint64_t>(extent), &wanted)) {
      fail("claims a shape that no memory holds");
    }
  }
  if (data.size() < wanted) {
    fail("is truncated: the header promises " + std::to_string(wanted) + " bytes of data, " +
         std::to_string(data.size()) + " are there");
  }
  if (data.size() > wanted)
    fail("has " + std::to_string(data.size() - wanted) + " bytes behind its data");

  const bool floating = type->kind == 'f';
  Array array{!floating ? DType::i64 : type->size == 8 ? DType::f64 : DType::f32, header.shape, {}};
  array.bytes.resize(static_cast<std::size_t>(array.elements()) * size_of(array.dtype));
  for (std::int64_t i = 0; i < array.elements(); ++i) {
    std::uint64_t raw = 0;
    std::memcpy(&raw, data.data() + static_cast<std::size_t>(i) * type->size, type->size);
    if (type->swapped)
      raw = __builtin_bswap64(raw) >> (64U - 8U * static_cast<unsigned>(type->size));
    const std::int64_t to = header.fortran_order ? from_column_major(i, header.shape) : i;
    if (!floating) {
      put(array.bytes, to, to_integer(*type, raw, file));
    } else if (type->size == 2) {
      put(array.bytes, to, from_half(static_cast<std::uint16_t>(raw)));
    } else if (type->size == 4) {
      put(array.bytes, to, static_cast<std::uint32_t>(raw));
    } else {
      put(array.bytes, to, raw);
    }
  }
  return array;
}

Array read_npy(const std::filesystem::path& file) { return decode_npy(read_file(file), file); }

void write_npy(const std::filesystem::path& file, const Array& array) {
  write_atomically(file, encode_npy(array));
}

}  // namespace odeum::io
