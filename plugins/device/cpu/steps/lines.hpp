// SPDX-License-Identifier: Apache-2.0
// Steps that do the same to each of many lines: rows, images, matrices.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "steps/step.hpp"

namespace odeum::cpu {

struct Lines {
  bool rowful = false;
  std::int64_t count = 1;  ///< lines of a row, or in total
  double cost = 1.0;       ///< operations a line
  std::size_t scratch_bytes = 0;
  bool sharded = false;  ///< lines add into accumulators
};

/// body(context, first line, last line + 1); line l of a block with rows belongs to row l / count.
template <class Body>
class LinesStep final : public Step {
 public:
  LinesStep(Lines lines, Body body) : lines_(lines), body_(std::move(body)) {}
  std::int64_t units(std::int64_t rows) const override {
    return lines_.rowful ? rows : lines_.count;
  }
  std::int64_t grain(std::int64_t) const override {
    const double unit = lines_.cost * static_cast<double>(lines_.rowful ? lines_.count : 1);
    return unit >= 32768.0 ? 1 : static_cast<std::int64_t>(32768.0 / (unit + 1.0)) + 1;
  }
  bool sharded() const override { return lines_.sharded; }
  std::size_t scratch(std::int64_t) const override { return lines_.scratch_bytes; }
  double work(std::int64_t rows) const override {
    return lines_.cost * static_cast<double>(lines_.count) *
           (lines_.rowful ? static_cast<double>(rows) : 1.0);
  }
  void run(const Context& context, std::int64_t begin, std::int64_t end) const override {
    const std::int64_t unit = lines_.rowful ? lines_.count : 1;
    body_(context, begin * unit, end * unit);
  }

 private:
  Lines lines_;
  Body body_;
};

template <class Body>
std::unique_ptr<Step> make_lines(Lines lines, Body body) {
  return std::make_unique<LinesStep<Body>>(lines, std::move(body));
}

}  // namespace odeum::cpu
