// SPDX-License-Identifier: Apache-2.0
#include "program/attributes.hpp"

#include <bit>
#include <cstring>
#include <string_view>

namespace odeum::program {
namespace {

bool same(const std::monostate&, const std::monostate&) { return true; }
bool same(const ConstantValues& a, const ConstantValues& b) {
  return a.values.size() == b.values.size() &&
         (a.values.empty() ||
          std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(double)) == 0);
}
bool same(const Axis& a, const Axis& b) { return a.axis == b.axis; }
bool same(const Axes& a, const Axes& b) { return a.axes == b.axes; }
bool same(const Bounds& a, const Bounds& b) {
  return a.axis == b.axis && a.begin == b.begin && a.end == b.end;
}
bool same(const Padding& a, const Padding& b) {
  return a.axis == b.axis && a.before == b.before && a.after == b.after;
}
bool same(const Contraction& a, const Contraction& b) {
  return a.a == b.a && a.b == b.b && a.out == b.out;
}
bool same(const Window& a, const Window& b) { return a == b; }
bool same(const Solve& a, const Solve& b) { return a.transposed == b.transposed; }
bool same(const Randomness& a, const Randomness& b) { return a.distribution == b.distribution; }
bool same(const Callee& a, const Callee& b) { return a.program == b.program; }
bool same(const HostCallee& a, const HostCallee& b) { return a.function == b.function; }
bool same(const OutputIndex& a, const OutputIndex& b) { return a.index == b.index; }

class Hash {
 public:
  void add(std::uint64_t word) {
    state_ = (state_ ^ word) * 0x9E3779B97F4A7C15U;
    state_ ^= state_ >> 29;
  }
  void add(std::int64_t number) { add(static_cast<std::uint64_t>(number)); }
  void add(int number) { add(static_cast<std::uint64_t>(number)); }
  void add(const void* pointer) { add(reinterpret_cast<std::uintptr_t>(pointer)); }
  void add(std::string_view text) {
    add(text.size());
    for (const char c : text) add(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
  }

  void operator()(const std::monostate&) {}
  void operator()(const ConstantValues& c) {
    for (const double value : c.values) add(std::bit_cast<std::uint64_t>(value));
  }
  void operator()(const Axis& a) { add(a.axis); }
  void operator()(const Axes& a) {
    for (const int axis : a.axes) add(axis);
  }
  void operator()(const Bounds& b) { add(b.axis), add(b.begin), add(b.end); }
  void operator()(const Padding& p) { add(p.axis), add(p.before), add(p.after); }
  void operator()(const Contraction& c) {
    add(std::string_view(c.a)), add(std::string_view(c.b)), add(std::string_view(c.out));
  }
  void operator()(const Window& w) {
    for (const auto* pair : {&w.kernel, &w.stride, &w.pad_before, &w.pad_after, &w.dilation}) {
      add((*pair)[0]), add((*pair)[1]);
    }
  }
  void operator()(const Solve& s) { add(s.transposed ? 1 : 0); }
  void operator()(const Randomness& r) { add(static_cast<int>(r.distribution)); }
  void operator()(const Callee& c) { add(static_cast<const void*>(c.program.get())); }
  void operator()(const HostCallee& c) { add(static_cast<const void*>(c.function.get())); }
  void operator()(const OutputIndex& o) { add(o.index); }

  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0x243F6A8885A308D3U;
};

}  // namespace

bool equal(const Attributes& a, const Attributes& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&b](const auto& held) { return same(held, std::get<std::decay_t<decltype(held)>>(b)); }, a);
}

bool equal(const Node& a, const Node& b) {
  return a.op == b.op && a.dtype == b.dtype && a.operands == b.operands && a.shape == b.shape &&
         equal(a.attributes, b.attributes);
}

std::uint64_t hash(const Node& node) {
  Hash hash;
  hash.add(static_cast<int>(node.op) * 8 + static_cast<int>(node.dtype));
  for (const ValueId id : node.operands) hash.add(static_cast<int>(id));
  for (const std::int64_t extent : node.shape.extents()) hash.add(extent);
  std::visit([&hash](const auto& held) { hash(held); }, node.attributes);
  return hash.value();
}

}  // namespace odeum::program
