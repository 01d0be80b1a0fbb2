// SPDX-License-Identifier: Apache-2.0
// Kernels of Winograd's convolution F(4x4, 3x3): Lavin, Gray, Fast Algorithms for Convolutional
// Neural Networks, CVPR 2016, arXiv 1509.09308, eqs. (12) to (16). Pixels have L channels
// innermost, L the lanes of a vector; frequencies are 36 matrices that product kernels multiply.
#pragma once

#include <cstdint>

namespace odeum::cpu {

/// A part of an image [channels, height, width] and its copy [channels / L, rows, columns, L].
/// What lies outside of the image is zero in the copy; so are channels up to the next multiple
/// of L.
template <class T>
struct ImageBlocks {
  T* image = nullptr;
  std::int64_t channels = 0, height = 0, width = 0;
  std::int64_t row = 0, column = 0;  ///< of the image, at the copy's first; may be negative
  std::int64_t rows = 0, columns = 0;
  T* blocks = nullptr;
};

/// Pixels [blocks, rows, columns, L] of tiles_y * tiles_x tiles, 4 apart, and their frequencies
/// [36][tile][blocks * L], of which each stands `stride` behind the one before.
template <class T>
struct WinogradTiles {
  std::int64_t blocks = 0, tiles_y = 0, tiles_x = 0;
  T* pixels = nullptr;
  T* frequencies = nullptr;
  std::int64_t stride = 0;
};

/// Filters of 3 x 3 by strides and their frequencies.
template <class T>
struct WinogradFilters {
  std::int64_t out = 0, in = 0;  ///< channels
  T* weights = nullptr;
  std::int64_t out_stride = 0, in_stride = 0;
  bool flipped = false;
  T* frequencies = nullptr;
  std::int64_t stride = 0;
};

template <class T>
struct WinogradKernels {
  void (*gather)(const ImageBlocks<T>&) = nullptr;
  void (*scatter)(const ImageBlocks<T>&) = nullptr;  ///< back, from row and column >= 0 on
  /// 6 x 6 pixels of every tile, which overlap by 2: pixels have 4 * tiles + 2 rows and columns.
  void (*input)(const WinogradTiles<T>&) = nullptr;
  /// From 4 x 4 pixels of every tile; the transpose of `output`.
  void (*cotangent)(const WinogradTiles<T>&) = nullptr;
  /// To 4 x 4 pixels of every tile. False if some are not finite.
  bool (*output)(const WinogradTiles<T>&) = nullptr;
  /// To 36 matrices [in, out] in the panels of ProductKernels.
  void (*filters)(const WinogradFilters<T>&) = nullptr;
  /// From 36 matrices [out, in], rows padded to vectors, to contiguous filters [out, in, 3, 3].
  /// False if some are not finite.
  bool (*weights)(const WinogradFilters<T>&) = nullptr;
};

}  // namespace odeum::cpu
