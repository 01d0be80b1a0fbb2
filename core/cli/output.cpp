// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include "io/file.hpp"
#include "io/npy.hpp"
#include "odeum/error.hpp"

namespace odeum::cli {
namespace {

std::string number(double value, DType type) {
  char text[64];
  const auto [end, error] = type == DType::f32
                                ? std::to_chars(text, text + sizeof text, static_cast<float>(value))
                                : std::to_chars(text, text + sizeof text, value);
  return {text, end};
}

/// In quotes where a reader would take it for something else.
std::string quoted(const std::string& name) {
  if (name.find_first_of(",\"") == std::string::npos) return name;
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

}  // namespace

void require_writable(const std::string& option, const std::string& file) {
  const std::filesystem::path path = file;
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const std::string start = option + " " + file + ": ";
  if (!std::filesystem::is_directory(folder)) {
    throw ConfigError(start + "there is no folder " + folder.string());
  }
  if (::access(folder.c_str(), W_OK) != 0) {
    throw ConfigError(start + "the folder " + folder.string() +
                      " cannot be written to: " + std::generic_category().message(errno));
  }
}

void require_table_file(const std::string& file) {
  const std::filesystem::path path = file;
  if (path.extension() != ".npy" && path.extension() != ".csv") {
    throw ConfigError("-o " + file + ": the name has to end in .npy or .csv");
  }
  require_writable("-o", file);
}

void write_table(const std::string& file, const std::vector<std::string>& names,
                 const std::vector<double>& rows, DType type, NpyShape shape) {
  const std::size_t columns = names.size();
  if (columns == 0) bug("write_table: a table without columns");
  if (std::filesystem::path(file).extension() == ".npy") {
    std::vector<std::int64_t> extents{static_cast<std::int64_t>(rows.size() / columns)};
    if (shape == NpyShape::matrix) extents.push_back(static_cast<std::int64_t>(columns));
    io::write_npy(file, io::make_array(type, extents, rows));
    return;
  }
  std::string text;
  for (std::size_t c = 0; c < columns; ++c) text += (c == 0 ? "" : ",") + quoted(names[c]);
  text += '\n';
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += number(rows[i], type);
    text += (i + 1) % columns == 0 ? '\n' : ',';
  }
  io::write_atomically(file, text);
}

}  // namespace odeum::cli
