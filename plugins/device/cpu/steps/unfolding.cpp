// SPDX-License-Identifier: Apache-2.0
#include "steps/unfolding.hpp"

#include <algorithm>

namespace odeum::cpu {
namespace {

/// Unfolded elements that stay in the second-level cache.
constexpr std::int64_t kStrip = 65536;
/// What moving an element costs, in multiply-adds of the product kernels; measured on 64 channels.
constexpr double kUnfold = 8.0, kFold = 20.0, kPack = 16.0;

}  // namespace

template <class T>
Unfolding<T>::Unfolding(const ConvolutionSpec& spec, const ProductKernels<T>& table)
    : s_(spec), table_(table), taps_(spec.window.kernel[0] * spec.window.kernel[1]) {
  choose_sides();
  make_room();
}

template <class T>
double Unfolding<T>::products() const {
  return static_cast<double>(taps_ * s_.c_in * s_.c_out) *
         static_cast<double>(folds_ ? from_.size() : to_.size());
}

template <class T>
void Unfolding<T>::choose_sides() {
  const Planes x{s_.c_in, s_.height, s_.width}, y{s_.c_out, s_.out_height, s_.out_width};
  const auto t = static_cast<double>(taps_);
  const auto cost = [&](const Planes& moved, const Planes& kept, std::int64_t grid, double move,
                        double keep) {
    const auto places = static_cast<double>(grid);
    const auto a = static_cast<double>(moved.channels), b = static_cast<double>(kept.channels);
    return places * (t * a * b + move * t * a + keep * b);
  };
  if (s_.role == ConvolutionRole::weight_gradient) {
    turned_ = cost(y, x, x.size(), kUnfold, kPack) < cost(x, y, y.size(), kUnfold, kPack);
  } else {
    turned_ = s_.role == ConvolutionRole::input_gradient;
    const Planes &a = turned_ ? y : x, &b = turned_ ? x : y;
    folds_ = cost(b, a, a.size(), kFold, 0) < cost(a, b, b.size(), kUnfold, 0);
  }
  from_ = turned_ ? y : x;
  to_ = turned_ ? x : y;
  for (std::size_t side = 0; side < 2; ++side) {
    const std::int64_t stride = s_.window.stride[side], dilation = s_.window.dilation[side];
    const std::int64_t pad = s_.window.pad_before[side];
    reach_[side] = turned_ ? Reach{1, stride, pad, -dilation} : Reach{stride, 1, -pad, dilation};
  }
}

template <class T>
void Unfolding<T>::make_room() {
  const std::int64_t depth = from_.channels * taps_;
  strip_ = std::clamp<std::int64_t>(kStrip / std::max<std::int64_t>(1, depth * to_.width), 1,
                                    std::max<std::int64_t>(1, to_.height));
  const std::int64_t columns = padded_columns(strip_ * to_.width);
  if (s_.role == ConvolutionRole::weight_gradient) {
    weights_ = s_.c_in * s_.c_out * taps_;
    matrix_ = depth * columns;
    packs_unfolded_ = depth < to_.channels;
    const std::int64_t packed = packs_unfolded_ ? depth : to_.channels;
    other_ = ceil_div(packed, table_.panel) * table_.panel * columns;
  } else {
    // Strides walk through w in the order that is wanted, but for these two ways.
    const bool reorders = taps_ > 1 && folds_ != turned_;
    weights_ = reorders ? s_.c_in * s_.c_out * taps_ : 0;
    matrix_ = folds_ ? to_.channels * taps_ * padded_columns(from_.size()) : depth * columns;
    other_ = folds_ ? from_.channels * padded_columns(from_.size()) : 0;
  }
  const auto bytes = [](std::int64_t n) {
    return padded(static_cast<std::size_t>(n) * sizeof(T)) + kPadding;
  };
  scratch_ = bytes(weights_) + bytes(matrix_) + bytes(other_);
}

template <class T>
template <bool add>
void Unfolding<T>::line(const Reach& reach, std::int64_t tap, const T* from, std::int64_t m, T* to,
                        std::int64_t n) {
  const std::int64_t shift = reach.shift(tap);
  if (reach.over == 1) {
    const std::int64_t a = reach.times;
    const std::int64_t first = std::clamp<std::int64_t>(shift < 0 ? ceil_div(-shift, a) : 0, 0, n);
    const std::int64_t last =
        std::clamp<std::int64_t>(m > shift ? ceil_div(m - shift, a) : 0, first, n);
    if constexpr (!add) {
      std::fill(to, to + first, T(0));
      std::fill(to + last, to + n, T(0));
    }
    if (a == 1) {
      from += shift;
      for (std::int64_t k = first; k < last; ++k) to[k] = add ? to[k] + from[k] : from[k];
      return;
    }
    for (std::int64_t k = first; k < last; ++k) {
      const T value = from[k * a + shift];
      to[k] = add ? to[k] + value : value;
    }
    return;
  }
  if constexpr (!add) std::fill(to, to + n, T(0));
  std::int64_t k = std::max<std::int64_t>(0, -shift);
  while ((k + shift) % reach.over != 0) ++k;
  for (std::int64_t at = (k + shift) / reach.over; k < n && at < m; k += reach.over, ++at)
    to[k] = add ? to[k] + from[at] : from[at];
}

/// The row of the source that a tap sees from a row of the grid, or -1.
template <class T>
std::int64_t Unfolding<T>::source_row(std::int64_t place, std::int64_t tap) const {
  const std::int64_t at = place * reach_[0].times + reach_[0].shift(tap);
  if (at < 0 || at % reach_[0].over != 0 || at / reach_[0].over >= from_.height) return -1;
  return at / reach_[0].over;
}

template <class T>
void Unfolding<T>::unfold(const T* from, std::int64_t row, std::int64_t rows, std::int64_t pitch,
                          T* to) const {
  for (std::int64_t c = 0; c < from_.channels; ++c, from += from_.size()) {
    for (std::int64_t i = 0; i < s_.window.kernel[0]; ++i) {
      for (std::int64_t j = 0; j < s_.window.kernel[1]; ++j, to += pitch) {
        for (std::int64_t r = 0; r < rows; ++r) {
          const std::int64_t source = source_row(row + r, i);
          T* at = to + r * to_.width;
          if (source < 0) {
            std::fill_n(at, to_.width, T(0));
          } else {
            line<false>(reach_[1], j, from + source * from_.width, from_.width, at, to_.width);
          }
        }
        std::fill(to + rows * to_.width, to + pitch, T(0));
      }
    }
  }
}

template <class T>
void Unfolding<T>::fold(const T* from, std::int64_t pitch, T* to) const {
  std::fill_n(to, to_.channels * to_.size(), T(0));
  for (std::int64_t c = 0; c < to_.channels; ++c, to += to_.size()) {
    for (std::int64_t i = 0; i < s_.window.kernel[0]; ++i) {
      for (std::int64_t j = 0; j < s_.window.kernel[1]; ++j, from += pitch) {
        for (std::int64_t r = 0; r < to_.height; ++r) {
          const std::int64_t source = source_row(r, i);
          if (source < 0) continue;
          line<true>(reach_[1], j, from + source * from_.width, from_.width, to + r * to_.width,
                     to_.width);
        }
      }
    }
  }
}

/// w as [to's channels, from's channels, taps], or for folding as [to's channels, taps, from's
/// channels].
template <class T>
const T* Unfolding<T>::ordered_weights(const T* w, T* to) const {
  if (weights_ == 0) return w;
  const std::int64_t in = turned_ ? s_.c_in * taps_ : taps_;
  const std::int64_t out = turned_ ? taps_ : s_.c_in * taps_;
  T* at = to;
  for (std::int64_t b = 0; b < to_.channels; ++b) {
    if (folds_) {
      for (std::int64_t t = 0; t < taps_; ++t) {
        for (std::int64_t a = 0; a < from_.channels; ++a) *at++ = w[b * out + a * in + t];
      }
    } else {
      for (std::int64_t a = 0; a < from_.channels; ++a) {
        for (std::int64_t t = 0; t < taps_; ++t) *at++ = w[b * out + a * in + t];
      }
    }
  }
  return to;
}

template <class T>
void Unfolding<T>::multiply_unfolded(const T* w, const T* from, T* to, T* scratch) const {
  const std::int64_t depth = from_.channels * taps_;
  std::int64_t a_m = depth, a_k = 1;
  if (weights_ == 0 && turned_) {  // one tap: w [from, to]
    a_m = 1;
    a_k = s_.c_in;
  }
  for (std::int64_t row = 0; row < to_.height; row += strip_) {
    const std::int64_t rows = std::min(strip_, to_.height - row);
    const std::int64_t pitch = padded_columns(rows * to_.width);
    unfold(from, row, rows, pitch, scratch);
    table_.product({to_.channels, rows * to_.width, depth, w, a_m, a_k, scratch, table_.panel,
                    pitch, to + row * to_.width, to_.size(), false, T(1)});
  }
}

template <class T>
void Unfolding<T>::fold_multiplied(const T* w, const T* from, T* to, T* scratch) const {
  const std::int64_t pitch = padded_columns(from_.size());
  T* matrix = scratch;
  if (pitch != from_.size()) {
    T* copy = scratch + padded_columns(matrix_) + table_.lanes;
    for (std::int64_t c = 0; c < from_.channels; ++c) {
      std::copy_n(from + c * from_.size(), from_.size(), copy + c * pitch);
      std::fill_n(copy + c * pitch + from_.size(), pitch - from_.size(), T(0));
    }
    from = copy;
  }
  std::int64_t a_m = from_.channels, a_k = 1;
  if (weights_ == 0 && turned_) {  // w [from, to, taps]
    a_m = 1;
    a_k = s_.c_in * taps_;
  }
  table_.product({to_.channels * taps_, from_.size(), from_.channels, w, a_m, a_k, from,
                  table_.panel, pitch, matrix, pitch, false, T(1)});
  fold(matrix, pitch, to);
}

template <class T>
void Unfolding<T>::weight_gradient(const Context& context, std::int64_t begin, std::int64_t end,
                                   T* scratch) const {
  T* sums = scratch;  // [from's channels, taps, to's channels], or where packed the transpose
  T* matrix = sums + padded_columns(weights_) + table_.lanes;
  T* other = matrix + padded_columns(matrix_) + table_.lanes;
  const std::int64_t depth = from_.channels * taps_;
  std::fill_n(sums, weights_, T(0));
  for (std::int64_t image = begin; image < end; ++image) {
    const T* x = context.at<T>(s_.x, image * s_.c_in * s_.height * s_.width);
    const T* y = context.at<T>(s_.y, image * s_.c_out * s_.out_height * s_.out_width);
    for (std::int64_t row = 0; row < to_.height; row += strip_) {
      const std::int64_t rows = std::min(strip_, to_.height - row), columns = rows * to_.width;
      const std::int64_t pitch = padded_columns(columns);
      unfold(turned_ ? y : x, row, rows, pitch, matrix);
      // The side with fewer channels is turned into panels.
      const T* kept = (turned_ ? x : y) + row * to_.width;
      if (packs_unfolded_) {
        table_.pack(columns, depth, matrix, 1, pitch, other);
        table_.product({to_.channels, depth, columns, kept, to_.size(), 1, other,
                        columns * table_.panel, table_.panel, sums, depth, true, T(1)});
      } else {
        table_.pack(columns, to_.channels, kept, 1, to_.size(), other);
        table_.product({depth, to_.channels, columns, matrix, pitch, 1, other,
                        columns * table_.panel, table_.panel, sums, to_.channels, true, T(1)});
      }
    }
  }
  const T alpha = s_.alpha<T>(context);
  const std::int64_t from_stride = turned_ ? s_.c_in * taps_ : taps_;
  const std::int64_t to_stride = turned_ ? taps_ : s_.c_in * taps_;
  T* w = context.at<T>(s_.w);
  for (std::int64_t b = 0; b < to_.channels; ++b) {
    for (std::int64_t a = 0; a < from_.channels; ++a) {
      T* at = w + b * to_stride + a * from_stride;
      const T* sum =
          sums + (packs_unfolded_ ? b * depth + a * taps_ : a * taps_ * to_.channels + b);
      const std::int64_t step = packs_unfolded_ ? 1 : to_.channels;
      for (std::int64_t t = 0; t < taps_; ++t)
        at[t] = (s_.rowful ? at[t] : T(0)) + alpha * sum[t * step];
    }
  }
}

template <class T>
void Unfolding<T>::run(const Context& context, std::int64_t begin, std::int64_t end,
                       std::byte* bytes) const {
  T* scratch = reinterpret_cast<T*>(bytes);
  if (s_.role == ConvolutionRole::weight_gradient) {
    weight_gradient(context, begin, end, scratch);
    return;
  }
  const T* w = ordered_weights(context.at<T>(s_.w), scratch);
  scratch += padded_columns(weights_) + table_.lanes;
  for (std::int64_t image = begin; image < end; ++image) {
    T* x = context.at<T>(s_.x, image * s_.c_in * s_.height * s_.width);
    T* y = context.at<T>(s_.y, image * s_.c_out * s_.out_height * s_.out_width);
    T *from = turned_ ? y : x, *to = turned_ ? x : y;
    if (folds_) {
      fold_multiplied(w, from, to, scratch);
    } else {
      multiply_unfolded(w, from, to, scratch);
    }
  }
}

template class Unfolding<float>;
template class Unfolding<double>;

}  // namespace odeum::cpu
