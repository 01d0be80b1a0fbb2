// SPDX-License-Identifier: Apache-2.0
// The instructions of a fused group: operands, multiply-adds, loads and stores, registers.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "odeum/error.hpp"
#include "plan/functions.hpp"
#include "plan/lowering.hpp"
#include "plan/registers.hpp"
#include "plan/slices.hpp"

namespace odeum::cpu {
namespace {

/// Elements of each slice that a chunk holds at most: rows of 64 come eight at a time.
constexpr std::int64_t kSliceChunk = 512;

class Emission {
 public:
  Emission(Lowering& lowering, const Unit& unit)
      : lowering_(lowering), graph_(lowering.graph()), unit_(unit) {
    program_.rowful = unit.rowful;
    program_.elements = unit.elements;
    bool wide = false;
    std::int64_t most = 1;
    for (const ValueId id : unit.nodes) {
      most = std::max(most, slices_read(graph_, id));
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
    if (most > 1) program_.chunk = std::min(program_.chunk, kSliceChunk);
    program_.whole_rows = most > 1;
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

  /// A value [rows, width], or slice d of one.
  using Part = std::pair<ValueId, std::int64_t>;

  /// What `id` reads for its slice d as operand k.
  Layout layout_read(ValueId id, int k, std::int64_t d) const {
    const Layout& whole = graph_.layout(graph_[id].operands[static_cast<std::size_t>(k)]);
    return slices_read(graph_, id) > 1 ? slice(whole, d) : whole;
  }

  /// Can kernels and machine code take the rows where they are?
  bool in_place(const Access& a) const {
    return a.kind == Access::Kind::strided && program_.rowful &&
           program_.elements % kSliceVector == 0 && program_.elements <= kWidestFusedRow &&
           a.extents.size() == 1 && a.strides.front() == 1 && a.per_row == program_.elements &&
           a.row_stride > 0 && a.row_stride % program_.elements == 0;
  }

  int add_register(DType type) {
    GroupOperand operand;
    operand.type = type;
    return add(operand);
  }

  /// The operand that holds what `id` reads as operand k of its slice d; `scalar_allowed` false: as
  /// full elements.
  int read(ValueId id, int k, std::int64_t d, bool scalar_allowed = true) {
    const ValueId x = graph_[id].operands[static_cast<std::size_t>(k)];
    const Layout layout = layout_read(id, k, d);
    const DType type = graph_[x].dtype;
    if (const auto part = slice_of_root(graph_, layout)) {
      const auto computed = values_.find({layout.root, *part});
      if (computed != values_.end()) return computed->second;
    }
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
      if (in_place(a)) {
        operand.kind = GroupOperand::Kind::rows;
        operand.row_stride = a.row_stride;
        program_.whole_rows = true;
      }
    }
    const bool loads = operand.kind == GroupOperand::Kind::reg ||
                       (operand.kind == GroupOperand::Kind::scalar && !scalar_allowed);
    const std::string key = described(operand, a, loads);
    const auto known = reads_.find(key);
    if (known != reads_.end()) return known->second;
    int result = -1;
    if (loads) {
      result = add_register(type);
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
    if (loads || x.kind == GroupOperand::Kind::periodic || x.kind == GroupOperand::Kind::rows) {
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

  /// Where slice d of node `id` is computed: its slot, or a register.
  int written(ValueId id, std::int64_t d) {
    const int slot = lowering_.slot(id);
    const Slices all = slices(graph_, id);
    GroupOperand operand;
    operand.type = graph_[id].dtype;
    if (slot >= 0 && all.count == 1) {
      operand.kind = GroupOperand::Kind::direct;
      operand.slot = slot;
      operand.in_arena = lowering_[slot].in_arena() && !lowering_.ends_in_vector(slot);
      operand.written = true;
    } else if (slot >= 0 && !needs_register(id)) {
      operand = slice_in_slot(id, d);
    }
    return values_[Part(id, d)] = add(operand);
  }

  GroupOperand slice_in_slot(ValueId id, std::int64_t d) const {
    const Slices all = slices(graph_, id);
    GroupOperand operand;
    operand.kind = GroupOperand::Kind::rows;
    operand.type = graph_[id].dtype;
    operand.slot = lowering_.slot(id);
    operand.offset = d * all.width;
    operand.row_stride = all.count * all.width;
    return operand;
  }

  /// Sums over rows and moves take slices from registers alone.
  bool needs_register(ValueId id) const {
    const auto& readers = graph_.readers[static_cast<std::size_t>(id)];
    return std::any_of(readers.begin(), readers.end(), [this](ValueId reader) {
      return graph_[reader].op == Op::concat || sums_in_group(graph_, reader);
    });
  }

  /// Slice d of `id` has been computed; it goes where it is needed.
  void hand_on(ValueId id, std::int64_t d) {
    store_parts(id, d);
    if (slices(graph_, id).count == 1 || lowering_.slot(id) < 0 || !needs_register(id)) return;
    kernel(Fn::copy, graph_[id].dtype, {values_.at(Part(id, d))}, add(slice_in_slot(id, d)));
  }

  /// out = fn(operands), all of one type.
  void kernel(Fn fn, DType type, const std::vector<int>& operands, int out) {
    GroupInstruction x;
    std::size_t variant = 0;
    for (std::size_t k = 0; k < operands.size(); ++k) {
      const auto kind = program_.operands[static_cast<std::size_t>(operands[k])].kind;
      if (kind == GroupOperand::Kind::scalar) variant |= std::size_t{1} << k;
    }
    x.kernel = lowering_.kernels().element[index(fn)][index(type)][variant];
    x.fn = fn;
    x.type = x.from = type;
    x.a = operands.front();
    x.b = operands.size() > 1 ? operands[1] : x.a;
    x.c = operands.size() > 2 ? operands[2] : x.a;
    x.out = out;
    program_.instructions.push_back(std::move(x));
    program_.cost += is_slow(fn) ? 4.0 : 1.0;
  }

  void convert(DType from, DType to, int operand, int out) {
    GroupInstruction x;
    x.kernel = lowering_.kernels().cast[index(from)][index(to)];
    x.type = to;
    x.from = from;
    x.a = x.b = x.c = operand;
    x.out = out;
    program_.instructions.push_back(std::move(x));
    program_.cost += 1.0;
  }

  void element(ValueId id) {
    if (values_.count(Part(id, 0)) != 0) return;  // computed with another
    if (lowering_.fusion().is_part[static_cast<std::size_t>(id)]) return;
    if (graph_[id].op == Op::sum) {
      slice_sum(id);
    } else if (!softplus_and_sigmoid(id)) {
      for (std::int64_t d = 0; d < slices(graph_, id).count; ++d) element(id, d);
    }
  }

  /// Slices added in pairs, then the sums in pairs.
  void slice_sum(ValueId id) {
    std::vector<int> terms;
    for (std::int64_t d = 0; d < slices_read(graph_, id); ++d) terms.push_back(read(id, 0, d));
    const DType type = graph_[id].dtype;
    while (terms.size() > 1) {
      std::vector<int> sums;
      for (std::size_t t = 0; t + 1 < terms.size(); t += 2) {
        const int out = terms.size() == 2 ? written(id, 0) : add_register(type);
        kernel(Fn::add, type, {terms[t], terms[t + 1]}, out);
        sums.push_back(out);
      }
      if (terms.size() % 2 != 0) sums.push_back(terms.back());
      terms = std::move(sums);
    }
    hand_on(id, 0);
  }

  void element(ValueId id, std::int64_t d) {
    const Node& node = graph_[id];
    std::vector<int> operands;
    Fn fn = function_of(node.op);
    const DType from = graph_[node.operands[0]].dtype;
    const bool converts = from != node.dtype;
    if (fn == Fn::copy && !converts && copies_strided(id, d)) {
      const Layout& layout = graph_.layout(node.operands[0]);
      load(lowering_.slot(layout.root), node.dtype, access(layout), written(id, d));
      hand_on(id, d);
      return;
    }
    const int with = lowering_.fusion().product_of[static_cast<std::size_t>(id)];
    if (with >= 0) {
      const ValueId product = operand_root(id, with);
      operands = {read(product, 0, d), read(product, 1, d), read(id, 1 - with, d)};
      fn = with_product(node.op, with);
    } else {
      for (std::size_t k = 0; k < node.operands.size(); ++k)
        operands.push_back(read(id, static_cast<int>(k), d, !converts));
    }
    const auto& kernels = lowering_.kernels();
    const bool known = converts ? kernels.cast[index(from)][index(node.dtype)] != nullptr
                                : kernels.element[index(fn)][index(node.dtype)][0] != nullptr;
    if (!known) {
      throw ConfigError(std::string("device cpu: ") + name(node.op) + " has no meaning for " +
                        name(node.dtype));
    }
    if (converts) {
      convert(from, node.dtype, operands.front(), written(id, d));
    } else {
      kernel(fn, node.dtype, operands, written(id, d));
    }
    hand_on(id, d);
  }

  /// softplus and its derivative at the same place take one exponential.
  bool softplus_and_sigmoid(ValueId id) {
    const Op op = graph_[id].op;
    if ((op != Op::softplus && op != Op::sigmoid) || !graph_.plain(id, 0)) return false;
    const Op wanted = op == Op::softplus ? Op::sigmoid : Op::softplus;
    const auto partner = std::find_if(unit_.nodes.begin(), unit_.nodes.end(), [&](ValueId other) {
      return graph_[other].op == wanted && graph_.role(other) == Role::element &&
             operand_root(other, 0) == operand_root(id, 0) && graph_.plain(other, 0) &&
             values_.count(Part(other, 0)) == 0;
    });
    if (partner == unit_.nodes.end()) return false;
    const ValueId first = op == Op::softplus ? id : *partner;
    const ValueId second = op == Op::softplus ? *partner : id;
    for (std::int64_t d = 0; d < slices(graph_, id).count; ++d) {
      GroupInstruction x;
      x.kind = GroupInstruction::Kind::softplus_sigmoid;
      x.type = x.from = graph_[id].dtype;
      x.a = x.c = read(id, 0, d, false);
      x.out = written(first, d);
      x.b = written(second, d);
      program_.instructions.push_back(std::move(x));
      program_.cost += 6.0;
      hand_on(first, d);
      hand_on(second, d);
    }
    return true;
  }

  /// A copy whose operand has to be loaded anyway is loaded to where the copy goes.
  bool copies_strided(ValueId id, std::int64_t d) const {
    const Layout layout = layout_read(id, 0, d);
    const auto part = slice_of_root(graph_, layout);
    const Access a = access(layout);
    return slices(graph_, id).count == 1 && graph_.fill(layout.root) == nullptr &&
           !(part && values_.count(Part(layout.root, *part)) != 0) &&
           a.kind == Access::Kind::strided && !in_place(a);
  }

  /// Concatenations that take this value as a part get it from here.
  void store_parts(ValueId id, std::int64_t d) {
    for (const ValueId reader : graph_.readers[static_cast<std::size_t>(id)]) {
      if (graph_[reader].op != Op::concat) continue;
      for (int k = 0; k < static_cast<int>(graph_[reader].operands.size()); ++k) {
        if (operand_root(reader, k) != id || !lowering_.part_in_group(reader, k)) continue;
        GroupInstruction x;
        x.kind = GroupInstruction::Kind::store;
        x.slot = lowering_.slot(reader);
        x.type = graph_[id].dtype;
        const Layout part = lowering_.part_layout(reader, k);
        x.access = access(slices(graph_, id).count > 1 ? slice(part, d) : part);
        x.a = values_.at(Part(id, d));
        if (!stored_.insert({reader, k, d}).second) continue;
        program_.instructions.push_back(std::move(x));
      }
    }
  }

  void sum(ValueId id) {
    for (std::int64_t d = 0; d < slices(graph_, operand_root(id, 0)).count; ++d) sum(id, d);
  }
  void sum(ValueId id, std::int64_t d) {
    const Node& node = graph_[id];
    GroupInstruction s;
    s.type = node.dtype;
    s.a = values_.at(Part(operand_root(id, 0), d));
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
      s.offset = d * unit_.elements;
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
  std::map<Part, int> values_;
  std::set<std::tuple<ValueId, int, std::int64_t>> stored_;
  std::map<std::string, int> reads_;
};

}  // namespace

GroupProgram emit_group(Lowering& lowering, const Unit& unit) {
  return Emission(lowering, unit).emit();
}

}  // namespace odeum::cpu
