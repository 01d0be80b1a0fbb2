// SPDX-License-Identifier: Apache-2.0
#include "model/batch_memory.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace odeum::model {

namespace {

constexpr std::size_t kAlignment = 64;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

template <class Real>
std::vector<Real>& BatchMemory::converted() {
  if constexpr (std::is_same_v<Real, float>) {
    return narrow_;
  } else {
    return wide_;
  }
}

View BatchMemory::room(Block& block, std::size_t bytes) {
  if (block.bytes < bytes) {
    block.memory = device_->allocate(bytes);
    block.bytes = bytes;
  }
  return {block.memory.get(), 0};
}

void BatchMemory::load(const Batch& batch) {
  const std::size_t element = size_of(precision_);
  std::size_t bytes = aligned(batch.samples.size() * sizeof(std::int64_t));
  for (const auto& column : batch.columns) bytes += aligned(column.size() * element);
  const View memory = room(batch_, std::max(bytes, kAlignment));

  sample_index_ = memory;
  device_->upload(sample_index_, batch.samples.data(), batch.samples.size() * sizeof(std::int64_t));
  std::size_t offset = aligned(batch.samples.size() * sizeof(std::int64_t));
  columns_.assign(batch.columns.size(), View{});
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    const std::vector<double>& column = batch.columns[i];
    if (column.empty()) continue;
    columns_[i] = memory + offset;
    if (precision_ == DType::f64) {
      device_->upload(columns_[i], column.data(), column.size() * sizeof(double));
    } else {
      narrow_.assign(column.begin(), column.end());
      device_->upload(columns_[i], narrow_.data(), narrow_.size() * sizeof(float));
    }
    offset += aligned(column.size() * element);
  }
}

template <class Real>
void BatchMemory::load(std::span<const std::int64_t> samples, std::span<const Real> column) {
  using Other = std::conditional_t<std::is_same_v<Real, float>, double, float>;
  const std::size_t indices = aligned(samples.size_bytes());
  const View memory =
      room(batch_, std::max(indices + aligned(column.size() * size_of(precision_)), kAlignment));
  sample_index_ = memory;
  device_->upload(sample_index_, samples.data(), samples.size_bytes());
  columns_.assign(1, View{});
  if (column.empty()) return;
  columns_[0] = memory + indices;
  if (size_of(precision_) == sizeof(Real)) {
    device_->upload(columns_[0], column.data(), column.size_bytes());
  } else {
    std::vector<Other>& scratch = converted<Other>();
    scratch.resize(column.size());
    std::transform(column.begin(), column.end(), scratch.begin(),
                   [](Real value) { return static_cast<Other>(value); });
    device_->upload(columns_[0], scratch.data(), scratch.size() * sizeof(Other));
  }
}

template <class Real>
void BatchMemory::fetch(View from, DType type, std::span<Real> to) {
  using Other = std::conditional_t<std::is_same_v<Real, float>, double, float>;
  if (size_of(type) == sizeof(Real)) {
    device_->download(to.data(), from, to.size_bytes());
    return;
  }
  std::vector<Other>& scratch = converted<Other>();
  scratch.resize(to.size());
  device_->download(scratch.data(), from, scratch.size() * sizeof(Other));
  std::transform(scratch.begin(), scratch.end(), to.begin(),
                 [](Other value) { return static_cast<Real>(value); });
}

template void BatchMemory::load(std::span<const std::int64_t>, std::span<const float>);
template void BatchMemory::load(std::span<const std::int64_t>, std::span<const double>);
template void BatchMemory::fetch(View, DType, std::span<float>);
template void BatchMemory::fetch(View, DType, std::span<double>);

View BatchMemory::results(std::size_t bytes) {
  return room(results_, std::max<std::size_t>(bytes, 8));
}

std::shared_ptr<void> upload_flat(Device& device, const std::vector<double>& values,
                                  std::size_t elements, DType type) {
  std::shared_ptr<void> memory =
      device.allocate(std::max<std::size_t>(elements * size_of(type), 8));
  const View view{memory.get(), 0};
  if (type == DType::f64) {
    device.upload(view, values.data(), values.size() * sizeof(double));
  } else {
    const std::vector<float> narrow(values.begin(), values.end());
    device.upload(view, narrow.data(), narrow.size() * sizeof(float));
  }
  return memory;
}

void append_flat(Device& device, View from, std::size_t elements, DType type,
                 std::vector<double>& to) {
  const std::size_t begin = to.size();
  to.resize(begin + elements);
  if (type == DType::f64) {
    device.download(to.data() + begin, from, elements * sizeof(double));
    return;
  }
  std::vector<float> narrow(elements);
  device.download(narrow.data(), from, elements * sizeof(float));
  std::copy(narrow.begin(), narrow.end(), to.begin() + static_cast<std::ptrdiff_t>(begin));
}

Moments moments(const std::vector<double>& values, std::size_t features) {
  Moments result;
  const std::size_t rows = features == 0 ? 0 : values.size() / features;
  for (std::size_t j = 0; j < features; ++j) {
    double mean = 0.0;
    for (std::size_t i = 0; i < rows; ++i) mean += values[i * features + j];
    mean /= static_cast<double>(rows);
    double square = 0.0;
    for (std::size_t i = 0; i < rows; ++i) {
      const double centred = values[i * features + j] - mean;
      square += centred * centred;
    }
    result.mean.push_back(mean);
    result.deviation.push_back(std::sqrt(square / static_cast<double>(rows)));
  }
  return result;
}

std::vector<double> covariance(const std::vector<double>& values, const std::vector<double>& mean) {
  const std::size_t n = mean.size();
  const std::size_t rows = n == 0 ? 0 : values.size() / n;
  std::vector<double> result(n * n, 0.0);
  std::vector<double> centred(n);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < n; ++i) centred[i] = values[row * n + i] - mean[i];
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) result[i * n + j] += centred[i] * centred[j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      result[i * n + j] /= static_cast<double>(rows);
      result[j * n + i] = result[i * n + j];
    }
  }
  return result;
}

void store(const Layout& layout, const std::string& name, const std::vector<double>& values,
           std::vector<double>& flat) {
  for (const Entry& entry : layout.entries) {
    if (entry.name != name) continue;
    if (static_cast<std::int64_t>(values.size()) != entry.size) {
      bug("buffer '" + name + "' was fitted with " + std::to_string(values.size()) +
          " values for " + std::to_string(entry.size));
    }
    std::copy(values.begin(), values.end(),
              flat.begin() + static_cast<std::ptrdiff_t>(entry.offset));
    return;
  }
  bug("a block fitted the buffer '" + name + "', which it never asked for");
}

}  // namespace odeum::model
