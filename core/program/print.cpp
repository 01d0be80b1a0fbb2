// SPDX-License-Identifier: Apache-2.0
// Programs as text: one line a node, for people.
#include <sstream>
#include <string>

#include "program/primitive.hpp"

namespace odeum {
namespace program {
namespace {

const char* text(Distribution distribution) {
  switch (distribution) {
    case Distribution::uniform:
      return "uniform";
    case Distribution::normal:
      return "normal";
    case Distribution::rademacher:
      return "rademacher";
  }
  return "unknown";
}

class AttributeText {
 public:
  explicit AttributeText(std::ostream& out) : out_(out) {}

  void operator()(const std::monostate&) {}
  void operator()(const ConstantValues& c) {
    constexpr std::size_t kShown = 6;
    out_ << " {";
    for (std::size_t i = 0; i < c.values.size() && i < kShown; ++i) {
      out_ << (i > 0 ? ", " : "") << c.values[i];
    }
    out_ << (c.values.size() > kShown ? ", ...}" : "}");
  }
  void operator()(const Axis& a) { out_ << " axis " << a.axis; }
  void operator()(const Axes& a) {
    out_ << " axes";
    for (const int axis : a.axes) out_ << ' ' << axis;
  }
  void operator()(const Bounds& b) {
    out_ << " axis " << b.axis << " [" << b.begin << ", " << b.end << ")";
  }
  void operator()(const Padding& p) {
    out_ << " axis " << p.axis << " before " << p.before << " after " << p.after;
  }
  void operator()(const Contraction& c) { out_ << ' ' << c.a << ',' << c.b << "->" << c.out; }
  void operator()(const Window& w) {
    pair(" kernel", w.kernel);
    pair(" stride", w.stride);
    pair(" pad", w.pad_before);
    pair(" to", w.pad_after);
    pair(" dilation", w.dilation);
  }
  void operator()(const Solve& s) { out_ << (s.transposed ? " transposed" : ""); }
  void operator()(const Randomness& r) { out_ << ' ' << text(r.distribution); }
  void operator()(const Callee& c) { out_ << " of " << c.program->nodes.size() << " nodes"; }
  void operator()(const HostCallee& c) { out_ << ' ' << c.function->name(); }
  void operator()(const OutputIndex& o) { out_ << ' ' << o.index; }

 private:
  void pair(const char* label, const std::array<std::int64_t, 2>& values) {
    out_ << label << ' ' << values[0] << 'x' << values[1];
  }

  std::ostream& out_;
};

}  // namespace
}  // namespace program

inline namespace v1 {

std::string Program::text() const {
  std::ostringstream out;
  std::size_t next_input = 0;
  for (std::size_t id = 0; id < nodes.size(); ++id) {
    const Node& node = nodes[id];
    out << '%' << id << " = " << name(node.op);
    if (node.op == Op::input) {
      while (next_input < inputs.size() && inputs[next_input] != static_cast<ValueId>(id)) {
        ++next_input;
      }
      if (next_input < inputs.size()) out << ' ' << input_names[next_input];
      next_input = 0;
    }
    for (const ValueId operand : node.operands) out << " %" << operand;
    std::visit(program::AttributeText(out), node.attributes);
    if (node.op != Op::call && node.op != Op::host_call) {
      out << " : " << name(node.dtype) << ' ' << node.shape.text() << ' ' << name(node.row_class);
    }
    out << '\n';
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    out << "output " << output_names[i] << " = %" << outputs[i] << '\n';
  }
  return out.str();
}

}  // namespace v1
}  // namespace odeum
