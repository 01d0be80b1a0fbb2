// SPDX-License-Identifier: Apache-2.0
#include "io/safetensors.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "io/file.hpp"
#include "io/json.hpp"
#include "odeum/error.hpp"

namespace odeum::io {
namespace {

constexpr const char* kMetadata = "__metadata__";

const char* type_name(DType type) {
  return type == DType::f32 ? "F32" : type == DType::f64 ? "F64" : "I64";
}

std::optional<DType> type_of(const std::string& name) {
  if (name == "F32") return DType::f32;
  if (name == "F64") return DType::f64;
  if (name == "I64") return DType::i64;
  return std::nullopt;
}

struct Slot {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file) {}

  Safetensors read(std::string_view bytes) const {
    if (bytes.size() < 8) fail("is truncated: it ends inside the header's length");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    if (length > bytes.size() - 8)
      fail("is truncated or no safetensors file: it ends inside the header");
    const Json header = parse_json(bytes.substr(8, length), file_);
    if (!header.is_object()) fail("has a header that is no JSON object");
    const std::string_view data = bytes.substr(8 + length);

    Safetensors contents;
    std::vector<Slot> slots;
    for (const auto& [name, value] : header.items()) {
      if (name == kMetadata) {
        contents.metadata = metadata(value);
      } else {
        slots.push_back(slot(name, value));
      }
    }
    check_coverage(slots, data.size());
    for (const Slot& s : slots) {
      Array array{s.dtype, s.shape, {}};
      array.bytes.resize(s.end - s.begin);
      if (!array.bytes.empty())
        std::memcpy(array.bytes.data(), data.data() + s.begin, s.end - s.begin);
      if (!contents.arrays.emplace(s.name, std::move(array)).second) {
        fail("has the array '" + s.name + "' twice");
      }
    }
    return contents;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ConfigError(Place{file_.string()}, what);
  }

  std::map<std::string, std::string> metadata(const Json& value) const {
    if (!value.is_object()) fail("has metadata that is no JSON object");
    std::map<std::string, std::string> result;
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("has the metadata '" + key + "' that is no string");
      result[key] = text.get<std::string>();
    }
    return result;
  }

  Slot slot(const std::string& name, const Json& value) const {
    const std::string what = "has a malformed entry '" + name + "'";
    if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string() ||
        !value.contains("shape") || !value["shape"].is_array() || !value.contains("data_offsets") ||
        !value["data_offsets"].is_array() || value["data_offsets"].size() != 2) {
      fail(what);
    }
    Slot s;
    s.name = name;
    const auto type = type_of(value["dtype"].get<std::string>());
    if (!type) {
      fail("holds '" + name + "' of type " + value["dtype"].get<std::string>() +
           "; F32, F64 and I64 can be read");
    }
    s.dtype = *type;
    std::uint64_t size = size_of(s.dtype);
    for (const Json& extent : value["shape"]) {
      if (!extent.is_number_unsigned()) fail(what + ": a bad shape");
      s.shape.push_back(extent.get<std::int64_t>());
      if (s.shape.back() < 0 || __builtin_mul_overflow(size, extent.get<std::uint64_t>(), &size)) {
        fail(what + ": a shape that no memory holds");
      }
    }
    for (const Json& offset : value["data_offsets"]) {
      if (!offset.is_number_unsigned()) fail(what + ": a bad offset");
    }
    s.begin = value["data_offsets"][0].get<std::uint64_t>();
    s.end = value["data_offsets"][1].get<std::uint64_t>();
    if (s.end < s.begin || s.end - s.begin != size) {
      fail(what + ": its offsets span " + std::to_string(s.end - s.begin) +
           " bytes, its shape needs " + std::to_string(size));
    }
    return s;
  }

  /// The data is covered exactly once.
  void check_coverage(std::vector<Slot> slots, std::uint64_t size) const {
    std::sort(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t at = 0;
    for (const Slot& s : slots) {
      if (s.begin != at) fail("has a gap or an overlap before '" + s.name + "'");
      at = s.end;
    }
    if (at > size) {
      fail("is truncated: the header promises " + std::to_string(at) + " bytes of data, " +
           std::to_string(size) + " are there");
    }
    if (at < size) fail("has " + std::to_string(size - at) + " bytes behind its data");
  }

  const std::filesystem::path& file_;
};

}  // namespace

const Array& Safetensors::array(const std::string& name, const std::filesystem::path& file) const {
  const auto found = arrays.find(name);
  if (found == arrays.end()) throw ConfigError(Place{file.string()}, "has no array '" + name + "'");
  return found->second;
}

std::string encode_safetensors(const Safetensors& contents) {
  Json header = Json::object();
  if (!contents.metadata.empty()) {
    Json& metadata = header[kMetadata] = Json::object();
    for (const auto& [key, text] : contents.metadata) metadata[key] = text;
  }
  std::uint64_t offset = 0;
  for (const auto& [name, array] : contents.arrays) {
    if (array.bytes.size() != static_cast<std::size_t>(array.elements()) * size_of(array.dtype)) {
      bug("safetensors: the array '" + name + "' has " + std::to_string(array.bytes.size()) +
          " bytes");
    }
    const std::uint64_t end = offset + array.bytes.size();
    header[name] = {
        {"dtype", type_name(array.dtype)}, {"shape", array.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = to_line(header);
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the data is aligned to 8 bytes
  const std::uint64_t length = text.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  bytes.reserve(8 + text.size() + offset);
  bytes += text;
  for (const auto& [name, array] : contents.arrays) {
    bytes.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
  }
  return bytes;
}

Safetensors decode_safetensors(std::string_view bytes, const std::filesystem::path& file) {
  return Reader(file).read(bytes);
}

Safetensors read_safetensors(const std::filesystem::path& file) {
  return decode_safetensors(read_file(file), file);
}

void write_safetensors(const std::filesystem::path& file, const Safetensors& contents) {
  write_atomically(file, encode_safetensors(contents));
}

}  // namespace odeum::io
