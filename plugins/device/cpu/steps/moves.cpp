// SPDX-License-Identifier: Apache-2.0
#include "steps/moves.hpp"

#include <algorithm>
#include <cstring>

#include "odeum/random.hpp"
#include "steps/lines.hpp"
#include "steps/strided.hpp"

namespace odeum::cpu {
namespace {

constexpr std::int64_t kBuffer = 2048;  ///< elements moved at once

template <class T>
void put(const Context& context, int slot, std::int64_t i, double value) {
  *context.at<T>(slot, i) = static_cast<T>(value);
}

/// Calls f with a zero of the element type.
template <class F>
void with_type(DType type, F&& f) {
  switch (type) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::i64:
      return f(std::int64_t{});
  }
}

}  // namespace

std::unique_ptr<Step> make_move(const MoveSpec& spec) {
  const auto width = static_cast<double>(spec.elements + spec.zero_elements);
  const Lines lines{spec.rowful, 1, width, static_cast<std::size_t>(kBuffer) * 8, false};
  return make_lines(lines, [spec](const Context& context, std::int64_t begin, std::int64_t end) {
    if (spec.zero_elements > 0) {
      const std::size_t row = static_cast<std::size_t>(spec.zero_elements) * spec.element_size;
      std::memset(context.slots[spec.to] + static_cast<std::size_t>(begin) * row, 0,
                  static_cast<std::size_t>(end - begin) * row);
    }
    const std::int64_t last = end * spec.elements;
    for (std::int64_t f = begin * spec.elements; f < last; f += kBuffer) {
      const std::int64_t n = std::min(kBuffer, last - f);
      read_strided(spec.read, spec.element_size, context.slots[spec.from], f, n, context.scratch);
      write_strided(spec.write, spec.element_size, context.slots[spec.to], f, n, context.scratch);
    }
  });
}

std::unique_ptr<Step> make_repeat(const RepeatSpec& spec) {
  const Lines lines{false, 1, static_cast<double>(spec.length), 0, false};
  return make_lines(lines, [spec](const Context& context, std::int64_t, std::int64_t) {
    const std::int64_t rows = std::max<std::int64_t>(context.all_rows, 1);
    // Whole vectors are read, up to 16 elements past the last row's end.
    const std::int64_t length = rows > spec.length / spec.elements
                                    ? spec.length
                                    : std::min(spec.length, rows * spec.elements + 16);
    std::byte* to = context.slots[spec.to];
    read_strided(spec.read, spec.element_size, context.slots[spec.from], 0, spec.elements, to);
    for (std::int64_t done = spec.elements; done < length;) {
      const std::int64_t n = std::min(done, length - done);
      std::memcpy(to + static_cast<std::size_t>(done) * spec.element_size, to,
                  static_cast<std::size_t>(n) * spec.element_size);
      done += n;
    }
  });
}

std::unique_ptr<Step> make_iota(const Shape& shape, DType type, int axis, int to) {
  const bool rows = shape.has_rows();
  const std::int64_t width = shape.elements_per_row();
  std::int64_t inner = 1;
  for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  const std::int64_t extent = shape[axis];
  const Lines lines{rows, rows ? 1 : width, rows ? static_cast<double>(width) : 1.0, 0, false};
  return make_lines(lines, [=](const Context& context, std::int64_t begin, std::int64_t end) {
    const std::int64_t unit = rows ? width : 1;
    const std::int64_t base = rows ? context.first_row * width : 0;
    with_type(type, [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t i = begin * unit; i < end * unit; ++i) {
        const std::int64_t along = (base + i) / inner;
        *context.at<T>(to, i) = static_cast<T>(extent == kRows ? along : along % extent);
      }
    });
  });
}

std::unique_ptr<Step> make_row_count(DType type, int to) {
  return make_lines({}, [=](const Context& context, std::int64_t, std::int64_t) {
    with_type(type, [&](auto zero) {
      *context.at<decltype(zero)>(to) = static_cast<decltype(zero)>(context.all_rows);
    });
  });
}

std::unique_ptr<Step> make_random(Distribution distribution, const Shape& shape, DType type,
                                  int key, int sample_index, int to) {
  const std::int64_t width = shape.elements_per_row();
  const Lines lines{true, 1, static_cast<double>(width) * 20.0, 0, false};
  return make_lines(lines, [=](const Context& context, std::int64_t begin, std::int64_t end) {
    const auto* k = context.at<std::int64_t>(key);
    const std::uint64_t stream = stream_key(static_cast<std::uint64_t>(k[0]), Purpose::user,
                                            static_cast<std::uint64_t>(k[1]));
    const auto* samples = context.at<std::int64_t>(sample_index);
    for (std::int64_t r = begin; r < end; ++r) {
      for (std::int64_t j = 0; j < width; ++j) {
        const RandomElement draw(stream, static_cast<std::uint64_t>(samples[r]),
                                 static_cast<std::uint64_t>(j));
        double value = 0;
        switch (distribution) {
          case Distribution::uniform:
            value = type == DType::f32 ? static_cast<double>(draw.uniform_f32()) : draw.uniform();
            break;
          case Distribution::normal:
            value = draw.normal();
            break;
          case Distribution::rademacher:
            value = draw.rademacher();
            break;
        }
        with_type(type, [&](auto zero) { put<decltype(zero)>(context, to, r * width + j, value); });
      }
    }
  });
}

}  // namespace odeum::cpu
