// SPDX-License-Identifier: Apache-2.0
#include "error_estimate.hpp"

#include <cmath>

namespace gauss_legendre {
namespace {

/// Both sums of one entry over the nodes of a panel, added in quadrature.
class Sums {
 public:
  explicit Sums(double half) : half_(half) {}

  void take(double value, double kronrod, double gauss) {
    difference_ += (kronrod - gauss) * value;
    magnitude_ += kronrod * std::abs(value);
  }
  void add_to(double share, double& squared_error, double& squared_magnitude) const {
    squared_error += share * half_ * half_ * difference_ * difference_;
    squared_magnitude += share * half_ * half_ * magnitude_ * magnitude_;
  }

 private:
  double half_;
  double difference_ = 0.0;
  double magnitude_ = 0.0;
};

}  // namespace

std::vector<Estimate> estimate(const NodeBatch::Projections& projections, std::int64_t rows,
                               const NestedRule& rule, const std::vector<Panel>& panels) {
  const std::size_t points = rule.kronrod.nodes.size();
  const std::size_t directions = projections.shared + projections.by_row;
  const auto samples = static_cast<std::size_t>(rows);
  const auto value = [&](std::size_t node, std::size_t direction, std::size_t row) {
    return projections.values[(node * directions + direction) * samples + row];
  };
  std::vector<Estimate> result;
  for (std::size_t j = 0; j < panels.size(); ++j) {
    const double half = 0.5 * (panels[j].from - panels[j].to);
    double error = 0.0;
    double magnitude = 0.0;
    // Nodes stand in the order of the backward solve; the rule is symmetric.
    for (std::size_t p = 0; p < projections.shared; ++p) {
      Sums sums(half);
      for (std::size_t k = 0; k < points; ++k) {
        double over_rows = 0.0;
        for (std::size_t r = 0; r < samples; ++r) over_rows += value(j * points + k, p, r);
        sums.take(over_rows, rule.kronrod.weights[k], rule.gauss_weights[k]);
      }
      sums.add_to(1.0 / static_cast<double>(projections.shared), error, magnitude);
    }
    for (std::size_t p = projections.shared; p < directions; ++p) {
      for (std::size_t r = 0; r < samples; ++r) {
        Sums sums(half);
        for (std::size_t k = 0; k < points; ++k) {
          sums.take(value(j * points + k, p, r), rule.kronrod.weights[k], rule.gauss_weights[k]);
        }
        sums.add_to(1.0 / static_cast<double>(projections.by_row), error, magnitude);
      }
    }
    result.push_back({std::sqrt(error), std::sqrt(magnitude)});
  }
  return result;
}

}  // namespace gauss_legendre
