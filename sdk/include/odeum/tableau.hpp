// SPDX-License-Identifier: Apache-2.0
// Butcher tableaus as data: fractions, or decimals of 30 digits, as published. The tests check
// the order conditions of every tableau in exact arithmetic.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace odeum::inline v1 {

/// A number as it stands in a paper: "35/384", "-3", "0.161". Numerator and denominator are
/// decimals without exponent; anything else is a bug, reported with the text.
class Coefficient {
 public:
  Coefficient(const char* text);  // NOLINT(google-explicit-constructor): tables read as tables
  double value() const { return value_; }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
  double value_;
};

/// A Runge-Kutta method with s stages:
///   k_i = f(t + c_i h, y + h sum_j a_ij k_j),   y1 = y + h sum_i b_i k_i
struct Tableau {
  int order = 1;
  int embedded_order = 0;  ///< order of b_embedded; 0: no error estimate
  /// s rows: row i (from 0) has i entries, i + 1 (diagonally implicit) or s (fully implicit).
  /// Further rows, and further entries of c, are explicit stages that the dense output alone needs.
  std::vector<std::vector<Coefficient>> a;
  std::vector<Coefficient> b;  ///< s weights
  std::vector<Coefficient> c;
  std::vector<Coefficient> b_embedded =
      {};  ///< the companion's weights; error = h sum (b - b_embedded) k
  /// Dense output: y(t + x h) = y + h sum_i k_i sum_j dense[i][j] x^(j+1), equally long rows, one
  /// for each row of a.
  /// Empty: a first-same-as-last method takes the cubic Hermite polynomial through both ends,
  /// another one the parabola through y, its rate and y1.
  std::vector<std::vector<Coefficient>> dense = {};
  /// The conditions that the dense output meets for every x: wrong by O(h^(dense_order + 1)).
  int dense_order = 1;

  std::size_t stages() const { return b.size(); }
  /// First same as last: the last stage is f(t + h, y1).
  bool first_same_as_last() const;
  /// The last stage of an implicit method is y1: its row is b and its node 1.
  bool stiffly_accurate() const;
  bool is_explicit() const;  ///< no row of `a` reaches its diagonal
};

}  // namespace odeum::inline v1
