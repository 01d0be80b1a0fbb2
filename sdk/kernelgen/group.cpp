// SPDX-License-Identifier: Apache-2.0
// Fused elementwise nodes: one thread an element.
#include "kernelgen/lowering.hpp"

namespace odeum::kernelgen {

void write_group(Lowering& lowering, const Unit& unit) {
  KernelText text;
  const Size size{unit.elements, unit.rowful};
  text.line("const idx i = group * " + text_of(kThreads) + " + LOCAL_ID;");
  text.open("if (i < " + text_of(unit.elements) + (unit.rowful ? " * (idx)rows" : "") + ")");
  Elements elements(lowering, text, place_of(text, "i", unit.rowful, unit.elements));
  for (const ValueId id : unit.nodes) elements.compute(id);
  for (const ValueId id : unit.nodes) {
    if (lowering.slot(id) >= 0) elements.store(id);
  }
  text.close();
  lowering.launch(text, kThreads, {.m = size, .tile_m = kThreads});
}

}  // namespace odeum::kernelgen
