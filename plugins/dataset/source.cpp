// SPDX-License-Identifier: Apache-2.0
#include "source.hpp"

#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace odeum::datasets {

std::string read_bytes(const std::string& path) {
  const Place place{path, 0, 0};
  errno = 0;
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), &gzclose);
  if (!file) throw wrong(place, std::string("cannot be opened: ") + std::strerror(errno));
  std::string bytes;
  std::vector<char> chunk(std::size_t{1} << 20);
  int count = 0;
  while ((count = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()))) > 0) {
    bytes.append(chunk.data(), static_cast<std::size_t>(count));
  }
  int code = Z_OK;
  const char* reason = gzerror(file.get(), &code);
  if (count == 0 && code == Z_OK) return bytes;
  const std::string after = " after " + std::to_string(bytes.size()) + " unpacked bytes";
  if (code == Z_ERRNO) throw wrong(place, std::string("cannot be read: ") + std::strerror(errno));
  if (code == Z_BUF_ERROR) throw wrong(place, "its gzip data end too early," + after);
  throw wrong(place, std::string("does not unpack: ") + reason + "," + after);
}

}  // namespace odeum::datasets
