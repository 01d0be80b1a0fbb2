// SPDX-License-Identifier: Apache-2.0
// Safetensors: named arrays in one file, readable without running anything.
// Source: https://github.com/huggingface/safetensors, section "Format": eight bytes of header
// length, a JSON header of {name: {dtype, shape, data_offsets}}, the data without gaps.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "io/array.hpp"

namespace odeum::io {

struct Safetensors {
  std::map<std::string, Array> arrays;  ///< written in the order of their names
  std::map<std::string, std::string> metadata;

  /// The array of that name; a ConfigError names `file` when it is not there.
  const Array& array(const std::string& name, const std::filesystem::path& file) const;
};

/// Equal contents give equal bytes.
std::string encode_safetensors(const Safetensors& contents);

/// Reads F32, F64 and I64. A ConfigError naming `file` says what is malformed: a header longer
/// than the file, offsets outside the data, with gaps or overlaps, or that do not fit the shape.
Safetensors decode_safetensors(std::string_view bytes, const std::filesystem::path& file);

Safetensors read_safetensors(const std::filesystem::path& file);
/// Atomically (io/file.hpp).
void write_safetensors(const std::filesystem::path& file, const Safetensors& contents);

}  // namespace odeum::io
