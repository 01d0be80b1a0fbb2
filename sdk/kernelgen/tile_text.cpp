// SPDX-License-Identifier: Apache-2.0
// A tile's kernel: its steps one after another, with barriers between their levels.
#include <algorithm>

#include "kernelgen/lowering.hpp"

namespace odeum::kernelgen {
namespace {

const char* array_of(DType type) {
  return type == DType::f32 ? "tile_float" : (type == DType::f64 ? "tile_double" : "tile_long");
}

struct TileWriter {
  Lowering& lowering;
  const Tile& tile;
  KernelText text = {};

  const Graph& graph() const { return lowering.graph(); }

  /// Entry `element` of the thread's row in local memory, or nothing.
  std::string held(ValueId root, const std::string& element) const {
    const auto value = tile.values.find(root);
    if (value == tile.values.end()) return "";
    const std::string rows = text_of(tile.rows);
    std::string at = value->second.place == 0 ? "" : text_of(value->second.place) + " + ";
    if (element != "0") at += "(" + element + ") * " + rows + " + ";
    return joined({array_of(graph()[root].dtype), "[", at, "y]"});
  }
  Elements elements(const Place& place) {
    return {lowering, text, place,
            [this](ValueId root, const std::string& element) { return held(root, element); }};
  }
  /// The thread's row: that of the tile's row y, and the last where there is none.
  void declare_row() { text.line("const idx row = row0 + y < rows ? row0 + y : (idx)rows - 1;"); }
  /// Computes the step's nodes but those that are given, and keeps what others read.
  void finish(const TileStep& step, Elements& elements) {
    bool stores = false;
    for (const ValueId id : step.nodes) {
      if (graph()[id].op != Op::dot) elements.compute(id);
    }
    for (const ValueId id : step.nodes) {
      const std::string place = held(id, step.elements == 1 ? "0" : "e");
      if (!place.empty()) text.line(place + " = " + elements.name(id) + ";");
      stores = stores || lowering.slot(id) >= 0;
    }
    if (!stores) return;
    text.open("if (row0 + y < rows)");
    for (const ValueId id : step.nodes) {
      if (lowering.slot(id) >= 0) elements.store(id);
    }
    text.close();
  }
};

Place place_in(KernelText& text, std::int64_t elements) {
  if (elements == 1) return {"row", "row", "0"};
  return {text.index("row * " + text_of(elements) + " + e"), "row", "e"};
}

/// A thread an entry, rows fastest.
void write_entries(TileWriter& w, const TileStep& step) {
  const std::string rows = text_of(w.tile.rows);
  w.text.open(joined({"for (idx i = LOCAL_ID; i < ", text_of(step.elements * w.tile.rows),
                      "; i += ", text_of(kThreads), ")"}));
  w.text.line(joined({"const idx y = i % ", rows, ", e = i / ", rows, ";"}));
  w.declare_row();
  Elements elements = w.elements(place_in(w.text, step.elements));
  w.finish(step, elements);
  w.text.close();
}

/// The indices of an operand's axes, by their labels.
std::vector<std::string> indices_of(const std::string& labels, const std::string& out,
                                    const std::vector<std::string>& outer,
                                    const std::string& contracted,
                                    const std::vector<std::string>& inner) {
  std::vector<std::string> indices;
  for (const char label : labels) {
    const auto at = out.find(label);
    indices.push_back(at != std::string::npos ? outer[at] : inner[contracted.find(label)]);
  }
  return indices;
}

/// Adds up a dot for the thread's rows, `first` and those behind it, into the array `sums`.
void write_sums(TileWriter& w, ValueId id, const std::string& sums, std::int64_t count) {
  KernelText& text = w.text;
  const Graph& graph = w.graph();
  const auto& c = std::get<Contraction>(graph[id].attributes);
  const std::string type = c_type(graph[id].dtype);
  std::string contracted;
  std::vector<std::int64_t> extents;
  std::int64_t length = 1;
  for (std::size_t axis = 0; axis < c.a.size(); ++axis) {
    if (c.out.find(c.a[axis]) != std::string::npos) continue;
    contracted += c.a[axis];
    extents.push_back(graph[graph.operand(id, 0)].shape[static_cast<int>(axis)]);
    length *= extents.back();
  }
  const Place place{"", "row", graph.elements(id) == 1 ? "0" : "e"};
  const std::string loop = "for (idx r = 0; r < " + text_of(count) + "; ++r)";
  text.line(joined({type, " ", sums, "[", text_of(count), "];"}));
  text.line(loop + " " + sums + "[r] = 0;");
  Elements outside = w.elements(place);
  const std::vector<std::string> outer = outside.indices(graph[id].shape);
  text.open("for (idx k = 0; k < " + text_of(length) + "; ++k)");
  const std::vector<std::string> inner = decompose(text, "k", extents);
  std::string factors[2];
  const auto read = [&](Elements& elements, int operand) {
    factors[operand] = text.let(
        type, elements.load(graph.operand(id, operand),
                            indices_of(operand == 0 ? c.a : c.b, c.out, outer, contracted, inner)));
  };
  for (const int operand : {0, 1}) {
    if (!graph.rowful(graph.operand(id, operand))) read(outside, operand);
  }
  text.open(loop);
  text.line("const idx y = first + r;");
  w.declare_row();
  Elements elements = w.elements(place);
  for (const int operand : {0, 1}) {
    if (graph.rowful(graph.operand(id, operand))) read(elements, operand);
  }
  text.line(joined({sums, "[r] += ", factors[0], " * ", factors[1], ";"}));
  text.close();
  text.close();
}

/// A thread a column of a few rows, so that it reads weights once for all of them.
void write_columns(TileWriter& w, const TileStep& step) {
  KernelText& text = w.text;
  std::int64_t count = w.tile.rows;
  while (count > 1 && step.elements * w.tile.rows < count * kThreads) count /= 2;
  const std::string columns = text_of(step.elements);
  text.open(joined({"for (idx i = LOCAL_ID; i < ", text_of(step.elements * w.tile.rows / count),
                    "; i += ", text_of(kThreads), ")"}));
  text.line(joined(
      {"const idx e = i % ", columns, ", first = i / ", columns, " * ", text_of(count), ";"}));
  std::map<ValueId, std::string> sums;
  for (const ValueId id : step.nodes) {
    if (w.graph()[id].op != Op::dot) continue;
    sums[id] = text.fresh("sums");
    write_sums(w, id, sums[id], count);
  }
  text.open("for (idx r = 0; r < " + text_of(count) + "; ++r)");
  text.line("const idx y = first + r;");
  w.declare_row();
  Elements elements = w.elements(place_in(text, step.elements));
  for (const auto& [id, name] : sums) elements.give(id, name + "[r]");
  w.finish(step, elements);
  text.close();
  text.close();
}

}  // namespace

void write_tile(Lowering& lowering, const Tile& tile) {
  TileWriter w{lowering, tile};
  for (const DType type : {DType::f32, DType::f64, DType::i64}) {
    const std::int64_t entries = tile.entries[static_cast<std::size_t>(type)];
    if (entries > 0) w.text.local_array(type, array_of(type), entries);
  }
  w.text.line("const idx row0 = group * " + text_of(tile.rows) + ";");
  const char* barrier = tile.spilled.empty() ? "BARRIER;" : "MEMORY_BARRIER;";
  int level = 0;
  for (const TileStep& step : tile.steps) {
    if (step.level != level) w.text.line(barrier);
    level = step.level;
    step.contracts ? write_columns(w, step) : write_entries(w, step);
  }
  lowering.launch_alone(w.text, kThreads, {.m = {1, true}, .tile_m = tile.rows});
}

}  // namespace odeum::kernelgen
