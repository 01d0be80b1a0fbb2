// SPDX-License-Identifier: Apache-2.0
// Which values the vector registers hold while machine code is written.
#pragma once

#include <cstddef>
#include <vector>

#include "odeum/error.hpp"

namespace odeum::cpu {

template <class Value>
class RegisterFile {
 public:
  /// Registers 0 to count - 1; `nothing` is what an empty one holds.
  RegisterFile(int count, const Value& nothing)
      : nothing_(nothing),
        held_(static_cast<std::size_t>(count), nothing),
        used_(static_cast<std::size_t>(count), 0) {}

  int count() const { return static_cast<int>(held_.size()); }
  const Value& operator[](int reg) const { return held_[static_cast<std::size_t>(reg)]; }
  void forget(int reg) { held_[static_cast<std::size_t>(reg)] = nothing_; }
  void forget_all() {
    held_.assign(held_.size(), nothing_);
    used_.assign(used_.size(), 0);
  }

  /// Registers that were used before this may be given away from here on.
  void begin() { ++stage_; }
  int use(int reg) {
    used_[static_cast<std::size_t>(reg)] = stage_;
    return reg;
  }
  int fill(int reg, const Value& value) {
    held_[static_cast<std::size_t>(reg)] = value;
    return use(reg);
  }

  /// A register with such a value, which is then in use, or -1.
  template <class Matches>
  int find(const Matches& matches) {
    for (int r = 0; r < count(); ++r) {
      if (matches((*this)[r])) return use(r);
    }
    return -1;
  }

  /// The register to be given away: of those not in use, one whose value has the greatest rank; of
  /// equal ones that which was used longest ago.
  template <class Rank>
  int choose(const Rank& rank) const {
    int best = -1;
    std::size_t greatest = 0;
    for (int r = 0; r < count(); ++r) {
      const std::size_t used = used_[static_cast<std::size_t>(r)];
      if (used == stage_) continue;
      const std::size_t this_rank = rank((*this)[r]);
      const bool better = best < 0 || this_rank > greatest ||
                          (this_rank == greatest && used < used_[static_cast<std::size_t>(best)]);
      if (!better) continue;
      best = r;
      greatest = this_rank;
    }
    if (best < 0) bug("device cpu: an instruction needs more registers than there are");
    return best;
  }

 private:
  Value nothing_;
  std::vector<Value> held_;
  std::size_t stage_ = 1;          ///< counts what `begin` separates
  std::vector<std::size_t> used_;  ///< the last such stage
};

}  // namespace odeum::cpu
