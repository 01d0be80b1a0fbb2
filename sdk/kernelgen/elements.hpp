// SPDX-License-Identifier: Apache-2.0
// Elements: the values that one thread computes for one index, written into a kernel.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kernelgen/graph.hpp"
#include "kernelgen/text.hpp"

namespace odeum::kernelgen {

class Lowering;

/// Names of the flat index that a thread works at: of the whole value, of its row, within the row.
/// Without rows `element` is `flat`.
struct Place {
  std::string flat, row, element;
};

/// Where entry `element` of the thread's row of a value lies, if that is not the value's slot; else
/// nothing.
using Elsewhere = std::function<std::string(ValueId root, const std::string& element)>;

class Elements {
 public:
  Elements(const Lowering& lowering, KernelText& text, Place place, Elsewhere elsewhere = {})
      : lowering_(lowering),
        text_(text),
        place_(std::move(place)),
        elsewhere_(std::move(elsewhere)) {}

  /// Computes node `id` at the place and keeps it under a name.
  void compute(ValueId id);
  /// Keeps what was computed otherwise.
  void give(ValueId id, const std::string& name) { names_[id] = name; }
  /// The name of a computed node.
  const std::string& name(ValueId id) const { return names_.at(id); }
  /// Writes a computed node to its slot.
  void store(ValueId id);
  /// Operand k of a node that reads it element by element: its name, its number, or a load.
  std::string operand(ValueId id, int k);
  /// The entry of a value (a view as well) at these indices.
  std::string load(ValueId value, const std::vector<std::string>& indices);
  /// The indices of the place in an array of this shape.
  std::vector<std::string> indices(const Shape& shape);

 private:
  std::string expression(ValueId id);
  std::string random(ValueId id);
  std::string pad(ValueId id);
  std::string concat(ValueId id);
  std::string gather(ValueId id);
  std::string window_argmax(ValueId id);
  std::string short_reduction(ValueId id);

  const Lowering& lowering_;
  KernelText& text_;
  Place place_;
  Elsewhere elsewhere_;
  std::map<ValueId, std::string> names_;
};

/// The formula of an elementwise operation.
std::string formula(Op op, DType type, DType from, const std::vector<std::string>& operands);

/// Splits a flat index into row and element where the value has rows; else element is flat.
Place place_of(KernelText& text, const std::string& flat, bool rowful, std::int64_t elements);

}  // namespace odeum::kernelgen
