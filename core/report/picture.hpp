// SPDX-License-Identifier: Apache-2.0
// Pictures of pixels: maps of numbers, grids of images, and their PNG files.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace odeum::report {

struct Picture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;  ///< rows from the top, three bytes a pixel
};

/// Of the scale viridis (N. Smith, S. van der Walt, matplotlib, CC0), share from 0 to 1.
std::array<std::uint8_t, 3> viridis(double share);

/// Numbers of a grid, rows from the bottom, coloured from the smallest to the largest finite one;
/// what is not finite is the lowest colour.
Picture heat_map(std::span<const double> values, int width, int height);

/// Images side by side, `columns` in a row, a pixel of margin between them. Each has `channels`
/// (1 or 3) planes of height by width numbers; `low` is black, `high` white.
struct ImageShape {
  int channels = 1;
  int height = 0;
  int width = 0;
};
Picture image_grid(std::span<const double> images, const ImageShape& shape, int columns, double low,
                   double high);

/// Every pixel as a square of `factor` by `factor`.
Picture enlarged(const Picture& picture, int factor);

/// The bytes of a PNG file. RunError: libpng's message.
std::string encode_png(const Picture& picture);

/// For data: URLs (RFC 4648).
std::string base64(std::string_view bytes);

}  // namespace odeum::report
