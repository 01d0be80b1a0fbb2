// SPDX-License-Identifier: Apache-2.0
#include "steps/convolution.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

namespace odeum::cpu {
namespace {

template <class T>
class ConvolutionStep final : public Step {
 public:
  ConvolutionStep(ConvolutionSpec spec, const ProductKernels<T>& table)
      : s_(std::move(spec)),
        table_(table),
        taps_(s_.c_in * s_.window.kernel[0] * s_.window.kernel[1]),
        places_(s_.out_height * s_.out_width),
        taps_padded_(ceil_div(taps_, table.lanes) * table.lanes),
        places_padded_(ceil_div(places_, table.lanes) * table.lanes) {}

  // All images of a weight gradient without rows add into one result.
  std::int64_t units(std::int64_t rows) const override {
    if (s_.rowful) return rows;
    return s_.role == ConvolutionRole::weight_gradient ? 1 : s_.images;
  }
  std::int64_t grain(std::int64_t) const override { return 1; }
  bool sharded() const override { return s_.rowful && s_.role == ConvolutionRole::weight_gradient; }
  std::size_t scratch(std::int64_t) const override {
    const std::int64_t unfolded = std::max(taps_ * places_padded_, places_ * taps_padded_);
    return padded(static_cast<std::size_t>(unfolded + s_.c_out * places_padded_) * sizeof(T)) +
           kPadding;
  }
  double work(std::int64_t rows) const override {
    return static_cast<double>(taps_ * places_ * s_.c_out) *
           static_cast<double>(s_.images * (s_.rowful ? rows : 1)) / 16.0;
  }

  void run(const Context& context, std::int64_t begin, std::int64_t end) const override {
    const bool together = !s_.rowful && s_.role == ConvolutionRole::weight_gradient;
    const std::int64_t unit = s_.rowful || together ? s_.images : 1;
    if (together && s_.images == 0) std::fill_n(context.at<T>(s_.w), s_.c_out * taps_, T(0));
    for (std::int64_t image = begin * unit; image < end * unit; ++image) {
      switch (s_.role) {
        case ConvolutionRole::forward:
          forward(context, image);
          break;
        case ConvolutionRole::input_gradient:
          input_gradient(context, image);
          break;
        case ConvolutionRole::weight_gradient:
          weight_gradient(context, image, s_.rowful || image > 0);
          break;
      }
    }
  }

 private:
  const T* x(const Context& c, std::int64_t image) const {
    return c.at<T>(s_.x, image * s_.c_in * s_.height * s_.width);
  }
  T* y(const Context& c, std::int64_t image) const {
    return c.at<T>(s_.y, image * s_.c_out * places_);
  }

  /// Calls visit(tap, place, element of the image) for every place inside the image.
  template <class Visit>
  void windows(Visit&& visit) const {
    std::int64_t tap = 0;
    for (std::int64_t channel = 0; channel < s_.c_in; ++channel) {
      for (std::int64_t i = 0; i < s_.window.kernel[0]; ++i) {
        for (std::int64_t j = 0; j < s_.window.kernel[1]; ++j, ++tap) {
          for (std::int64_t oi = 0; oi < s_.out_height; ++oi) {
            const std::int64_t row =
                oi * s_.window.stride[0] - s_.window.pad_before[0] + i * s_.window.dilation[0];
            if (row < 0 || row >= s_.height) continue;
            const std::int64_t line = (channel * s_.height + row) * s_.width;
            for (std::int64_t oj = 0; oj < s_.out_width; ++oj) {
              const std::int64_t column =
                  oj * s_.window.stride[1] - s_.window.pad_before[1] + j * s_.window.dilation[1];
              if (column >= 0 && column < s_.width)
                visit(tap, oi * s_.out_width + oj, line + column);
            }
          }
        }
      }
    }
  }

  void forward(const Context& context, std::int64_t image) const {
    T* columns = reinterpret_cast<T*>(context.scratch);
    std::fill_n(columns, taps_ * places_padded_, T(0));
    const T* from = x(context, image);
    windows([&](std::int64_t tap, std::int64_t place, std::int64_t at) {
      columns[tap * places_padded_ + place] = from[at];
    });
    table_.product({s_.c_out, places_, taps_, context.at<T>(s_.w), taps_, 1, columns, table_.panel,
                    places_padded_, y(context, image), places_, false, T(1)});
  }

  void input_gradient(const Context& context, std::int64_t image) const {
    T* columns = reinterpret_cast<T*>(context.scratch);
    T* dy = columns + taps_ * places_padded_;
    const T* from = y(context, image);
    for (std::int64_t c = 0; c < s_.c_out; ++c) {
      std::copy_n(from + c * places_, places_, dy + c * places_padded_);
      std::fill_n(dy + c * places_padded_ + places_, places_padded_ - places_, T(0));
    }
    table_.product({taps_, places_, s_.c_out, context.at<T>(s_.w), 1, taps_, dy, table_.panel,
                    places_padded_, columns, places_padded_, false, T(1)});
    T* to = context.at<T>(s_.x, image * s_.c_in * s_.height * s_.width);
    std::fill_n(to, s_.c_in * s_.height * s_.width, T(0));
    windows([&](std::int64_t tap, std::int64_t place, std::int64_t at) {
      to[at] += columns[tap * places_padded_ + place];
    });
  }

  void weight_gradient(const Context& context, std::int64_t image, bool grows) const {
    T* rows = reinterpret_cast<T*>(context.scratch);
    std::fill_n(rows, places_ * taps_padded_, T(0));
    const T* from = x(context, image);
    windows([&](std::int64_t tap, std::int64_t place, std::int64_t at) {
      rows[place * taps_padded_ + tap] = from[at];
    });
    double scale = s_.scale;
    for (const int slot : s_.scalars) scale *= static_cast<double>(*context.at<T>(slot));
    table_.product({s_.c_out, taps_, places_, y(context, image), places_, 1, rows, table_.panel,
                    taps_padded_, context.at<T>(s_.w), taps_, grows, static_cast<T>(scale)});
  }

  ConvolutionSpec s_;
  const ProductKernels<T>& table_;
  std::int64_t taps_, places_, taps_padded_, places_padded_;
};

}  // namespace

std::unique_ptr<Step> make_convolution(ConvolutionSpec spec, const Kernels& kernels) {
  if (spec.type == DType::f32)
    return std::make_unique<ConvolutionStep<float>>(std::move(spec), kernels.f32);
  return std::make_unique<ConvolutionStep<double>>(std::move(spec), kernels.f64);
}

}  // namespace odeum::cpu
