// SPDX-License-Identifier: Apache-2.0
// The instructions of a fused group: operands, multiply-adds, loads and stores, registers.
#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "odeum/error.hpp"
#include "plan/functions.hpp"
#include "plan/lowering.hpp"
#include "plan/registers.hpp"

namespace odeum::cpu {
namespace {

class Emission {
 public:
  Emission(Lowering& lowering, const Unit& unit)
      : lowering_(lowering), graph_(lowering.graph()), unit_(unit) {
    program_.rowful = unit.rowful;
    program_.elements = unit.elements;
    bool wide = false;
    for (const ValueId id : unit.nodes) {
      wide = wide || size_of(graph_[id].dtype) == 8;
      narrow_ = narrow_ || graph_[id].dtype == DType::f32;
      for (const ValueId x : graph_[id].operands) {
        wide = wide || size_of(graph_[x].dtype) == 8;
        narrow_ = narrow_ || graph_[x].dtype == DType::f32;
      }
    }
    program_.granule = narrow_ ? 16 : 8;
    program_.chunk = unit.nodes.size() > 16 ? 512 : 1024;
    if (wide) program_.chunk /= 2;
    largest_ = wide ? 8 : 4;
  }

  GroupProgram emit() {
    for (const ValueId id : unit_.nodes) {
      if (graph_.role(id) == Role::element) element(id);
    }
    // Behind all that passes from operation to operation in vector registers.
    for (const ValueId id : unit_.nodes) {
      if (graph_.role(id) != Role::element) sum(id);
    }
    assign_registers(program_, largest_);
    return std::move(program_);
  }

 private:
  ValueId operand_root(ValueId id, int k) const {
    return graph_.root(graph_[id].operands[static_cast<std::size_t>(k)]);
  }

  int add(GroupOperand operand) {
    program_.operands.push_back(operand);
    return static_cast<int>(program_.operands.size()) - 1;
  }

  /// The operand that holds what `id` reads as operand k; `scalar_allowed` false: as full elements.
  int read(ValueId id, int k, bool scalar_allowed = true) {
    const ValueId x = graph_[id].operands[static_cast<std::size_t>(k)];
    const Layout& layout = graph_.layout(x);
    const DType type = graph_[x].dtype;
    const auto computed = values_.find(layout.root);
    if (computed != values_.end() && graph_.plain(id, k)) return computed->second;
    GroupOperand operand;
    operand.type = type;
    const Access a = access(layout);
    if (const double* value = graph_.fill(layout.root)) {
      operand.kind = GroupOperand::Kind::scalar;
      operand.slot = lowering_.number(*value, type);
    } else {
      operand.slot = lowering_.slot(layout.root);
      operand.offset = a.offset;
      if (a.kind == Access::Kind::scalar) operand.kind = GroupOperand::Kind::scalar;
      if (a.kind == Access::Kind::contiguous) operand.kind = GroupOperand::Kind::direct;
      if (a.kind == Access::Kind::periodic) operand.kind = GroupOperand::Kind::periodic;
    }
    const bool loads = operand.kind == GroupOperand::Kind::reg ||
                       (operand.kind == GroupOperand::Kind::scalar && !scalar_allowed);
    const std::string key = described(operand, a, loads);
    const auto known = reads_.find(key);
    if (known != reads_.end()) return known->second;
    int result = -1;
    if (loads) {
      result = add({GroupOperand::Kind::reg, type, -1, 0, true, false, false, -1});
      load(operand.slot, type, a, result);
    } else {
      if (operand.kind == GroupOperand::Kind::periodic) {
        operand.slot = lowering_.repeated(layout.root, a, program_.chunk, unit_.phase);
        operand.offset = 0;
        operand.in_arena = true;
      }
      if (operand.kind == GroupOperand::Kind::direct) {
        operand.in_arena = lowering_[operand.slot].in_arena() && operand.offset == 0;
        operand.read = true;
      }
      result = add(operand);
    }
    reads_[key] = result;
    return result;
  }

  std::string described(const GroupOperand& x, const Access& a, bool loads) const {
    std::string key = std::to_string(static_cast<int>(x.kind)) + (loads ? "L" : "") + ":" +
                      std::to_string(x.slot) + ":" + std::to_string(a.offset);
    if (loads || x.kind == GroupOperand::Kind::periodic) {
      key += ":" + std::to_string(a.row_stride);
      for (std::size_t i = 0; i < a.extents.size(); ++i) {
        key += "," + std::to_string(a.extents[i]) + "/" + std::to_string(a.strides[i]);
      }
    }
    return key;
  }

  void load(int slot, DType type, const Access& a, int out) {
    GroupInstruction x;
    x.kind = GroupInstruction::Kind::load;
    x.slot = slot;
    x.type = type;
    x.access = a;
    x.out = out;
    program_.instructions.push_back(std::move(x));
  }

  /// Where node `id` writes: its slot, or a register.
  int written(ValueId id) {
    const int slot = lowering_.slot(id);
    GroupOperand operand;
    operand.type = graph_[id].dtype;
    if (slot >= 0) {
      operand.kind = GroupOperand::Kind::direct;
      operand.slot = slot;
      operand.in_arena = lowering_[slot].in_arena() && !lowering_.ends_in_vector(slot);
      operand.written = true;
    }
    return values_[id] = add(operand);
  }

  void element(ValueId id) {
    if (values_.count(id) != 0) return;  // computed with another
    if (lowering_.fusion().is_part[static_cast<std::size_t>(id)]) return;
    const Node& node = graph_[id];
    GroupInstruction x;
    std::array<int, 3> operands{0, 0, 0};
    Fn fn = function_of(node.op);
    std::size_t count = node.operands.size();
    const DType from = graph_[node.operands[0]].dtype;
    const bool converts = from != node.dtype;
    if (fn == Fn::copy && !converts && copies_strided(id)) {
      const Layout& layout = graph_.layout(node.operands[0]);
      const int slot = lowering_.slot(layout.root);
      load(slot, node.dtype, access(layout), written(id));
      store_parts(id);
      return;
    }
    if (softplus_and_sigmoid(id)) return;
    const int with = lowering_.fusion().product_of[static_cast<std::size_t>(id)];
    if (with >= 0) {
      const ValueId product = operand_root(id, with);
      operands = {read(product, 0), read(product, 1), read(id, 1 - with)};
      count = 3;
      fn = with_product(node.op, with);
    } else {
      for (std::size_t k = 0; k < count; ++k)
        operands[k] = read(id, static_cast<int>(k), !converts);
    }
    std::size_t variant = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const auto kind = program_.operands[static_cast<std::size_t>(operands[k])].kind;
      if (kind == GroupOperand::Kind::scalar) variant |= std::size_t{1} << k;
    }
    x.kernel = converts ? lowering_.kernels().cast[index(from)][index(node.dtype)]
                        : lowering_.kernels().element[index(fn)][index(node.dtype)][variant];
    if (x.kernel == nullptr) {
      throw ConfigError(std::string("device cpu: ") + name(node.op) + " has no meaning for " +
                        name(node.dtype));
    }
    x.fn = converts ? Fn::count : fn;
    x.type = node.dtype;
    x.a = operands[0];
    x.b = count > 1 ? operands[1] : operands[0];
    x.c = count > 2 ? operands[2] : operands[0];
    x.out = written(id);
    program_.instructions.push_back(std::move(x));
    program_.cost += is_slow(fn) ? 4.0 : 1.0;
    store_parts(id);
  }

  /// softplus and its derivative at the same place take one exponential.
  bool softplus_and_sigmoid(ValueId id) {
    const Op op = graph_[id].op;
    if ((op != Op::softplus && op != Op::sigmoid) || !graph_.plain(id, 0)) return false;
    const Op wanted = op == Op::softplus ? Op::sigmoid : Op::softplus;
    const auto partner = std::find_if(unit_.nodes.begin(), unit_.nodes.end(), [&](ValueId other) {
      return graph_[other].op == wanted && graph_.role(other) == Role::element &&
             operand_root(other, 0) == operand_root(id, 0) && graph_.plain(other, 0) &&
             values_.count(other) == 0;
    });
    if (partner == unit_.nodes.end()) return false;
    const ValueId first = op == Op::softplus ? id : *partner;
    const ValueId second = op == Op::softplus ? *partner : id;
    GroupInstruction x;
    x.kind = GroupInstruction::Kind::softplus_sigmoid;
    x.type = graph_[id].dtype;
    x.a = x.c = read(id, 0, false);
    x.out = written(first);
    x.b = written(second);
    program_.instructions.push_back(std::move(x));
    program_.cost += 6.0;
    store_parts(first);
    store_parts(second);
    return true;
  }

  /// A copy whose operand has to be loaded anyway is loaded to where the copy goes.
  bool copies_strided(ValueId id) const {
    const Layout& layout = graph_.layout(graph_[id].operands[0]);
    return graph_.fill(layout.root) == nullptr && values_.count(layout.root) == 0 &&
           access(layout).kind == Access::Kind::strided;
  }

  /// Concatenations that take this value as a part get it from here.
  void store_parts(ValueId id) {
    for (const ValueId reader : graph_.readers[static_cast<std::size_t>(id)]) {
      if (graph_[reader].op != Op::concat) continue;
      for (int k = 0; k < static_cast<int>(graph_[reader].operands.size()); ++k) {
        if (operand_root(reader, k) != id || !lowering_.part_in_group(reader, k)) continue;
        GroupInstruction x;
        x.kind = GroupInstruction::Kind::store;
        x.slot = lowering_.slot(reader);
        x.type = graph_[id].dtype;
        x.access = lowering_.part_access(reader, k);
        x.a = values_.at(id);
        if (!stored_.insert({{reader, k}, true}).second) continue;
        program_.instructions.push_back(std::move(x));
      }
    }
  }

  void sum(ValueId id) {
    const Node& node = graph_[id];
    const ValueId x = operand_root(id, 0);
    GroupInstruction s;
    s.type = node.dtype;
    s.a = values_.at(x);
    const auto& axes = std::get<Axes>(node.attributes).axes;
    if (axes.front() != 0) {
      s.kind = GroupInstruction::Kind::row_sum;
      s.slot = lowering_.slot(id);
      const std::int64_t kept = graph_.elements(id);
      s.width = kept == 0 ? 1 : unit_.elements / kept;
      program_.whole_rows = true;
    } else {
      s.kind = GroupInstruction::Kind::column_sum;
      s.slot = lowering_.accumulator(id);
      s.width = axes.size() == 1 ? unit_.elements : 1;
      const Term& term = lowering_.term(id);
      s.scale = term.scale;
      s.scalars = lowering_.scalar_slots(term);
      program_.sharded = true;
      program_.whole_rows = program_.whole_rows || s.width != 1;
    }
    program_.instructions.push_back(std::move(s));
    program_.cost += 1.0;
  }

  Lowering& lowering_;
  const Graph& graph_;
  const Unit& unit_;
  GroupProgram program_;
  bool narrow_ = false;
  std::size_t largest_ = 4;
  std::map<ValueId, int> values_;
  std::map<std::pair<ValueId, int>, bool> stored_;
  std::map<std::string, int> reads_;
};

}  // namespace

GroupProgram emit_group(Lowering& lowering, const Unit& unit) {
  return Emission(lowering, unit).emit();
}

}  // namespace odeum::cpu
