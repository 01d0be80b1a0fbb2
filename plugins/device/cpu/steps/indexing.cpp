// SPDX-License-Identifier: Apache-2.0
#include "steps/indexing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "steps/lines.hpp"

namespace odeum::cpu {
namespace {

template <class T>
std::unique_ptr<Step> gather(const IndexSpec& s) {
  const Lines lines{s.rowful, s.lines, static_cast<double>(s.index_size), 0, false};
  return make_lines(lines, [s](const Context& context, std::int64_t begin, std::int64_t end) {
    for (std::int64_t l = begin; l < end; ++l) {
      const T* x = context.at<T>(s.x, l * s.x_size);
      const auto* index = context.at<std::int64_t>(s.index, l * s.index_size);
      T* out = context.at<T>(s.out, l * s.index_size);
      for (std::int64_t j = 0; j < s.index_size; ++j) {
        const bool inside = index[j] >= 0 && index[j] < s.x_size;
        out[j] = inside ? x[index[j]] : std::numeric_limits<T>::quiet_NaN();
      }
    }
  });
}

template <class T>
std::unique_ptr<Step> scatter_add(const IndexSpec& s) {
  const Lines lines{s.rowful, s.lines, static_cast<double>(s.index_size + s.out_size), 0, false};
  return make_lines(lines, [s](const Context& context, std::int64_t begin, std::int64_t end) {
    for (std::int64_t l = begin; l < end; ++l) {
      const T* x = context.at<T>(s.x, l * s.index_size);
      const auto* index = context.at<std::int64_t>(s.index, l * s.index_size);
      T* out = context.at<T>(s.out, l * s.out_size);
      std::fill_n(out, s.out_size, T(0));
      for (std::int64_t j = 0; j < s.index_size; ++j) {
        if (index[j] >= 0 && index[j] < s.out_size) out[index[j]] += x[j];
      }
    }
  });
}

/// A NaN wins, then the largest, then the first.
template <class T>
std::int64_t largest_in_window(const T* x, const WindowSpec& s, std::int64_t top,
                               std::int64_t left) {
  std::int64_t best = -1;
  for (std::int64_t i = 0; i < s.window.kernel[0]; ++i) {
    const std::int64_t row = top + i * s.window.dilation[0];
    if (row < 0 || row >= s.height) continue;
    for (std::int64_t j = 0; j < s.window.kernel[1]; ++j) {
      const std::int64_t column = left + j * s.window.dilation[1];
      if (column < 0 || column >= s.width) continue;
      const std::int64_t at = row * s.width + column;
      const bool settled = best >= 0 && x[best] != x[best];
      if (best < 0 || (!settled && (x[best] < x[at] || x[at] != x[at]))) best = at;
    }
  }
  return std::max<std::int64_t>(best, 0);
}

template <class T>
std::unique_ptr<Step> window_argmax(const WindowSpec& s) {
  const double cost =
      static_cast<double>(s.out_height * s.out_width * s.window.kernel[0] * s.window.kernel[1]);
  return make_lines({s.rowful, s.planes, cost, 0, false},
                    [s](const Context& context, std::int64_t begin, std::int64_t end) {
                      for (std::int64_t p = begin; p < end; ++p) {
                        const T* x = context.at<T>(s.x, p * s.height * s.width);
                        auto* out = context.at<std::int64_t>(s.out, p * s.out_height * s.out_width);
                        for (std::int64_t i = 0; i < s.out_height; ++i) {
                          for (std::int64_t j = 0; j < s.out_width; ++j) {
                            *out++ = largest_in_window(
                                x, s, i * s.window.stride[0] - s.window.pad_before[0],
                                j * s.window.stride[1] - s.window.pad_before[1]);
                          }
                        }
                      }
                    });
}

/// Overwrites a [n, n] and b [n, k] with the factors and the solution.
void solve(double* a, double* b, std::int64_t n, std::int64_t k) {
  for (std::int64_t p = 0; p < n; ++p) {
    std::int64_t pivot = p;
    for (std::int64_t i = p + 1; i < n; ++i) {
      if (std::abs(a[i * n + p]) > std::abs(a[pivot * n + p])) pivot = i;
    }
    if (pivot != p) {
      std::swap_ranges(a + p * n, a + (p + 1) * n, a + pivot * n);
      std::swap_ranges(b + p * k, b + (p + 1) * k, b + pivot * k);
    }
    for (std::int64_t i = p + 1; i < n; ++i) {
      const double factor = a[i * n + p] / a[p * n + p];
      for (std::int64_t j = p + 1; j < n; ++j) a[i * n + j] -= factor * a[p * n + j];
      for (std::int64_t j = 0; j < k; ++j) b[i * k + j] -= factor * b[p * k + j];
    }
  }
  for (std::int64_t i = n; i-- > 0;) {
    for (std::int64_t j = 0; j < k; ++j) {
      double sum = b[i * k + j];
      for (std::int64_t p = i + 1; p < n; ++p) sum -= a[i * n + p] * b[p * k + j];
      b[i * k + j] = sum / a[i * n + i];
    }
  }
}

template <class T>
std::unique_ptr<Step> lu_solve(const SolveSpec& s) {
  const double cost = static_cast<double>(s.n * s.n * (s.n + 2 * s.k));
  const std::size_t scratch = static_cast<std::size_t>(s.n * (s.n + s.k)) * sizeof(double);
  return make_lines(
      {s.rowful, s.systems, cost, scratch, false},
      [s](const Context& context, std::int64_t begin, std::int64_t end) {
        auto* a = reinterpret_cast<double*>(context.scratch);
        double* b = a + s.n * s.n;
        for (std::int64_t l = begin; l < end; ++l) {
          const T* from = context.at<T>(s.a, l * s.n * s.n);
          const T* right = context.at<T>(s.b, l * s.n * s.k);
          T* out = context.at<T>(s.out, l * s.n * s.k);
          for (std::int64_t i = 0; i < s.n; ++i) {
            for (std::int64_t j = 0; j < s.n; ++j) {
              a[i * s.n + j] =
                  static_cast<double>(s.transposed ? from[j * s.n + i] : from[i * s.n + j]);
            }
          }
          std::copy_n(right, s.n * s.k, b);
          solve(a, b, s.n, s.k);
          std::transform(b, b + s.n * s.k, out, [](double x) { return static_cast<T>(x); });
        }
      });
}

}  // namespace

std::unique_ptr<Step> make_gather(const IndexSpec& spec) {
  switch (spec.type) {
    case DType::f32:
      return gather<float>(spec);
    case DType::f64:
      return gather<double>(spec);
    default:
      return gather<std::int64_t>(spec);
  }
}

std::unique_ptr<Step> make_scatter_add(const IndexSpec& spec) {
  switch (spec.type) {
    case DType::f32:
      return scatter_add<float>(spec);
    case DType::f64:
      return scatter_add<double>(spec);
    default:
      return scatter_add<std::int64_t>(spec);
  }
}

std::unique_ptr<Step> make_window_argmax(const WindowSpec& spec) {
  switch (spec.type) {
    case DType::f32:
      return window_argmax<float>(spec);
    case DType::f64:
      return window_argmax<double>(spec);
    default:
      return window_argmax<std::int64_t>(spec);
  }
}

std::unique_ptr<Step> make_lu_solve(const SolveSpec& spec) {
  if (spec.type == DType::f32) return lu_solve<float>(spec);
  return lu_solve<double>(spec);
}

}  // namespace odeum::cpu
