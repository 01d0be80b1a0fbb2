// SPDX-License-Identifier: Apache-2.0
// Butcher's order conditions in exact rational arithmetic, one for each rooted tree (Hairer,
// Norsett, Wanner, Solving ODEs I, II.2).
#pragma once

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <map>
#include <string>
#include <vector>

#include "odeum/tableau.hpp"

namespace odeum::testing {

using Rational = boost::multiprecision::cpp_rational;
using boost::multiprecision::cpp_int;

inline Rational decimal(std::string text) {
  const bool negative = text.front() == '-';
  if (negative) text.erase(0, 1);
  const std::size_t point = text.find('.');
  cpp_int denominator = 1;
  if (point != std::string::npos) {
    for (std::size_t i = point + 1; i < text.size(); ++i) denominator *= 10;
    text.erase(point, 1);
  }
  const std::size_t first = text.find_first_not_of('0');
  const cpp_int digits(first == std::string::npos ? "0" : text.substr(first));
  return Rational(negative ? cpp_int(-digits) : digits, denominator);
}

inline Rational exact(const Coefficient& c) {
  const std::string text(c.text());
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return decimal(text);
  return decimal(text.substr(0, slash)) / decimal(text.substr(slash + 1));
}

inline std::vector<Rational> exact(const std::vector<Coefficient>& row) {
  std::vector<Rational> result;
  for (const Coefficient& c : row) result.push_back(exact(c));
  return result;
}

/// A rooted tree: its branches, each a tree.
struct Tree {
  std::vector<Tree> branches;

  bool operator<(const Tree& other) const { return branches < other.branches; }

  int order() const {
    int nodes = 1;
    for (const Tree& branch : branches) nodes += branch.order();
    return nodes;
  }
  Rational density() const {
    Rational gamma = order();
    for (const Tree& branch : branches) gamma *= branch.density();
    return gamma;
  }
};

/// All trees whose branches, from position `first` of the list of smaller trees on, have `nodes`
/// nodes in all.
inline void grow(const std::vector<Tree>& smaller, std::size_t first, int nodes, const Tree& tree,
                 std::vector<Tree>& all) {
  if (nodes == 0) {
    all.push_back(tree);
    return;
  }
  for (std::size_t i = first; i < smaller.size(); ++i) {
    if (smaller[i].order() > nodes) continue;
    Tree larger = tree;
    larger.branches.push_back(smaller[i]);
    grow(smaller, i, nodes - smaller[i].order(), larger, all);
  }
}

inline std::vector<Tree> trees_up_to(int order) {
  std::vector<Tree> trees;
  for (int nodes = 1; nodes <= order; ++nodes) {
    std::vector<Tree> found;
    grow(trees, 0, nodes - 1, {}, found);
    trees.insert(trees.end(), found.begin(), found.end());
  }
  return trees;
}

class Exact {
 public:
  explicit Exact(const Tableau& tableau) {
    for (const auto& row : tableau.a) a_.push_back(exact(row));
  }
  /// The elementary weight of a tree at each stage.
  const std::vector<Rational>& stages(const Tree& tree) const {
    const auto known = known_.find(tree);
    if (known != known_.end()) return known->second;
    std::vector<Rational> weight(a_.size(), 1);
    for (const Tree& branch : tree.branches) {
      const std::vector<Rational>& inner = stages(branch);
      for (std::size_t i = 0; i < a_.size(); ++i) {
        Rational sum = 0;
        for (std::size_t j = 0; j < a_[i].size(); ++j) {
          if (a_[i][j] != 0) sum += a_[i][j] * inner[j];
        }
        weight[i] *= sum;
      }
    }
    return known_[tree] = std::move(weight);
  }
  Rational weight(const std::vector<Rational>& b, const Tree& tree) const {
    const std::vector<Rational>& at = stages(tree);
    Rational sum = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
      if (b[i] != 0) sum += b[i] * at[i];
    }
    return sum;
  }
  /// The largest violation over trees of exactly this order.
  Rational violation(const std::vector<Rational>& b, int order) const {
    Rational worst = 0;
    for (const Tree& tree : trees_up_to(order)) {
      if (tree.order() != order) continue;
      const Rational off = abs(Rational(weight(b, tree) - 1 / tree.density()));
      worst = std::max(worst, off);
    }
    return worst;
  }

 private:
  std::vector<std::vector<Rational>> a_;
  mutable std::map<Tree, std::vector<Rational>> known_;
};

}  // namespace odeum::testing
