// SPDX-License-Identifier: Apache-2.0
// How fast matrix products alone run here: the floor below which a workload's time cannot come
// without cheaper products.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "odeum/device.hpp"

namespace odeum::bench {

/// One product of a layer with `rows` samples, weights [out, in]; or a 3 x 3 convolution of images
/// of `side` x `side` with zeros around.
struct Product {
  /// forward: x W'; input_cotangent: g W; weight_cotangent: g' x, a sum over rows.
  enum class Role : std::uint8_t { forward, input_cotangent, weight_cotangent };
  Role role = Role::forward;
  std::int64_t rows = 1, out = 1, in = 1;
  std::int64_t side = 0;  ///< 0: a product of matrices

  double flop() const {
    const std::int64_t positions = side == 0 ? 1 : 9 * side * side;
    return 2.0 * static_cast<double>(rows * out * in * positions);
  }
};

/// GFLOP/s of the product as a program of its own on the device, several in a program where they
/// are short.
double device_rate(Device& device, const Product& product, double seconds);

/// A BLAS library's cblas_sgemm, called single-threaded on tiles of rows from threads of its own.
class Blas {
 public:
  /// Throws RunError where the file has no such function.
  explicit Blas(const std::string& library);
  /// GFLOP/s of `threads` threads at once, each with its share of the rows; the best of several
  /// tile heights. A sum over rows is left in a part a thread.
  double rate(const Product& product, int threads, double seconds) const;

  enum class Layout : std::uint8_t { narrow, wide };  ///< 32- or 64-bit extents
  void multiply(const Product& tile, const float* a, const float* b, float* c) const;

 private:
  void* function_ = nullptr;
  Layout layout_ = Layout::narrow;
};

/// GFLOP/s of fused multiply-adds of float32 in registers on `threads` threads.
double peak_rate(int threads, double seconds);

}  // namespace odeum::bench
