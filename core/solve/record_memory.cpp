// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "odeum/reverse_sweep.hpp"

namespace odeum::inline v1 {
namespace {

constexpr std::size_t kAlignment = 64;    // as Device::allocate
constexpr std::size_t kBlockRecords = 8;  // few enough not to overshoot, enough to allocate seldom

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

Arrays::Arrays(Device& device, std::vector<ArraySpec> specs)
    : device_(device), specs_(std::move(specs)) {}

void Arrays::place(std::int64_t rows) {
  rows_ = rows;
  if (rows <= placed_) return;
  std::vector<std::size_t> offsets;
  std::size_t total = 0;
  for (const ArraySpec& spec : specs_) {
    offsets.push_back(total);
    total += aligned(bytes_of(spec, rows));
  }
  memory_.reset();
  memory_ = device_.allocate(std::max(total, kAlignment));
  views_.clear();
  for (const std::size_t offset : offsets) views_.push_back(View{memory_.get(), offset});
  placed_ = rows;
}

void Arrays::clear() {
  for (std::size_t i = 0; i < views_.size(); ++i) device_.fill_zero(views_[i], bytes(i));
}

RecordMemory::RecordMemory(Device& device, std::vector<ArraySpec> specs)
    : device_(device), specs_(std::move(specs)) {}

std::size_t RecordMemory::bytes_per_record(std::int64_t rows) const {
  std::size_t total = 0;
  for (const ArraySpec& spec : specs_) total += aligned(bytes_of(spec, rows));
  return std::max(total, kAlignment);
}

void RecordMemory::open(std::int64_t rows, std::size_t limit) {
  limit_ = limit;
  if (rows == rows_) return;
  rows_ = rows;
  stride_ = bytes_per_record(rows);
  views_.clear();
  if (stride_ > block_stride_) {
    blocks_.clear();
    block_stride_ = stride_;
  }
}

std::span<const View> RecordMemory::at(std::size_t record) {
  if ((record + 1) * stride_ > limit_) {
    throw MemoryExceeded("a solve keeps more than its memory limit");
  }
  while (record >= views_.size()) {
    const std::size_t next = views_.size();
    if (next / kBlockRecords >= blocks_.size()) {
      blocks_.push_back(device_.allocate(kBlockRecords * block_stride_));
    }
    View place{blocks_[next / kBlockRecords].get(), next % kBlockRecords * block_stride_};
    std::vector<View> views;
    for (const ArraySpec& spec : specs_) {
      views.push_back(place);
      place = place + aligned(bytes_of(spec, rows_));
    }
    views_.push_back(std::move(views));
  }
  return views_[record];
}

}  // namespace odeum::inline v1
