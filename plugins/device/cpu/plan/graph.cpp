// SPDX-License-Identifier: Apache-2.0
#include "plan/graph.hpp"

#include <algorithm>

#include "odeum/error.hpp"
#include "plan/slices.hpp"

namespace odeum::cpu {

bool is_elementwise(Op op) { return op >= Op::neg && op <= Op::select && op != Op::stop_gradient; }
bool is_view(Op op) {
  return op == Op::stop_gradient || op == Op::reshape || op == Op::permute || op == Op::broadcast ||
         op == Op::slice;
}

namespace {

/// Operations whose steps read their operands row-major, without strides.
bool reads_contiguous(Op op) {
  switch (op) {
    case Op::random:
    case Op::gather:
    case Op::scatter_add:
    case Op::window_argmax:
    case Op::conv:
    case Op::conv_input_gradient:
    case Op::conv_weight_gradient:
    case Op::lu_solve:
      return true;
    default:
      return false;
  }
}

}  // namespace

Graph::Graph(const Program& program, const CompileOptions& options,
             const std::vector<bool>& wanted) {
  std::vector<ValueId> now(program.nodes.size());
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    Node node = program.nodes[i];
    if (node.op == Op::call || node.op == Op::host_call || node.op == Op::output) {
      throw ConfigError("device cpu: program '" + options.name + "' holds a " + name(node.op) +
                        "; a device takes programs with calls inlined and cut at host calls");
    }
    for (ValueId& operand : node.operands) {
      operand = now[static_cast<std::size_t>(operand)];
      const Layout& x = layout(operand);
      if (reads_contiguous(node.op) &&
          (fill(x.root) != nullptr || !whole(x, (*this)[x.root].shape)))
        operand = copied(operand);
    }
    now[i] = append(std::move(node));
  }
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    input_of[static_cast<std::size_t>(now[static_cast<std::size_t>(program.inputs[i])])] =
        static_cast<int>(i);
  }
  std::vector<ValueId> outputs;
  for (const ValueId id : program.outputs) outputs.push_back(now[static_cast<std::size_t>(id)]);
  bind_outputs(outputs, program.inputs.size(), options, wanted);
  find_live();
  find_phases();
  find_accumulations();
}

ValueId Graph::copied(ValueId x) {
  const Node node = (*this)[x];
  return append({Op::cast, node.dtype, node.row_class, node.shape, {x}, {}});
}

ValueId Graph::append(Node node) {
  nodes.push_back(std::move(node));
  layouts.emplace_back();
  roles.push_back(Role::dead);
  phases.push_back(0);
  output_of.push_back(-1);
  input_of.push_back(-1);
  accumulation_of.push_back(-1);
  const auto id = static_cast<ValueId>(nodes.size() - 1);
  place(id);
  return id;
}

void Graph::place(ValueId id) {
  const Node& node = (*this)[id];
  Layout& layout = layouts[static_cast<std::size_t>(id)];
  if (is_view(node.op)) {
    if (auto found = view(node, layouts[static_cast<std::size_t>(node.operands[0])])) {
      layout = std::move(*found);
      return;
    }
  }
  layout = fill(id) != nullptr ? filled(id, node.shape) : contiguous(id, node.shape);
}

const double* Graph::fill(ValueId id) const {
  const auto* constant = std::get_if<ConstantValues>(&(*this)[id].attributes);
  return constant != nullptr && constant->values.size() == 1 ? constant->values.data() : nullptr;
}

bool Graph::plain(ValueId id, int k) const {
  const Layout& x = layout((*this)[id].operands[static_cast<std::size_t>(k)]);
  return fill(x.root) == nullptr && whole(x, (*this)[x.root].shape);
}

bool Graph::reduces_rows(ValueId id) const {
  const Node& node = (*this)[id];
  if (node.shape.has_rows() || is_view(node.op) || node.op == Op::row_count || node.op == Op::input)
    return false;
  return std::any_of(node.operands.begin(), node.operands.end(),
                     [this](ValueId x) { return rowful(x); });
}

void Graph::bind_outputs(const std::vector<ValueId>& outputs, std::size_t inputs,
                         const CompileOptions& options, const std::vector<bool>& wanted) {
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!wanted[k]) continue;
    const ValueId value = outputs[k];
    const Node node = (*this)[value];
    const bool accumulate =
        !options.outputs.empty() && options.outputs[k] == OutputMode::accumulate;
    ValueId writer = root(value);
    const Node& computed = (*this)[writer];
    const bool in_place = !accumulate && computed.op != Op::input && computed.op != Op::constant &&
                          output_of[static_cast<std::size_t>(writer)] < 0 &&
                          whole(layout(value), computed.shape);
    if (accumulate) {
      const ValueId before = append({Op::input, node.dtype, node.row_class, node.shape, {}, {}});
      input_of[static_cast<std::size_t>(before)] = static_cast<int>(inputs + k);
      writer = append({Op::add, node.dtype, node.row_class, node.shape, {before, value}, {}});
    } else if (!in_place) {
      writer = copied(value);
    }
    output_of[static_cast<std::size_t>(writer)] = static_cast<int>(k);
  }
}

void Graph::find_live() {
  readers.assign(size(), {});
  for (auto id = static_cast<ValueId>(size()); id-- > 0;) {
    const auto i = static_cast<std::size_t>(id);
    const Node& node = nodes[i];
    if (output_of[i] < 0 && readers[i].empty()) continue;
    if (node.op == Op::input || node.op == Op::constant) {
      roles[i] = Role::leaf;
      continue;
    }
    // A view that memory cannot express is an elementwise copy.
    const bool by_element = is_elementwise(node.op) || is_view(node.op) || sums_slices(*this, id);
    roles[i] = by_element ? Role::element : Role::step;
    for (const ValueId operand : node.operands)
      readers[static_cast<std::size_t>(root(operand))].push_back(id);
  }
  for (auto& list : readers) std::reverse(list.begin(), list.end());
}

void Graph::find_phases() {
  for (std::size_t i = 0; i < size(); ++i) {
    if (roles[i] == Role::dead || roles[i] == Role::leaf) {
      phases[i] = nodes[i].shape.has_rows() ? 1 : 0;
      continue;
    }
    int latest = 0;
    bool has_rowful = false;
    for (const ValueId operand : nodes[i].operands) {
      latest = std::max(latest, roles[static_cast<std::size_t>(root(operand))] == Role::leaf
                                    ? 0
                                    : phase(root(operand)));
      has_rowful = has_rowful || rowful(operand);
    }
    if (nodes[i].shape.has_rows() || has_rowful) latest |= 1;  // the work is done over rows
    phases[i] = nodes[i].shape.has_rows() || !has_rowful ? latest : latest + 1;
    last_phase = std::max(last_phase, phases[i]);
  }
}

std::optional<Accumulation> Graph::accumulation(
    ValueId id, const std::vector<std::optional<Accumulation>>& forms) const {
  const Node& node = (*this)[id];
  if (reduces_rows(id)) return Accumulation{id, {{id, 1.0, {}}}};
  if (node.dtype == DType::i64 || node.shape.has_rows()) return std::nullopt;
  // Operand k as a sum that only this node reads.
  const auto form = [&](int k) -> const Accumulation* {
    const ValueId x = root(node.operands[static_cast<std::size_t>(k)]);
    const auto i = static_cast<std::size_t>(x);
    if (!plain(id, k) || !forms[i] || readers[i].size() != 1 || output_of[i] >= 0) return nullptr;
    if ((*this)[forms[i]->terms.front().reduction].op == Op::reduce_max)
      return nullptr;  // grows by sums only
    return (*this)[x].dtype == node.dtype ? &*forms[i] : nullptr;
  };
  const auto scaled = [&](Accumulation sum, double factor) {
    for (Term& term : sum.terms) term.scale *= factor;
    sum.result = id;
    return sum;
  };
  switch (node.op) {
    case Op::neg:
      if (const Accumulation* x = form(0)) return scaled(*x, -1.0);
      return std::nullopt;
    case Op::add:
    case Op::sub: {
      const Accumulation* x = form(0);
      const Accumulation* y = form(1);
      if (x == nullptr || y == nullptr) return std::nullopt;
      const ValueId rx = x->terms[0].reduction, ry = y->terms[0].reduction;
      const bool one_kind = ((*this)[rx].op == Op::dot) == ((*this)[ry].op == Op::dot) &&
                            ((*this)[rx].op == Op::sum) == ((*this)[ry].op == Op::sum);
      if (!one_kind || executed_in(rx) != executed_in(ry)) return std::nullopt;
      Accumulation both = scaled(*x, 1.0);
      const Accumulation second = scaled(*y, node.op == Op::sub ? -1.0 : 1.0);
      both.terms.insert(both.terms.end(), second.terms.begin(), second.terms.end());
      return both;
    }
    case Op::mul:
      for (int k = 0; k < 2; ++k) {
        const Accumulation* x = form(k);
        const Layout& other = layout(node.operands[static_cast<std::size_t>(1 - k)]);
        if (x == nullptr) continue;
        if (const double* factor = fill(other.root)) return scaled(*x, *factor);
        const bool scalar = access(other).kind == Access::Kind::scalar &&
                            elements(other.root) == 1 && !rowful(other.root);
        const bool early = role(other.root) == Role::leaf ||
                           phase(other.root) < executed_in(x->terms[0].reduction);
        if (!scalar || !early || (*this)[other.root].dtype != node.dtype) continue;
        Accumulation sum = scaled(*x, 1.0);
        for (Term& term : sum.terms) term.scalars.push_back(other.root);
        return sum;
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

void Graph::find_accumulations() {
  std::vector<std::optional<Accumulation>> forms(size());
  for (std::size_t i = 0; i < size(); ++i) {
    if (roles[i] != Role::element && roles[i] != Role::step) continue;
    forms[i] = accumulation(static_cast<ValueId>(i), forms);
    if (!forms[i] || reduces_rows(static_cast<ValueId>(i))) continue;
    // The operands' sums go on in this one.
    for (const ValueId operand : nodes[i].operands) {
      const auto r = static_cast<std::size_t>(root(operand));
      const auto continues = [&](const Term& term) {
        return forms[r] && term.reduction == forms[r]->terms[0].reduction;
      };
      if (std::any_of(forms[i]->terms.begin(), forms[i]->terms.end(), continues))
        roles[r] = Role::absorbed;
    }
    roles[i] = Role::step;
  }
  for (std::size_t i = 0; i < size(); ++i) {
    if (!forms[i] || roles[i] == Role::absorbed) continue;
    const int index = static_cast<int>(accumulations.size());
    for (const Term& term : forms[i]->terms) {
      accumulation_of[static_cast<std::size_t>(term.reduction)] = index;
    }
    accumulation_of[i] = index;
    accumulations.push_back(std::move(*forms[i]));
  }
}

}  // namespace odeum::cpu
