// SPDX-License-Identifier: Apache-2.0
#include "steps/reduce.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace odeum::cpu {
namespace {

/// Offsets of every index of some axes, row-major.
std::vector<std::int64_t> offsets(const std::vector<std::int64_t>& extents,
                                  const std::vector<std::int64_t>& strides) {
  std::vector<std::int64_t> result{0};
  for (std::size_t i = 0; i < extents.size(); ++i) {
    std::vector<std::int64_t> next;
    next.reserve(result.size() * static_cast<std::size_t>(extents[i]));
    for (const std::int64_t base : result) {
      for (std::int64_t k = 0; k < extents[i]; ++k) next.push_back(base + k * strides[i]);
    }
    result = std::move(next);
  }
  return result;
}

/// The length of the runs of consecutive offsets that the list consists of.
std::int64_t run_length(const std::vector<std::int64_t>& at) {
  std::size_t length = 1;
  while (length < at.size() && at[length] == at[0] + static_cast<std::int64_t>(length)) ++length;
  if (at.size() % length != 0) return 1;
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (at[i] != at[i / length * length] + static_cast<std::int64_t>(i % length)) return 1;
  }
  return static_cast<std::int64_t>(length);
}

bool consecutive(const std::vector<std::int64_t>& at) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (at[i] != static_cast<std::int64_t>(i)) return false;
  }
  return true;
}

template <class T>
using Wide = std::conditional_t<std::is_same_v<T, std::int64_t>, std::int64_t, double>;

template <class T>
T larger(T a, T b) {
  return a < b || b != b ? b : a;
}
template <class T>
constexpr T lowest() {
  return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                              : std::numeric_limits<T>::lowest();
}

template <class T>
class ReductionStep final : public Step {
 public:
  explicit ReductionStep(ReductionSpec spec) : spec_(std::move(spec)) {
    std::vector<std::int64_t> kept, kept_strides, reduced, reduced_strides;
    const Layout& x = spec_.layout;
    rowful_ = !x.extents.empty() && x.extents[0] == kRows;
    row_stride_ = rowful_ ? x.strides[0] : 0;
    for (std::size_t i = rowful_ ? 1 : 0; i < x.extents.size(); ++i) {
      const bool gone =
          std::binary_search(spec_.axes.begin(), spec_.axes.end(), static_cast<int>(i));
      (gone ? reduced : kept).push_back(x.extents[i]);
      (gone ? reduced_strides : kept_strides).push_back(x.strides[i]);
    }
    kept_ = offsets(kept, kept_strides);
    reduced_ = offsets(reduced, reduced_strides);
    dense_inside_ = consecutive(reduced_);
    dense_rows_ = consecutive(kept_) && reduced_.size() == 1;
    // Runs of results over an axis before the last one.
    run_ = kept_.empty() || spec_.maximum || spec_.type == DType::i64 ? 1 : run_length(kept_);
  }

  std::int64_t units(std::int64_t rows) const override {
    return rowful_ ? rows : static_cast<std::int64_t>(kept_.size());
  }
  std::int64_t grain(std::int64_t) const override {
    const auto width =
        static_cast<std::int64_t>(rowful_ ? kept_.size() * reduced_.size() : reduced_.size());
    return std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, width));
  }
  bool sharded() const override { return spec_.over_rows; }
  std::size_t scratch(std::int64_t) const override { return 0; }
  double work(std::int64_t rows) const override {
    return static_cast<double>(kept_.size() * reduced_.size()) *
           (rowful_ ? static_cast<double>(rows) : 1.0);
  }

  void run(const Context& context, std::int64_t begin, std::int64_t end) const override {
    const T* x = context.at<T>(spec_.x, spec_.layout.offset);
    if (spec_.over_rows) {
      add_rows(context, x, begin, end);
    } else if (rowful_ && run_ > 1) {
      const auto width = static_cast<std::int64_t>(kept_.size());
      for (std::int64_t r = begin; r < end; ++r) {
        for (std::int64_t j = 0; j < width; j += run_) {
          context.kernels->sum_runs[index(spec_.type)](
              context.at<T>(spec_.out) + r * width + j, x + r * row_stride_ + at(kept_, j),
              reduced_.data(), static_cast<std::int64_t>(reduced_.size()), run_);
        }
      }
    } else if (rowful_) {
      T* out = context.at<T>(spec_.out);
      const auto width = static_cast<std::int64_t>(kept_.size());
      for (std::int64_t r = begin; r < end; ++r) {
        for (std::int64_t j = 0; j < width; ++j)
          out[r * width + j] = reduce(context, x + r * row_stride_ + at(kept_, j));
      }
    } else {
      T* out = context.at<T>(spec_.out);
      for (std::int64_t j = begin; j < end; ++j) out[j] = reduce(context, x + at(kept_, j));
    }
  }

 private:
  static std::int64_t at(const std::vector<std::int64_t>& list, std::int64_t i) {
    return list[static_cast<std::size_t>(i)];
  }

  Wide<T> total(const Context& context, const T* x) const {
    Wide<T> sum = 0;
    if (dense_inside_) {
      context.kernels->add_rows[index(spec_.type)](
          &sum, x, static_cast<std::int64_t>(reduced_.size()), 1, 1.0);
    } else {
      for (const std::int64_t offset : reduced_) sum += static_cast<Wide<T>>(x[offset]);
    }
    return sum;
  }
  T largest(const T* x) const {
    T result = lowest<T>();
    for (const std::int64_t offset : reduced_) result = larger(result, x[offset]);
    return result;
  }
  T reduce(const Context& context, const T* x) const {
    return spec_.maximum ? largest(x) : static_cast<T>(total(context, x));
  }

  void add_rows(const Context& context, const T* x, std::int64_t begin, std::int64_t end) const {
    const auto width = static_cast<std::int64_t>(kept_.size());
    if (spec_.maximum) {
      T* out = context.at<T>(spec_.out);
      for (std::int64_t r = begin; r < end; ++r) {
        for (std::int64_t j = 0; j < width; ++j)
          out[j] = larger(out[j], largest(x + r * row_stride_ + at(kept_, j)));
      }
      return;
    }
    double scale = spec_.scale;
    for (const int slot : spec_.scalars) scale *= static_cast<double>(*context.at<T>(slot));
    auto* sums = context.at<Wide<T>>(spec_.out);
    if (dense_rows_ && row_stride_ == width) {
      context.kernels->add_rows[index(spec_.type)](sums, x + begin * row_stride_, end - begin,
                                                   width, scale);
      return;
    }
    for (std::int64_t r = begin; r < end; ++r) {
      for (std::int64_t j = 0; j < width; ++j) {
        sums[j] += static_cast<Wide<T>>(scale) * total(context, x + r * row_stride_ + at(kept_, j));
      }
    }
  }

  ReductionSpec spec_;
  bool rowful_ = false;
  std::int64_t row_stride_ = 0;
  std::vector<std::int64_t> kept_, reduced_;  ///< offsets inside a row
  bool dense_inside_ = false, dense_rows_ = false;
  std::int64_t run_ = 1;  ///< results whose operands stand side by side
};

}  // namespace

std::unique_ptr<Step> make_reduction(ReductionSpec spec) {
  switch (spec.type) {
    case DType::f32:
      return std::make_unique<ReductionStep<float>>(std::move(spec));
    case DType::f64:
      return std::make_unique<ReductionStep<double>>(std::move(spec));
    default:
      return std::make_unique<ReductionStep<std::int64_t>>(std::move(spec));
  }
}

}  // namespace odeum::cpu
