// SPDX-License-Identifier: Apache-2.0
#include "report/picture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <cmath>

namespace odeum::report {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(Base64, IsThatOfTheStandard) {
  // RFC 4648, section 10.
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

TEST(HeatMap, HasItsFirstRowAtTheBottomAndOneColourForWhatIsNotFinite) {
  const Picture map = heat_map(std::vector<double>{0.0, 1.0, std::nan(""), 0.5}, 2, 2);
  const auto at = [&](std::size_t x, std::size_t y) {
    return Bytes(map.rgb.begin() + static_cast<std::ptrdiff_t>(3 * (2 * y + x)),
                 map.rgb.begin() + static_cast<std::ptrdiff_t>(3 * (2 * y + x) + 3));
  };
  EXPECT_EQ(at(0, 1), (Bytes{68, 1, 84}));  // viridis' ends
  EXPECT_EQ(at(1, 1), (Bytes{253, 231, 37}));
  EXPECT_EQ(at(0, 0), (Bytes{68, 1, 84}));
  EXPECT_EQ(at(1, 0), (Bytes{33, 144, 141}));  // and its middle
}

TEST(ImageGrid, PlacesGreyAndColouredImagesSideBySide) {
  const Picture grey = image_grid(std::vector<double>{0, 255, 300, -5}, {1, 1, 2}, 8, 0, 255);
  EXPECT_EQ(grey.width, 5);  // two images of two pixels and a margin
  EXPECT_EQ(grey.height, 1);
  EXPECT_EQ(grey.rgb, (Bytes{0, 0, 0, 255, 255, 255, 128, 128, 128, 255, 255, 255, 0, 0, 0}));
  const Picture coloured = image_grid(std::vector<double>{1, 0, 0.5}, {3, 1, 1}, 8, 0, 1);
  EXPECT_EQ(coloured.rgb, (Bytes{255, 0, 128}));
}

TEST(EncodePng, ReadsBackToTheSamePixels) {
  const Picture picture = enlarged({2, 1, {10, 20, 30, 40, 50, 60}}, 2);
  const std::string bytes = encode_png(picture);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()), 0);
  image.format = PNG_FORMAT_RGB;
  Bytes read(PNG_IMAGE_SIZE(image));
  ASSERT_NE(png_image_finish_read(&image, nullptr, read.data(), 0, nullptr), 0);
  EXPECT_EQ(image.width, 4U);
  EXPECT_EQ(image.height, 2U);
  EXPECT_EQ(read, picture.rgb);
  EXPECT_EQ(Bytes(read.begin(), read.begin() + 12),
            (Bytes{10, 20, 30, 10, 20, 30, 40, 50, 60, 40, 50, 60}));
}

}  // namespace
}  // namespace odeum::report
