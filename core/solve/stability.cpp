// SPDX-License-Identifier: Apache-2.0
#include "solve/stability.hpp"

#include <cmath>
#include <vector>

namespace odeum::solve {
namespace {

constexpr double kResolution = 1e-3;
constexpr double kLongest = 1000.0;  // beyond any explicit method without very many stages
constexpr double kRounding = 1e-9;

/// R(x) of k_i = lambda (y + h sum_j a_ij k_j) with h lambda = x, y = 1.
double stability_function(const Tableau& tableau, double x) {
  std::vector<double> k;
  double y1 = 1.0;
  for (std::size_t i = 0; i < tableau.stages(); ++i) {
    double y = 1.0;
    for (std::size_t j = 0; j < tableau.a[i].size(); ++j) y += tableau.a[i][j].value() * k[j];
    k.push_back(x * y);
    y1 += tableau.b[i].value() * k.back();
  }
  return y1;
}

}  // namespace

double real_stability_interval(const Tableau& tableau) {
  if (!tableau.is_explicit()) return 0.0;
  double x = 0.0;
  while (x < kLongest &&
         std::abs(stability_function(tableau, -(x + kResolution))) <= 1.0 + kRounding) {
    x += kResolution;
  }
  return x;
}

}  // namespace odeum::solve
