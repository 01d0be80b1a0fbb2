// SPDX-License-Identifier: Apache-2.0
// Device memory for batches and results of a pipeline, grow-only; and moves between host numbers
// (double) and flat device memory of the pipeline's type.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/pipeline.hpp"
#include "odeum/block.hpp"
#include "odeum/device.hpp"

namespace odeum::model {

class BatchMemory {
 public:
  explicit BatchMemory(DType precision) : precision_(precision) {}
  void use(std::shared_ptr<Device> device) { device_ = std::move(device); }

  /// Brings a batch's columns, in the pipeline's type, and its sample indices to the device.
  void load(const Batch& batch);
  /// The same of one column, float or double, in the caller's memory.
  template <class Real>
  void load(std::span<const std::int64_t> samples, std::span<const Real> column);
  const std::vector<View>& columns() const { return columns_; }
  View sample_index() const { return sample_index_; }
  /// Room for results; valid until the next call.
  View results(std::size_t bytes);
  /// Numbers of either floating-point type from the device.
  template <class Real>
  void fetch(View from, DType type, std::span<Real> to);

 private:
  struct Block {
    std::shared_ptr<void> memory;
    std::size_t bytes = 0;
  };
  View room(Block& block, std::size_t bytes);
  template <class Real>
  std::vector<Real>& converted();  ///< of the caller's numbers, on the host

  DType precision_;
  std::shared_ptr<Device> device_;
  Block batch_;
  Block results_;
  std::vector<View> columns_;
  View sample_index_;
  std::vector<float> narrow_;
  std::vector<double> wide_;
};

std::shared_ptr<void> upload_flat(Device& device, const std::vector<double>& values,
                                  std::size_t elements, DType type);
void append_flat(Device& device, View from, std::size_t elements, DType type,
                 std::vector<double>& to);

/// Mean and deviation of each of `features` columns of row-major values.
Moments moments(const std::vector<double>& values, std::size_t features);
/// Their covariance, row-major.
std::vector<double> covariance(const std::vector<double>& values, const std::vector<double>& mean);
/// Writes one entry of a flat buffer.
void store(const Layout& layout, const std::string& name, const std::vector<double>& values,
           std::vector<double>& flat);

}  // namespace odeum::model
