// SPDX-License-Identifier: Apache-2.0
#include "steps/strided.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace odeum::cpu {
namespace {

// Elements are moved as words whatever their type is.
using Word32 [[gnu::may_alias]] = std::uint32_t;
using Word64 [[gnu::may_alias]] = std::uint64_t;

template <class T>
void read_run(const T* from, std::int64_t stride, std::int64_t n, T* to) {
  if (stride == 1 && n >= 16) {
    std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
  } else if (stride == 1) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i];
  } else if (stride == 0) {
    const T x = *from;
    for (std::int64_t i = 0; i < n; ++i) to[i] = x;
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
  }
}

/// Calls run(offset, stride, position, length) for maximal runs along one axis.
template <class Run>
void for_runs(const Access& a, std::int64_t begin, std::int64_t n, Run&& run) {
  if (n <= 0) return;
  if (a.per_row == 1) {  // one run down the rows
    run(a.offset + begin * a.row_stride, a.row_stride, std::int64_t{0}, n);
    return;
  }
  const std::size_t rank = a.extents.size();
  std::int64_t row = begin / a.per_row;
  std::int64_t column = begin % a.per_row;
  std::int64_t done = 0;
  const std::int64_t inner = a.extents[rank - 1];
  const std::int64_t stride = a.strides[rank - 1];
  while (done < n) {
    // The runs of one row, from `column` on.
    const std::int64_t base = a.offset + row * a.row_stride;
    while (column < a.per_row && done < n) {
      std::int64_t rest = column / inner;
      const std::int64_t at = column % inner;
      std::int64_t offset = base + at * stride;
      for (std::size_t i = rank - 1; i-- > 0;) {
        offset += rest % a.extents[i] * a.strides[i];
        rest /= a.extents[i];
      }
      const std::int64_t length = std::min(inner - at, n - done);
      run(offset, stride, done, length);
      done += length;
      column += length;
    }
    column = 0;
    ++row;
  }
}

/// Whole rows of two elements, for which a run each is too short.
template <class T>
void read_pairs(const Access& a, const T* x, std::int64_t begin, std::int64_t n, T* y) {
  const std::int64_t stride = a.strides[0];
  x += a.offset + begin / 2 * a.row_stride;
  for (std::int64_t i = 0; i < n; i += 2, x += a.row_stride) {
    y[i] = x[0];
    y[i + 1] = x[stride];
  }
}

template <class T>
void read_as(const Access& a, const std::byte* from, std::int64_t begin, std::int64_t n,
             std::byte* to) {
  const T* x = reinterpret_cast<const T*>(from);
  T* y = reinterpret_cast<T*>(to);
  if (a.per_row == 2 && a.extents.size() == 1 && begin % 2 == 0 && n % 2 == 0)
    return read_pairs(a, x, begin, n, y);
  for_runs(a, begin, n,
           [x, y](std::int64_t offset, std::int64_t stride, std::int64_t at, std::int64_t length) {
             read_run(x + offset, stride, length, y + at);
           });
}

template <class T>
void write_as(const Access& a, std::byte* to, std::int64_t begin, std::int64_t n,
              const std::byte* from) {
  T* y = reinterpret_cast<T*>(to);
  const T* x = reinterpret_cast<const T*>(from);
  for_runs(a, begin, n,
           [x, y](std::int64_t offset, std::int64_t stride, std::int64_t at, std::int64_t length) {
             T* run = y + offset;
             for (std::int64_t i = 0; i < length; ++i) run[i * stride] = x[at + i];
           });
}

}  // namespace

void read_strided(const Access& access, std::size_t element_size, const std::byte* from,
                  std::int64_t begin, std::int64_t n, std::byte* to) {
  if (element_size == 4) {
    read_as<Word32>(access, from, begin, n, to);
  } else {
    read_as<Word64>(access, from, begin, n, to);
  }
}

void write_strided(const Access& access, std::size_t element_size, std::byte* to,
                   std::int64_t begin, std::int64_t n, const std::byte* from) {
  if (element_size == 4) {
    write_as<Word32>(access, to, begin, n, from);
  } else {
    write_as<Word64>(access, to, begin, n, from);
  }
}

}  // namespace odeum::cpu
