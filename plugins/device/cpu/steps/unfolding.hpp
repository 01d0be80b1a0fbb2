// SPDX-License-Identifier: Apache-2.0
// Convolution by matrix products over unfolded images, for every window and type: what each tap of
// the filter sees is a row of a matrix. Of the two ways - unfold, then multiply; multiply, then
// fold - the shapes decide: with one output channel the second moves a sixty-fourth.
#pragma once

#include <cstddef>
#include <cstdint>

#include "steps/convolution.hpp"

namespace odeum::cpu {

template <class T>
class Unfolding {
 public:
  Unfolding(const ConvolutionSpec& spec, const ProductKernels<T>& table);

  std::size_t scratch() const { return scratch_; }  ///< bytes
  /// Images [begin, end); `scratch` is aligned to kPadding. A weight gradient overwrites its result
  /// unless the spec has rows.
  void run(const Context& context, std::int64_t begin, std::int64_t end, std::byte* scratch) const;
  /// Multiplications of one image.
  double products() const;

 private:
  /// Along one side, place k of the unfolded grid sees element (k * times + shift(tap)) / over of
  /// the source.
  struct Reach {
    std::int64_t times = 1, over = 1, first = 0, step = 0;
    std::int64_t shift(std::int64_t tap) const { return first + step * tap; }
  };
  struct Planes {
    std::int64_t channels = 0, height = 0, width = 0;
    std::int64_t size() const { return height * width; }
  };

  template <bool add>
  static void line(const Reach& reach, std::int64_t tap, const T* from, std::int64_t m, T* to,
                   std::int64_t n);
  std::int64_t source_row(std::int64_t place, std::int64_t tap) const;
  void unfold(const T* from, std::int64_t row, std::int64_t rows, std::int64_t pitch, T* to) const;
  void fold(const T* from, std::int64_t pitch, T* to) const;
  const T* ordered_weights(const T* w, T* to) const;
  void multiply_unfolded(const T* w, const T* from, T* to, T* scratch) const;
  void fold_multiplied(const T* w, const T* from, T* to, T* scratch) const;
  void weight_gradient(const Context& context, std::int64_t begin, std::int64_t end,
                       T* scratch) const;
  std::int64_t padded_columns(std::int64_t n) const {
    return ceil_div(n, table_.lanes) * table_.lanes;
  }
  void choose_sides();
  void make_room();

  ConvolutionSpec s_;
  const ProductKernels<T>& table_;
  std::int64_t taps_ = 1;
  Planes from_, to_;  ///< of the unfolding; a weight gradient multiplies by planes like `to_`
  Reach reach_[2];
  bool folds_ = false, turned_ = false;  ///< turned: y is the side that is unfolded
  bool packs_unfolded_ = false;          ///< else a weight gradient packs the other side
  std::int64_t strip_ = 1;               ///< rows of `to_` that are unfolded at once
  std::int64_t weights_ = 0, matrix_ = 0, other_ = 0;  ///< elements of scratch
  std::size_t scratch_ = 0;
};

extern template class Unfolding<float>;
extern template class Unfolding<double>;

}  // namespace odeum::cpu
