// SPDX-License-Identifier: Apache-2.0
#include "report/picture.hpp"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "odeum/error.hpp"

namespace odeum::report {
namespace {

// Nine of viridis' 256 colours, equally far apart; the eye does not see the difference to
// interpolation between all of them.
constexpr std::array<std::array<double, 3>, 9> kViridis{{{68, 1, 84},
                                                         {71, 44, 122},
                                                         {59, 81, 139},
                                                         {44, 113, 142},
                                                         {33, 144, 141},
                                                         {39, 173, 129},
                                                         {92, 200, 99},
                                                         {170, 220, 50},
                                                         {253, 231, 37}}};

void set(Picture& picture, int x, int y, const std::array<std::uint8_t, 3>& colour) {
  std::copy(colour.begin(), colour.end(),
            picture.rgb.begin() + 3 * (static_cast<std::ptrdiff_t>(y) * picture.width + x));
}

std::uint8_t byte(double share) {
  if (!(share > 0.0)) return 0;
  return static_cast<std::uint8_t>(std::lround(255.0 * std::min(share, 1.0)));
}

Picture blank(int width, int height, std::uint8_t grey) {
  return {width, height,
          std::vector<std::uint8_t>(
              3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height), grey)};
}

}  // namespace

std::array<std::uint8_t, 3> viridis(double share) {
  const double at = (kViridis.size() - 1) * std::clamp(share, 0.0, 1.0);
  const std::size_t below = std::min(static_cast<std::size_t>(at), kViridis.size() - 2);
  const double part = at - static_cast<double>(below);
  std::array<std::uint8_t, 3> colour{};
  for (std::size_t c = 0; c < 3; ++c) {
    colour[c] = static_cast<std::uint8_t>(
        std::lround((1.0 - part) * kViridis[below][c] + part * kViridis[below + 1][c]));
  }
  return colour;
}

Picture heat_map(std::span<const double> values, int width, int height) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  Picture picture = blank(width, height, 0);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double value =
          values[static_cast<std::size_t>(height - 1 - y) * static_cast<std::size_t>(width) +
                 static_cast<std::size_t>(x)];
      const bool shown = std::isfinite(value) && high > low;
      set(picture, x, y, viridis(shown ? (value - low) / (high - low) : 0.0));
    }
  }
  return picture;
}

Picture image_grid(std::span<const double> images, const ImageShape& shape, int columns, double low,
                   double high) {
  const auto plane = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  const std::size_t size = plane * static_cast<std::size_t>(shape.channels);
  const int count = static_cast<int>(images.size() / size);
  columns = std::max(1, std::min(columns, count));
  const int rows = (count + columns - 1) / columns;
  Picture picture =
      blank(columns * (shape.width + 1) - 1, std::max(1, rows * (shape.height + 1) - 1), 128);
  for (int i = 0; i < count; ++i) {
    const double* image = images.data() + static_cast<std::size_t>(i) * size;
    for (int y = 0; y < shape.height; ++y) {
      for (int x = 0; x < shape.width; ++x) {
        const double* pixel = image + y * shape.width + x;
        std::array<std::uint8_t, 3> colour{};
        for (std::size_t c = 0; c < 3; ++c) {
          const double value = pixel[shape.channels == 3 ? c * plane : 0];
          colour[c] = byte((value - low) / (high - low));
        }
        set(picture, (i % columns) * (shape.width + 1) + x, (i / columns) * (shape.height + 1) + y,
            colour);
      }
    }
  }
  return picture;
}

Picture enlarged(const Picture& picture, int factor) {
  Picture result = blank(picture.width * factor, picture.height * factor, 0);
  for (int y = 0; y < result.height; ++y) {
    for (int x = 0; x < result.width; ++x) {
      const std::uint8_t* from =
          picture.rgb.data() +
          3 * (static_cast<std::ptrdiff_t>(y / factor) * picture.width + x / factor);
      set(result, x, y, {from[0], from[1], from[2]});
    }
  }
  return result;
}

std::string encode_png(const Picture& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = 0;
  const auto write = [&](void* to) {
    if (png_image_write_to_memory(&image, to, &size, 0, picture.rgb.data(), 0, nullptr) == 0) {
      throw RunError(std::string("a picture cannot be written as PNG: ") + image.message);
    }
  };
  write(nullptr);
  std::string bytes(size, '\0');
  write(bytes.data());
  bytes.resize(size);
  return bytes;
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const bool padding = i + k > bytes.size();
      text += padding ? '=' : kDigits[group >> (18 - 6 * k) & 63U];
    }
  }
  return text;
}

}  // namespace odeum::report
