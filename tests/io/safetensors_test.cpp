// SPDX-License-Identifier: Apache-2.0
#include "io/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "odeum/error.hpp"

namespace odeum::io {
namespace {

using testing::HasSubstr;

Safetensors example() {
  Safetensors contents;
  contents.arrays["weight"] = make_array(DType::f32, {2, 2}, std::vector<double>{1, 2, 3, 0.1});
  contents.arrays["bias"] = make_array(DType::f64, {2}, std::vector<double>{0.1, -1e300});
  contents.arrays["steps"] = make_array(DType::i64, {}, std::vector<double>{7});
  contents.arrays["nothing"] = make_array(DType::f32, {0}, {});
  contents.metadata["name"] = "an \"example\"\n\xc3\xa9";
  return contents;
}

std::string file(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string refusal(const std::string& bytes) {
  try {
    decode_safetensors(bytes, "model.safetensors");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Safetensors, ReadsBackWhatItWrites) {
  const Safetensors contents = example();
  const Safetensors read = decode_safetensors(encode_safetensors(contents), "x");
  EXPECT_EQ(read.arrays, contents.arrays);
  EXPECT_EQ(read.metadata, contents.metadata);
}

TEST(Safetensors, EqualContentsGiveEqualBytes) {
  Safetensors other;
  for (const char* name : {"weight", "nothing", "bias", "steps"}) {
    other.arrays[name] = example().arrays.at(name);
  }
  other.metadata = example().metadata;
  EXPECT_EQ(encode_safetensors(example()), encode_safetensors(other));
}

TEST(Safetensors, WritesTheLayoutOfTheFormatsDescription) {
  Safetensors contents;
  contents.arrays["a"] = make_array(DType::f32, {1}, std::vector<double>{1});
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(encode_safetensors(contents), file(padded, std::string("\0\0\x80\x3f", 4)));
}

TEST(Safetensors, DataBeginAtAMultipleOfEight) {
  const std::string bytes = encode_safetensors(example());
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0U);
}

TEST(Safetensors, EveryTruncationIsRefusedWithTheFileName) {
  const std::string whole = encode_safetensors(example());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(refusal(whole.substr(0, size)), HasSubstr("model.safetensors")) << size;
  }
  EXPECT_THAT(refusal(whole + "abc"), HasSubstr("3 bytes behind its data"));
}

TEST(Safetensors, AHeaderLengthBeyondTheFileIsRefused) {
  EXPECT_THAT(refusal(std::string(8, '\xff') + "{}"), HasSubstr("ends inside the header"));
}

TEST(Safetensors, OffsetsThatDoNotFitAreRefused) {
  const auto one = [](const std::string& entry) {
    return refusal(file("{\"a\":" + entry + "}", std::string(8, '\0')));
  };
  EXPECT_THAT(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})"),
              HasSubstr("its offsets span 4 bytes, its shape needs 8"));
  EXPECT_THAT(one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), HasSubstr("gap"));
  EXPECT_THAT(one(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})"),
              HasSubstr("promises 16 bytes"));
  EXPECT_THAT(one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), HasSubstr("malformed"));
  EXPECT_THAT(one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), HasSubstr("bad shape"));
  EXPECT_THAT(one(R"({"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]})"),
              HasSubstr("no memory holds"));
  EXPECT_THAT(one(R"({"dtype":"BF16","shape":[4],"data_offsets":[0,8]})"), HasSubstr("BF16"));
  EXPECT_THAT(one(R"({"shape":[4]})"), HasSubstr("malformed entry 'a'"));
  EXPECT_THAT(one("7"), HasSubstr("malformed entry 'a'"));
}

TEST(Safetensors, OverlappingArraysAreRefused) {
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
  EXPECT_THAT(refusal(file(header, std::string(8, '\0'))), HasSubstr("overlap before 'b'"));
}

TEST(Safetensors, AHeaderThatIsNoJsonIsRefused) {
  EXPECT_THAT(refusal(file("{\"a\":", "")), HasSubstr("is not JSON"));
  EXPECT_THAT(refusal(file("[]", "")), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(file(R"({"__metadata__":{"a":1}})", "")), HasSubstr("no string"));
}

}  // namespace
}  // namespace odeum::io
