// SPDX-License-Identifier: Apache-2.0
// Small image files in the formats of the published sets, made from nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/tool.hpp"
#include "odeum/random.hpp"

namespace odeum::testing_tool {

/// Bytes that are the same in every run.
inline std::string image_bytes(std::size_t count, std::uint64_t key) {
  RandomStream random(key, 0);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.word() & 0xFF);
  return bytes;
}

/// An IDX file of the given extents.
inline void write_idx(const fs::path& file, const std::vector<std::uint32_t>& shape) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  std::size_t count = 1;
  for (const std::uint32_t extent : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(extent >> shift & 0xFF);
    count *= extent;
  }
  fs::create_directories(file.parent_path());
  write(file, bytes + image_bytes(count, count));
}

/// A data folder as the configurations under configs/images name it.
inline void write_image_folder(const fs::path& folder) {
  for (const char* split : {"train", "t10k"})
    write_idx(folder / "mnist" / (std::string(split) + "-images-idx3-ubyte.gz"), {8, 28, 28});
  for (const char* split : {"train", "valid"}) {
    const std::string name = std::string(split) + "-images-idx4-ubyte";
    write_idx(folder / "imagenet64" / name, {2, 3, 64, 64});
    write_idx(folder / "celeba-hq256" / name, {2, 3, 256, 256});
  }
  const fs::path cifar = folder / "cifar-10-batches-bin";
  fs::create_directories(cifar);
  for (const char* name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                           "data_batch_5", "test_batch"}) {
    std::string records;
    for (std::uint64_t i = 0; i < 2; ++i) {
      records += static_cast<char>(i);
      records += image_bytes(3072, i + 1);
    }
    write(cifar / (std::string(name) + ".bin"), records);
  }
}

}  // namespace odeum::testing_tool
