// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/product.hpp"

#include <algorithm>

namespace odeum::kernelgen {
namespace {

/// A group is 16 x 16 threads, a tile in local memory 16 deep.
constexpr int kSide = 16, kDepth = 16;
/// Products with a side or a depth of at most this have too little to share through local memory.
constexpr std::int64_t kThin = 8;
/// Entries of a piece of a long sum, and the most pieces.
constexpr std::int64_t kPiece = 128, kMostPieces = 64;

struct Writer {
  Lowering& lowering;
  ValueId id;
  const Product& product;
  Parts parts;
  int to;  ///< slot
  KernelText text = {};

  std::string type() const { return c_type(lowering.graph()[id].dtype); }
  std::string size_of_axes(const Size& size) const {
    return text_of(size.count) + (size.rows ? " * (idx)rows" : "");
  }
  void declare(const char* name, const Size& size) {
    text.line(std::string("const idx ") + name + " = " + size_of_axes(size) + ";");
  }
  /// The range of k that `piece` takes: k_begin to k_end.
  void declare_range() {
    text.line("const idx part = ((K + (idx)parts - 1) / (idx)parts + " + text_of(kDepth - 1) +
              ") / " + text_of(kDepth) + " * " + text_of(kDepth) + ";");
    text.line("const idx k_begin = piece * part;");
    text.line("const idx k_end = k_begin + part < K ? k_begin + part : K;");
  }
  std::string place(const Indices& z, const Indices& m, const Indices& n) {
    const std::string parts_of[3] = {address(z, product.batch.strides, 0),
                                     address(m, product.m.strides, 0),
                                     address(n, product.n.strides, 0)};
    std::string sum = "piece * outputs";
    for (const std::string& part : parts_of) {
      if (part != "0") sum += " + " + part;
    }
    return sum;
  }
};

/// One thread an entry of the result, n fastest.
void write_thin(Writer& w, Launch launch) {
  KernelText& text = w.text;
  const Product& p = w.product;
  w.declare("M", p.m.size());
  w.declare("N", p.n.size());
  w.declare("K", p.k.size());
  w.declare("outputs", {p.batch.size().count * p.m.size().count * p.n.size().count,
                        p.batch.size().rows || p.m.size().rows || p.n.size().rows});
  text.line("const idx tiles = (outputs + " + text_of(kThreads - 1) + ") / " + text_of(kThreads) +
            ";");
  text.line("const idx piece = group / tiles;");
  text.line("const idx i = group % tiles * " + text_of(kThreads) + " + LOCAL_ID;");
  text.open("if (i < outputs)");
  text.line("const idx n = i % N, m = i / N % M, z = i / N / M;");
  w.declare_range();
  const Indices zs = decompose(text, "z", p.batch.extents);
  const Indices ms = decompose(text, "m", p.m.extents);
  const Indices ns = decompose(text, "n", p.n.extents);
  text.line(w.type() + " total = 0;");
  text.open("for (idx k = k_begin; k < k_end; ++k)");
  const Indices ks = decompose(text, "k", p.k.extents);
  const std::string a = text.let(w.type(), p.a(text, zs, ms, ks));
  const std::string b = text.let(w.type(), p.b(text, zs, ns, ks));
  text.line("total += " + a + " * " + b + ";");
  text.close();
  text.line(text.pointer(w.to, w.lowering.graph()[w.id].dtype) + "[" + w.place(zs, ms, ns) +
            "] = total;");
  text.close();
  launch.m = {p.batch.size().count * p.m.size().count * p.n.size().count,
              p.batch.size().rows || p.m.size().rows || p.n.size().rows};
  launch.tile_m = kThreads;
  w.lowering.launch(text, kThreads, std::move(launch));
}

/// Fills a tile [kDepth][16 * wide] of local memory from A or B.
void load_tile(Writer& w, const char* name, int wide, bool along_k, const Indices& zs,
               const ProductAxes& outer, const Entry& entry, const char* first, const char* end) {
  KernelText& text = w.text;
  const std::string width = text_of(kSide * wide);
  for (int step = 0; step < wide; ++step) {
    text.open("");
    const std::string t = text.index("LOCAL_ID + " + text_of(std::int64_t{step} * kSide * kSide));
    const std::string depth =
        text.index(along_k ? joined({t, " % ", text_of(kDepth)}) : joined({t, " / ", width}));
    const std::string side =
        text.index(along_k ? joined({t, " / ", text_of(kDepth)}) : joined({t, " % ", width}));
    const std::string k = text.index("k0 + " + depth);
    const std::string at = text.index(std::string(first) + " + " + side);
    const std::string value = text.fresh("entry");
    text.line(joined({w.type(), " ", value, " = 0;"}));
    text.open(joined({"if (", k, " < k_end && ", at, " < ", end, ")"}));
    const Indices outers = decompose(text, at, outer.extents);
    const Indices ks = decompose(text, k, w.product.k.extents);
    text.line(value + " = " + entry(text, zs, outers, ks) + ";");
    text.close();
    text.line(joined(
        {name, "[", depth, " * ", text_of(kSide * wide + 1), " + ", side, "] = ", value, ";"}));
    text.close();
  }
}

std::string accumulator(int i, int j) { return "c" + text_of(i) + "_" + text_of(j); }

void multiply_tiles(Writer& w, int high, int wide) {
  KernelText& text = w.text;
  text.open("for (idx d = 0; d < " + text_of(kDepth) + "; ++d)");
  for (int i = 0; i < high; ++i)
    text.line("const " + w.type() + " x" + text_of(i) + " = A[d * " + text_of(kSide * high + 1) +
              " + y + " + text_of(i * kSide) + "];");
  for (int j = 0; j < wide; ++j)
    text.line("const " + w.type() + " y" + text_of(j) + " = B[d * " + text_of(kSide * wide + 1) +
              " + x + " + text_of(j * kSide) + "];");
  for (int i = 0; i < high; ++i) {
    for (int j = 0; j < wide; ++j)
      text.line(accumulator(i, j) + " += x" + text_of(i) + " * y" + text_of(j) + ";");
  }
  text.close();
}

/// 16 x 16 threads, each with `high` x `wide` entries of a tile of the result.
void write_tiled(Writer& w, Launch launch, int high, int wide) {
  KernelText& text = w.text;
  const Product& p = w.product;
  const std::int64_t tile_m = std::int64_t{kSide} * high, tile_n = std::int64_t{kSide} * wide;
  const DType type = w.lowering.graph()[w.id].dtype;
  text.local_array(type, "A", kDepth * (tile_m + 1));
  text.local_array(type, "B", kDepth * (tile_n + 1));
  w.declare("M", p.m.size());
  w.declare("N", p.n.size());
  w.declare("K", p.k.size());
  w.declare("Z", p.batch.size());
  text.line("const idx outputs = M * N * Z;");
  text.line("const idx tiles_m = (M + " + text_of(tile_m - 1) + ") / " + text_of(tile_m) +
            ", tiles_n = (N + " + text_of(tile_n - 1) + ") / " + text_of(tile_n) + ";");
  text.line("const idx m0 = group % tiles_m * " + text_of(tile_m) + ";");
  text.line("const idx n0 = group / tiles_m % tiles_n * " + text_of(tile_n) + ";");
  text.line("const idx z = group / tiles_m / tiles_n % Z;");
  text.line("const idx piece = group / tiles_m / tiles_n / Z;");
  text.line("const idx x = LOCAL_ID % " + text_of(kSide) + ", y = LOCAL_ID / " + text_of(kSide) +
            ";");
  w.declare_range();
  const Indices zs = decompose(text, "z", p.batch.extents);
  for (int i = 0; i < high; ++i) {
    for (int j = 0; j < wide; ++j) text.line(w.type() + " " + accumulator(i, j) + " = 0;");
  }
  text.open("for (idx k0 = k_begin; k0 < k_end; k0 += " + text_of(kDepth) + ")");
  load_tile(w, "A", high, p.a_along_k, zs, p.m, p.a, "m0", "M");
  load_tile(w, "B", wide, p.b_along_k, zs, p.n, p.b, "n0", "N");
  text.line("BARRIER;");
  multiply_tiles(w, high, wide);
  text.line("BARRIER;");
  text.close();
  const std::string c = text.pointer(w.to, w.lowering.graph()[w.id].dtype);
  for (int i = 0; i < high; ++i) {
    for (int j = 0; j < wide; ++j) {
      text.open("");
      const std::string m = text.index("m0 + y + " + text_of(i * kSide));
      const std::string n = text.index("n0 + x + " + text_of(j * kSide));
      text.open(joined({"if (", m, " < M && ", n, " < N)"}));
      const Indices ms = decompose(text, m, p.m.extents);
      const Indices ns = decompose(text, n, p.n.extents);
      text.line(joined({c, "[", w.place(zs, ms, ns), "] = ", accumulator(i, j), ";"}));
      text.close();
      text.close();
    }
  }
  launch.m = p.m.size();
  launch.tile_m = tile_m;
  launch.n = p.n.size();
  launch.tile_n = tile_n;
  launch.z = p.batch.size();
  w.lowering.launch(text, kSide * kSide, std::move(launch));
}

}  // namespace

void ProductAxes::add(std::int64_t extent, std::int64_t stride) {
  const auto at = extent == kRows ? 0 : static_cast<std::ptrdiff_t>(extents.size());
  extents.insert(extents.begin() + at, extent);
  strides.insert(strides.begin() + at, stride);
}

Size ProductAxes::size() const {
  Size size;
  for (const std::int64_t extent : extents) {
    if (extent == kRows) size.rows = true;
    if (extent != kRows) size.count *= extent;
  }
  return size;
}

void write_product(Lowering& lowering, ValueId id, const Product& product) {
  const DType type = lowering.graph()[id].dtype;
  const Size m = product.m.size(), n = product.n.size(), k = product.k.size();
  const bool rowful = m.rows || n.rows || product.batch.size().rows;
  const bool cut = !rowful && (k.rows || k.count > 4 * kPiece);
  Parts parts;
  int to = lowering.slot(id);
  if (cut) {
    parts = {k, kPiece, kMostPieces};
    to = lowering.scratch(type, {kMostPieces * lowering.graph().elements(id), false});
  }
  Writer writer{lowering, id, product, parts, to};
  const auto thin = [](const Size& size) { return !size.rows && size.count <= kThin; };
  Launch launch;
  launch.parts = parts;
  if (thin(m) || thin(n) || thin(k)) {
    write_thin(writer, std::move(launch));
  } else {
    // Large tiles read memory less often; small ones leave more groups to run at once.
    constexpr std::int64_t kWide = 256;
    const bool large = n.count >= kWide && (m.rows || m.count >= kWide);
    write_tiled(writer, std::move(launch), large ? 4 : 2, large ? 4 : 2);
  }
  if (cut) write_combination(lowering, id, to, type, false, parts);
}

}  // namespace odeum::kernelgen
