// SPDX-License-Identifier: Apache-2.0
#include "assignment.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace odeum::objectives {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A partial assignment with prices of rows and columns: cost - row price - column price is never
/// negative, and zero where a row has its column.
class Assignment {
 public:
  Assignment(std::span<const double> cost, std::size_t n)
      : cost_(cost),
        n_(n),
        row_price_(n, 0.0),
        column_price_(n, kInfinity),
        column_of_(n, kNone),
        row_of_(n, kNone) {
    lower_prices();
    take_free_columns();
  }

  std::vector<std::size_t> solved() && {
    for (std::size_t row = 0; row < n_; ++row) {
      if (column_of_[row] == kNone) augment(row);
    }
    return std::move(column_of_);
  }

 private:
  double reduced(std::size_t row, std::size_t column) const {
    return cost_[row * n_ + column] - row_price_[row] - column_price_[column];
  }

  void lower_prices() {
    for (std::size_t row = 0; row < n_; ++row) {
      for (std::size_t column = 0; column < n_; ++column)
        column_price_[column] = std::min(column_price_[column], cost_[row * n_ + column]);
    }
  }

  void take_free_columns() {
    for (std::size_t row = 0; row < n_; ++row) {
      std::size_t best = 0;
      for (std::size_t column = 1; column < n_; ++column) {
        if (reduced(row, column) < reduced(row, best)) best = column;
      }
      row_price_[row] = reduced(row, best);
      if (row_of_[best] == kNone) assign(row, best);
    }
  }

  void assign(std::size_t row, std::size_t column) {
    column_of_[row] = column;
    row_of_[column] = row;
  }

  /// The lengths of the shortest paths from a row without a column to the columns, as far as they
  /// are known, and the rows that they come from.
  struct Paths {
    std::vector<double> length;
    std::vector<std::size_t> from;
    std::vector<std::size_t> open;    ///< columns whose length may still fall
    std::vector<std::size_t> closed;  ///< the others
    double shortest = 0.0;
    std::size_t end = kNone;  ///< the nearest free column, once it is found
  };

  /// Gives `start` a column, moving rows that stand on the shortest path to a free one.
  void augment(std::size_t start) {
    Paths paths{std::vector<double>(n_, kInfinity),
                std::vector<std::size_t>(n_, kNone),
                std::vector<std::size_t>(n_),
                {}};
    std::iota(paths.open.begin(), paths.open.end(), std::size_t{0});
    for (std::size_t row = start; paths.end == kNone;) {
      const std::size_t column = nearest(paths, row);
      if (row_of_[column] == kNone) {
        paths.end = column;
      } else {
        paths.closed.push_back(column);
        row = row_of_[column];
      }
    }
    row_price_[start] += paths.shortest;
    for (const std::size_t column : paths.closed) {
      const double gain = paths.shortest - paths.length[column];
      row_price_[row_of_[column]] += gain;
      column_price_[column] -= gain;
    }
    for (std::size_t column = paths.end; column != kNone;) {
      const std::size_t taker = paths.from[column];
      const std::size_t left = column_of_[taker];
      assign(taker, column);
      column = left;
    }
  }

  /// Goes on through a row that has been reached; the nearest open column, which is open no more.
  std::size_t nearest(Paths& paths, std::size_t row) const {
    std::size_t best = 0;
    for (std::size_t k = 0; k < paths.open.size(); ++k) {
      const std::size_t column = paths.open[k];
      const double through = paths.shortest + reduced(row, column);
      if (through < paths.length[column]) {
        paths.length[column] = through;
        paths.from[column] = row;
      }
      if (paths.length[column] < paths.length[paths.open[best]]) best = k;
    }
    const std::size_t column = paths.open[best];
    paths.shortest = paths.length[column];
    paths.open[best] = paths.open.back();
    paths.open.pop_back();
    return column;
  }

  std::span<const double> cost_;
  std::size_t n_;
  std::vector<double> row_price_;
  std::vector<double> column_price_;
  std::vector<std::size_t> column_of_;  ///< by row
  std::vector<std::size_t> row_of_;     ///< by column
};

}  // namespace

std::vector<std::size_t> cheapest_assignment(std::span<const double> cost, std::size_t n) {
  return Assignment(cost, n).solved();
}

}  // namespace odeum::objectives
