// SPDX-License-Identifier: Apache-2.0
#include "io/npy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "odeum/error.hpp"

namespace odeum::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A file as NumPy 1.x writes it, by the format's description.
std::string npy(const std::string& dictionary, const std::string& data) {
  std::string header = dictionary;
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + data;
}

template <class T>
std::string raw(std::initializer_list<T> values) {
  std::string bytes;
  for (const T v : values) {
    bytes.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  return bytes;
}

std::string refusal(const std::string& bytes) {
  try {
    decode_npy(bytes, "data.npy");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Npy, ReadsBackWhatItWrites) {
  for (const DType type : {DType::f32, DType::f64, DType::i64}) {
    const std::vector<double> numbers{0, 1, -2, 3, 4096, -5};
    for (const std::vector<std::int64_t>& shape :
         {std::vector<std::int64_t>{6}, {2, 3}, {1, 6, 1}}) {
      const Array array = make_array(type, shape, numbers);
      EXPECT_EQ(decode_npy(encode_npy(array), "x.npy"), array);
      EXPECT_THAT(values(array), testing::ElementsAreArray(numbers));
    }
  }
}

TEST(Npy, ReadsBackScalarsAndEmptyArrays) {
  const Array scalar = make_array(DType::f64, {}, std::vector<double>{0.1});
  EXPECT_EQ(decode_npy(encode_npy(scalar), "x.npy"), scalar);
  const Array empty = make_array(DType::f32, {0, 3}, {});
  EXPECT_EQ(decode_npy(encode_npy(empty), "x.npy"), empty);
}

TEST(Npy, WritesTheHeaderThatNumpyWrites) {
  // numpy.save of numpy.array([[1, 2]], dtype='<f4'), format version 1.0.
  const std::string expected =
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", raw<float>({1, 2}));
  EXPECT_EQ(encode_npy(make_array(DType::f32, {1, 2}, std::vector<double>{1, 2})), expected);
  const std::string vector =
      npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", raw<std::int64_t>({1, 2}));
  EXPECT_EQ(encode_npy(make_array(DType::i64, {2}, std::vector<double>{1, 2})), vector);
}

TEST(Npy, ReadsSmallIntegersOfEitherSignAndByteOrder) {
  EXPECT_THAT(
      values(decode_npy(
          npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", "\x01\xff"), "x")),
      ElementsAre(1, 255));
  EXPECT_THAT(
      values(decode_npy(
          npy("{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", "\x01\xff"), "x")),
      ElementsAre(1, -1));
  EXPECT_THAT(values(decode_npy(npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }",
                                    std::string("\x01\x02\xff\xfe", 4)),
                                "x")),
              ElementsAre(258, -2));
  EXPECT_THAT(values(decode_npy(npy("{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }",
                                    std::string("\x3f\xf8\0\0\0\0\0\0", 8)),
                                "x")),
              ElementsAre(1.5));
  EXPECT_THAT(values(decode_npy(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }",
                                    std::string("\0\x01", 2)),
                                "x")),
              ElementsAre(0, 1));
}

TEST(Npy, ReadsHalfPrecision) {
  // IEEE 754 binary16: 1, -2, the largest (65504), the smallest subnormal (2^-24), infinity.
  const std::string bytes = npy("{'descr': '<f2', 'fortran_order': False, 'shape': (5,), }",
                                raw<std::uint16_t>({0x3C00, 0xC000, 0x7BFF, 0x0001, 0x7C00}));
  EXPECT_THAT(values(decode_npy(bytes, "x")), ElementsAre(1.0, -2.0, 65504.0, std::ldexp(1.0, -24),
                                                          std::numeric_limits<double>::infinity()));
}

TEST(Npy, TurnsFortranOrderIntoRows) {
  // The columns of [[1, 2, 3], [4, 5, 6]] one after another.
  const std::string bytes = npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }",
                                raw<double>({1, 4, 2, 5, 3, 6}));
  EXPECT_THAT(values(decode_npy(bytes, "x")), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Npy, EveryTruncationIsRefusedWithTheFileName) {
  const std::string whole = encode_npy(make_array(DType::f64, {3}, std::vector<double>{1, 2, 3}));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(refusal(whole.substr(0, size)), HasSubstr("data.npy")) << size;
  }
  EXPECT_THAT(refusal(whole + "x"), HasSubstr("1 bytes behind its data"));
}

TEST(Npy, MalformedHeadersAreRefusedWithAReason) {
  EXPECT_THAT(refusal("not an array"), HasSubstr("is not a .npy file"));
  const auto header = [](const std::string& text) { return refusal(npy(text, "")); };
  EXPECT_THAT(header("{'descr': '<f8', 'fortran_order': False}"), HasSubstr("without descr"));
  EXPECT_THAT(header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"),
              HasSubstr("elements of type '<c8'"));
  EXPECT_THAT(header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }"),
              HasSubstr("structured type"));
  EXPECT_THAT(header("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,), }"),
              HasSubstr("neither True nor False"));
  EXPECT_THAT(header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"),
              HasSubstr("bad shape"));
  EXPECT_THAT(
      header("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 8), }"),
      HasSubstr("no memory holds"));
  EXPECT_THAT(header("{'descr': '<f8"), HasSubstr("a string does not end"));
}

TEST(Npy, AnUnsignedIntegerBeyondTheSignedRangeIsRefused) {
  EXPECT_THAT(refusal(npy("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }",
                          raw<std::uint64_t>({1ULL << 63}))),
              HasSubstr("does not fit"));
}

}  // namespace
}  // namespace odeum::io
