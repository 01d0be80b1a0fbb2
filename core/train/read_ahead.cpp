// SPDX-License-Identifier: Apache-2.0
#include "train/read_ahead.hpp"

#include <algorithm>
#include <utility>

namespace odeum::train {

model::Batch ReadAhead::at(std::int64_t step) {
  if (step != first_) {
    read_.clear();  // a jump: waits for what is being read
    first_ = step;
  }
  const std::int64_t until = std::max(std::min(step + 1 + ahead_, end_), step + 1);
  for (std::int64_t next = first_ + std::ssize(read_); ahead_ > 0 && next < until; ++next) {
    read_.push_back(std::async(std::launch::async, [this, rows = batches_.rows_of(next)]() mutable {
      return batches_.read(std::move(rows));
    }));
  }
  ++first_;
  if (read_.empty()) return batches_.at(step);
  std::future<model::Batch> wanted = std::move(read_.front());
  read_.pop_front();
  return wanted.get();
}

}  // namespace odeum::train
