// SPDX-License-Identifier: Apache-2.0
#include "history.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace odeum::optimizers {
namespace {

// Cosine between move and change under which their product is rounding noise.
constexpr double kFlat = 1e-10;

}  // namespace

std::vector<std::string> History::slots(std::size_t length) {
  std::vector<std::string> names;
  for (const char* name : {"move_", "gradient_change_"}) {
    for (std::size_t i = 0; i < length; ++i) names.push_back(name + std::to_string(i));
  }
  return names;
}

History::History(std::span<const std::span<double>> slots) : length_(slots.size() / 2) {
  for (std::size_t i = 0; i < length_; ++i) {
    Vector move(slots[i].begin(), slots[i].end());
    Vector change(slots[length_ + i].begin(), slots[length_ + i].end());
    if (!curved(move, change)) break;
    const double curvature = dot(move, change);
    pairs_.push_back({std::move(move), std::move(change), curvature});
  }
}

void History::store(std::span<const std::span<double>> slots) const {
  for (std::size_t i = 0; i < length_; ++i) {
    const auto put = [&](const std::span<double>& slot, Vector Pair::*part) {
      if (i < pairs_.size()) {
        std::copy((pairs_[i].*part).begin(), (pairs_[i].*part).end(), slot.begin());
      } else {
        std::fill(slot.begin(), slot.end(), 0.0);
      }
    };
    put(slots[i], &Pair::move);
    put(slots[length_ + i], &Pair::change);
  }
}

bool History::curved(const Vector& move, const Vector& change) {
  const double lengths = std::sqrt(dot(move, move)) * std::sqrt(dot(change, change));
  return dot(move, change) > kFlat * lengths;
}

void History::add(Vector move, Vector change) {
  if (!curved(move, change)) return;
  const double curvature = dot(move, change);
  pairs_.push_front({std::move(move), std::move(change), curvature});
  if (pairs_.size() > length_) pairs_.pop_back();
}

Vector History::direction(std::span<const double> gradient) const {
  Vector q(gradient.begin(), gradient.end());
  std::vector<double> shares;
  for (const Pair& pair : pairs_) {
    shares.push_back(dot(pair.move, q) / pair.curvature);
    q = along(q, -shares.back(), pair.change);
  }
  double scale = -1.0;
  if (!empty()) scale = -pairs_[0].curvature / dot(pairs_[0].change, pairs_[0].change);
  for (double& value : q) value *= scale;
  for (std::size_t i = pairs_.size(); i-- > 0;) {
    const double again = dot(pairs_[i].change, q) / pairs_[i].curvature;
    q = along(q, -shares[i] - again, pairs_[i].move);
  }
  return q;
}

}  // namespace odeum::optimizers
