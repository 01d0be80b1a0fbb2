// SPDX-License-Identifier: Apache-2.0
#include "plan/chains.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "steps/step.hpp"

namespace odeum::cpu {
namespace {

using Pair = std::pair<std::uint32_t, std::uint32_t>;

/// A sum under way: start + x w + x w + ..., then s sum + y.
struct Chain {
  StraightInstruction last;  ///< that writes it
  std::size_t at = 0;        ///< its position
  std::optional<std::uint32_t> start;
  std::vector<Pair> terms;  ///< (x, w)
  std::optional<Pair> end;  ///< (y, s)

  bool is_joined() const { return terms.size() + (end ? 1 : 0) > 1; }
};

class Joining {
 public:
  Joining(StraightCode& code, const Kernels& kernels, DType type)
      : code_(code), kernels_(kernels), type_(type), gone_(code.code.size(), false) {
    count_readers();
  }

  void run() {
    for (std::size_t i = 0; i < code_.code.size(); ++i) {
      std::optional<Chain> chain = begun(code_.code[i]);
      if (!chain) continue;
      chain->at = i;
      join(*chain);
      chains_.insert_or_assign(chain->last.out, std::move(*chain));
    }
    rewrite();
  }

 private:
  struct Value {
    std::size_t end = 0;  ///< of its places
    int readers = 0;
  };

  void count(std::uint32_t place, std::size_t bytes) {
    auto value = values_.upper_bound(place);
    if (value != values_.begin()) --value;
    for (; value != values_.end() && value->first < place + bytes; ++value) {
      if (value->second.end > place) ++value->second.readers;
    }
  }

  void count_readers() {
    const std::size_t size = size_of(type_);
    for (const StraightInstruction& x : code_.code)
      values_[x.out].end = x.out + std::max(padded(x.n * size), kPadding);
    for (const StraightInstruction& x : code_.code) {
      if (x.lists) {
        for (std::uint32_t i = 0; i < x.list; ++i) {
          count(code_.pointers[x.a + i], 1);
          count(code_.pointers[x.b + i], 1);
        }
        continue;
      }
      const std::size_t bytes = size * std::max(x.n, x.list);
      for (const std::uint32_t operand : {x.a, x.b, x.c}) count(operand, bytes);
    }
    for (const StraightCode::Transfer& x : code_.outputs) {
      // What leaves never disappears.
      count(x.at, x.elements * size_of(x.type));
      count(x.at, x.elements * size_of(x.type));
    }
  }

  bool is(const StraightInstruction& x, Fn fn, std::size_t variant) const {
    return x.element == kernels_.element[index(fn)][index(type_)][variant];
  }

  std::optional<Chain> begun(const StraightInstruction& x) const {
    if (is(x, Fn::mul, 2)) return Chain{x, 0, {}, {{x.a, x.b}}, {}};
    if (is(x, Fn::mul, 1)) return Chain{x, 0, {}, {{x.b, x.a}}, {}};
    if (is(x, Fn::mul_add, 2)) return Chain{x, 0, x.c, {{x.a, x.b}}, {}};
    if (is(x, Fn::mul_add, 1)) return Chain{x, 0, x.c, {{x.b, x.a}}, {}};
    return std::nullopt;
  }

  /// The chain whose result stands at `place`, if only an instruction over as many elements reads
  /// it.
  const Chain* taken(std::uint32_t place, std::uint32_t n) {
    const auto known = chains_.find(place);
    if (known == chains_.end() || known->second.end || known->second.last.n != n ||
        values_.at(place).readers != 1)
      return nullptr;
    gone_[known->second.at] = true;
    return &known->second;
  }

  void join(Chain& chain) {
    if (!chain.start) return;
    const auto [x, w] = chain.terms.front();
    if (const Chain* scaled = taken(x, chain.last.n)) {
      chain.end = Pair{*chain.start, w};
      chain.start = scaled->start;
      chain.terms = scaled->terms;
    } else if (const Chain* sum = taken(*chain.start, chain.last.n)) {
      chain.start = sum->start;
      chain.terms = sum->terms;
      chain.terms.emplace_back(x, w);
    }
  }

  void rewrite() {
    std::vector<StraightInstruction> result;
    for (std::size_t i = 0; i < code_.code.size(); ++i) {
      if (gone_[i]) continue;
      result.push_back(code_.code[i]);
      const auto known = chains_.find(code_.code[i].out);
      if (known != chains_.end() && known->second.is_joined())
        result.back() = joined(known->second);
    }
    code_.code = std::move(result);
  }

  StraightInstruction joined(const Chain& chain) {
    StraightInstruction x = chain.last;
    x.element = nullptr;
    x.kind = StraightInstruction::Kind::chain;
    x.kernel = kernels_.straight.chain[index(type_)];
    x.lists = true;
    x.terms = static_cast<std::uint32_t>(chain.terms.size());
    x.list = 2 * x.terms;
    x.starts = chain.start.has_value();
    x.ends = chain.end.has_value();
    x.a = x.b = static_cast<std::uint32_t>(code_.pointers.size());
    x.c = chain.start.value_or(chain.terms.front().first);
    for (const auto& [term, weight] : chain.terms)
      code_.pointers.insert(code_.pointers.end(), {term, weight});
    if (chain.end) {
      x.b = static_cast<std::uint32_t>(code_.pointers.size());
      code_.pointers.insert(code_.pointers.end(), {chain.end->first, chain.end->second});
    }
    return x;
  }

  StraightCode& code_;
  const Kernels& kernels_;
  DType type_;
  std::vector<bool> gone_;
  std::map<std::uint32_t, Chain> chains_;  ///< by the place of the result
  std::map<std::uint32_t, Value> values_;  ///< computed in the run, by place
};

}  // namespace

void join_chains(StraightCode& code, const Kernels& kernels) {
  // A program computes in one floating-point type but for conversions.
  DType type = DType::f32;
  std::size_t most = 0;
  for (const DType one : {DType::f32, DType::f64}) {
    std::size_t products = 0;
    for (const StraightInstruction& x : code.code)
      products += x.element == kernels.element[index(Fn::mul_add)][index(one)][2] ? 1 : 0;
    if (products > most) {
      type = one;
      most = products;
    }
  }
  if (most > 0) Joining(code, kernels, type).run();
}

}  // namespace odeum::cpu
