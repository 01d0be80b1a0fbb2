// SPDX-License-Identifier: Apache-2.0
// cuDNN: convolutions and their two gradients.
//
// Of the algorithms that it proposes for a shape, fastest first, the first is taken that gives the
// same bits in every run, multiplies entries themselves (transforms, Winograd's or Fourier's, lose
// digits that float32 has), rounds no more than `rounding` allows and fits the workspace.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "kernelgen/library_convolution.hpp"
#include "rounding.hpp"
#include "stream.hpp"

namespace odeum::cuda {

/// Empty where cuDNN can be opened, else why not.
std::string why_no_convolutions();

class Convolutions {
 public:
  /// RunError where the library or one of its functions is missing.
  Convolutions(std::shared_ptr<Stream> stream, Rounding rounding);
  ~Convolutions();
  Convolutions(const Convolutions&) = delete;
  Convolutions& operator=(const Convolutions&) = delete;

  void convolve(const kernelgen::LibraryConvolution& convolution, std::int64_t rows,
                CUdeviceptr first, CUdeviceptr second, CUdeviceptr result);

 private:
  struct Library;
  struct Prepared;
  using Sizes = std::array<std::int64_t, 17>;

  Prepared& prepared(const kernelgen::LibraryConvolution& convolution, std::int64_t images);

  std::shared_ptr<Stream> stream_;
  Rounding rounding_;
  std::unique_ptr<Library> library_;
  std::map<Sizes, std::unique_ptr<Prepared>> prepared_;
};

}  // namespace odeum::cuda
