// SPDX-License-Identifier: Apache-2.0
#include "steps/winograd.hpp"

#include <algorithm>

namespace odeum::cpu {
namespace {

constexpr std::int64_t kFrequencies = 36;
/// Frequencies of a strip's sources and results: about what the second-level cache holds beside
/// some of the filters'. Measured from 140 to 910 KiB on 32 to 256 channels: flat from here on.
constexpr std::int64_t kStrip = std::int64_t{680} << 8U;
/// Tiles of a strip at least: a block of rows of the product kernels, or as many as make going once
/// through the matrices of a weight gradient worth while.
constexpr std::int64_t kFewestTiles = 6, kFewestGradientTiles = 48;
/// Channels below which the transforms cost more than the products save.
constexpr std::int64_t kFewestChannels = 12;

std::int64_t rounded(std::int64_t n, int lanes) { return ceil_div(n, lanes) * lanes; }

/// Frequencies of filters stand apart by this; a vector more than their size keeps them out of the
/// same lines of the first-level cache.
std::int64_t filter_stride(const ConvolutionSpec& spec, const ProductKernels<float>& table) {
  const bool turned = spec.role == ConvolutionRole::input_gradient;
  const std::int64_t out = turned ? spec.c_in : spec.c_out, in = turned ? spec.c_out : spec.c_in;
  return rounded(out, table.panel) * in + table.lanes;
}

class FilterStep final : public Step {
 public:
  FilterStep(const ConvolutionSpec& spec, const Kernels& kernels)
      : s_(spec), kernels_(kernels), stride_(filter_stride(spec, kernels.f32)) {}
  // Panels of output channels, but whole ones: a panel is what `filters` starts at.
  std::int64_t units(std::int64_t) const override { return ceil_div(out(), kernels_.f32.panel); }
  std::int64_t grain(std::int64_t) const override { return 1; }
  std::size_t scratch(std::int64_t) const override { return 0; }
  double work(std::int64_t) const override {
    return 30.0 * static_cast<double>(s_.c_in * s_.c_out);
  }
  void run(const Context& context, std::int64_t begin, std::int64_t end) const override {
    const bool turned = s_.role == ConvolutionRole::input_gradient;
    const std::int64_t first = begin * kernels_.f32.panel;
    const std::int64_t last = std::min(end * kernels_.f32.panel, out());
    const std::int64_t out_stride = turned ? 9 : 9 * s_.c_in;
    const std::int64_t in = turned ? s_.c_out : s_.c_in;
    kernels_.winograd.filters({last - first, in, context.at<float>(s_.w, first * out_stride),
                               out_stride, turned ? 9 * s_.c_in : 9, turned,
                               context.at<float>(s_.filters, first * in), stride_});
  }

 private:
  std::int64_t out() const {
    return s_.role == ConvolutionRole::input_gradient ? s_.c_in : s_.c_out;
  }
  ConvolutionSpec s_;
  const Kernels& kernels_;
  std::int64_t stride_;
};

}  // namespace

bool suits_winograd(const ConvolutionSpec& spec) {
  const Window& w = spec.window;
  for (std::size_t side = 0; side < 2; ++side) {
    if (w.kernel[side] != 3 || w.stride[side] != 1 || w.dilation[side] != 1) return false;
  }
  if (spec.type != DType::f32 || !spec.rowful) return false;
  if (std::min(spec.c_in, spec.c_out) < kFewestChannels) return false;
  const bool turned = spec.role == ConvolutionRole::input_gradient;
  const std::int64_t height = turned ? spec.height : spec.out_height;
  const std::int64_t width = turned ? spec.width : spec.out_width;
  // 36 products a tile instead of 9 a pixel, and half as much again for the transforms.
  return 54 * ceil_div(height, 4) * ceil_div(width, 4) < 9 * height * width;
}

std::int64_t filter_elements(const ConvolutionSpec& spec, const Kernels& kernels) {
  if (spec.role == ConvolutionRole::weight_gradient || !suits_winograd(spec)) return 0;
  return kFrequencies * filter_stride(spec, kernels.f32);
}

std::unique_ptr<Step> make_filters(const ConvolutionSpec& spec, const Kernels& kernels) {
  return std::make_unique<FilterStep>(spec, kernels);
}

Winograd::Winograd(const ConvolutionSpec& spec, const Kernels& kernels)
    : s_(spec), products_(kernels.f32), kernels_(kernels.winograd), direct_(spec, kernels.f32) {
  const int lanes = products_.lanes;
  from_ = {s_.c_in, s_.height, s_.width, ceil_div(s_.c_in, lanes)};
  to_ = {s_.c_out, s_.out_height, s_.out_width, ceil_div(s_.c_out, lanes)};
  pad_y_ = s_.window.pad_before[0];
  pad_x_ = s_.window.pad_before[1];
  if (s_.role == ConvolutionRole::input_gradient) {
    std::swap(from_, to_);
    pad_y_ = 2 - pad_y_;
    pad_x_ = 2 - pad_x_;
  }
  tiles_y_ = ceil_div(to_.height, 4);
  tiles_x_ = ceil_div(to_.width, 4);
  // Strips of nearly equal size.
  const std::int64_t fewest =
      s_.role == ConvolutionRole::weight_gradient ? kFewestGradientTiles : kFewestTiles;
  const std::int64_t most =
      std::max(fewest, kStrip / (kFrequencies * lanes * (from_.blocks + to_.blocks)));
  strip_x_ = ceil_div(tiles_x_, ceil_div(tiles_x_, most));
  const std::int64_t rows = std::clamp<std::int64_t>(most / strip_x_, 1, tiles_y_);
  strip_y_ = ceil_div(tiles_y_, ceil_div(tiles_y_, rows));

  // Small images go together.
  together_ = std::max<std::int64_t>(1, most / (tiles_y_ * tiles_x_));

  const Strip strip{0, 0, strip_y_, strip_x_, together_};
  pixels_ = (4 * strip_y_ + 2) * (4 * strip_x_ + 2) * lanes * std::max(from_.blocks, to_.blocks);
  sources_ = kFrequencies * stride(strip, from_);
  results_ = kFrequencies * stride(strip, to_);
  if (s_.role == ConvolutionRole::weight_gradient) {
    matrix_stride_ = s_.c_out * from_.blocks * lanes + lanes;
    matrices_ = kFrequencies * matrix_stride_ + rounded(9 * s_.c_out * s_.c_in, lanes);
  }
  const auto bytes =
      static_cast<std::size_t>(pixels_ + sources_ + results_ + matrices_) * sizeof(float);
  scratch_ = std::max(padded(bytes) + kPadding, direct_.scratch());
}

std::int64_t Winograd::stride(const Strip& strip, const Planes& planes) const {
  return (strip.tiles() * planes.blocks + 1) * products_.lanes;
}

Winograd::Room Winograd::room(std::byte* scratch) const {
  Room room;
  room.pixels = reinterpret_cast<float*>(scratch);
  room.sources = room.pixels + pixels_;
  room.results = room.sources + sources_;
  room.matrices = room.results + results_;
  return room;
}

template <class Body>
void Winograd::each_strip(std::int64_t images, const Body& body) const {
  for (std::int64_t y = 0; y < tiles_y_; y += strip_y_) {
    for (std::int64_t x = 0; x < tiles_x_; x += strip_x_)
      body(Strip{y, x, std::min(strip_y_, tiles_y_ - y), std::min(strip_x_, tiles_x_ - x), images});
  }
}

void Winograd::source_frequencies(const Strip& strip, float* image, const Room& room) const {
  const std::int64_t size = strip.tiles_y * strip.tiles_x * from_.blocks * products_.lanes;
  for (std::int64_t i = 0; i < strip.images; ++i) {
    kernels_.gather({image + i * from_.size(), from_.channels, from_.height, from_.width,
                     4 * strip.y - pad_y_, 4 * strip.x - pad_x_, 4 * strip.tiles_y + 2,
                     4 * strip.tiles_x + 2, room.pixels});
    kernels_.input({from_.blocks, strip.tiles_y, strip.tiles_x, room.pixels,
                    room.sources + i * size, stride(strip, from_)});
  }
}

void Winograd::cotangent_frequencies(const Strip& strip, float* image, const Room& room) const {
  const std::int64_t size = strip.tiles_y * strip.tiles_x * to_.blocks * products_.lanes;
  for (std::int64_t i = 0; i < strip.images; ++i) {
    kernels_.gather({image + i * to_.size(), to_.channels, to_.height, to_.width, 4 * strip.y,
                     4 * strip.x, 4 * strip.tiles_y, 4 * strip.tiles_x, room.pixels});
    kernels_.cotangent({to_.blocks, strip.tiles_y, strip.tiles_x, room.pixels,
                        room.results + i * size, stride(strip, to_)});
  }
}

bool Winograd::finish_strip(const Strip& strip, float* image, const Room& room) const {
  const std::int64_t size = strip.tiles_y * strip.tiles_x * to_.blocks * products_.lanes;
  bool finite = true;
  for (std::int64_t i = 0; i < strip.images; ++i) {
    finite = kernels_.output({to_.blocks, strip.tiles_y, strip.tiles_x, room.pixels,
                              room.results + i * size, stride(strip, to_)}) &&
             finite;
    kernels_.scatter({image + i * to_.size(), to_.channels, to_.height, to_.width, 4 * strip.y,
                      4 * strip.x, 4 * strip.tiles_y, 4 * strip.tiles_x, room.pixels});
  }
  return finite;
}

bool Winograd::convolve(const Context& context, std::int64_t images, float* from, float* to,
                        const Room& room) const {
  const std::int64_t filters = filter_stride(s_, products_);
  const std::int64_t depth = from_.blocks * products_.lanes, width = to_.blocks * products_.lanes;
  const float* w = context.at<float>(s_.filters);
  bool finite = true;
  each_strip(images, [&](const Strip& strip) {
    source_frequencies(strip, from, room);
    for (std::int64_t f = 0; f < kFrequencies; ++f) {
      products_.product({strip.tiles(), width, from_.channels,
                         room.sources + f * stride(strip, from_), depth, 1, w + f * filters,
                         from_.channels * products_.panel, products_.panel,
                         room.results + f * stride(strip, to_), width, false, 1.0F});
    }
    finite = finish_strip(strip, to, room) && finite;
  });
  return finite;
}

bool Winograd::weight_gradient(const Context& context, std::int64_t begin, std::int64_t end,
                               const Room& room) const {
  const std::int64_t columns = from_.blocks * products_.lanes;
  const std::int64_t depth = to_.blocks * products_.lanes;
  bool grows = false;
  for (std::int64_t image = begin; image < end; image += together_) {
    each_strip(std::min(together_, end - image), [&](const Strip& strip) {
      source_frequencies(strip, context.at<float>(s_.x, image * from_.size()), room);
      cotangent_frequencies(strip, context.at<float>(s_.y, image * to_.size()), room);
      for (std::int64_t f = 0; f < kFrequencies; ++f) {
        products_.product({s_.c_out, columns, strip.tiles(), room.results + f * stride(strip, to_),
                           1, depth, room.sources + f * stride(strip, from_), products_.panel,
                           columns, room.matrices + f * matrix_stride_, columns, grows, 1.0F});
      }
      grows = true;
    });
  }
  float* sums = room.matrices + kFrequencies * matrix_stride_;
  if (!kernels_.weights({s_.c_out, s_.c_in, sums, 0, 0, false, room.matrices, matrix_stride_})) {
    return false;
  }
  const auto alpha = s_.alpha<float>(context);
  float* w = context.at<float>(s_.w);
  for (std::int64_t i = 0; i < 9 * s_.c_out * s_.c_in; ++i) w[i] += alpha * sums[i];
  return true;
}

void Winograd::run(const Context& context, std::int64_t begin, std::int64_t end,
                   std::byte* scratch) const {
  if (begin >= end) return;
  const Room room = this->room(scratch);
  if (s_.role == ConvolutionRole::weight_gradient) {
    if (!weight_gradient(context, begin, end, room)) direct_.run(context, begin, end, scratch);
    return;
  }
  const bool turned = s_.role == ConvolutionRole::input_gradient;
  for (std::int64_t image = begin; image < end; image += together_) {
    const std::int64_t images = std::min(together_, end - image);
    float* from = context.at<float>(turned ? s_.y : s_.x, image * from_.size());
    float* to = context.at<float>(turned ? s_.x : s_.y, image * to_.size());
    if (!convolve(context, images, from, to, room))
      direct_.run(context, image, image + images, scratch);
  }
}

}  // namespace odeum::cpu
