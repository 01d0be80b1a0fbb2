// SPDX-License-Identifier: Apache-2.0
#include "steps/contraction.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "steps/product_table.hpp"

namespace odeum::cpu {
namespace {

/// Columns of output tiles of the task plan.
constexpr std::int64_t kTilePanels = 4;
/// Products of less work than this are done by plain loops on the strides.
constexpr std::int64_t kSmall = 2048;
/// Columns up to which a transposed product is turned round.
constexpr std::int64_t kNarrow = 4;
/// Values that a product brings near for later steps.
constexpr std::size_t kMostFetches = 4;
constexpr std::int64_t kFetchingRows = 64;  ///< rows of a tile, roughly

ProductChoice choice_of(const ContractionSpec& spec, const Kernels& kernels) {
  const auto extent = [](const Side& side) { return side.rows ? 0 : side.extent; };
  const ContractionShape& s = spec.shape;
  const ProductShape shape{spec.type, extent(s.m), extent(s.n), extent(s.k)};
  if (!kernels.products) return usual_choice(shape);
  return kernels.products->choose(shape, kernels.instruction_set);
}

bool single(const Side& side) { return !side.rows && side.extent == 1; }

template <class T>
const ProductKernels<T>& table(const Kernels& kernels) {
  if constexpr (std::is_same_v<T, float>) {
    return kernels.f32;
  } else {
    return kernels.f64;
  }
}

template <class T>
class ContractionStep final : public Step {
 public:
  ContractionStep(ContractionSpec spec, const Kernels& kernels)
      : spec_(std::move(spec)), choice_(choice_of(spec_, kernels)), table_(table<T>(kernels)) {
    const ContractionShape& s = spec_.shape;
    runs_ = spec_.turned || s.n.c == 1 || single(s.n);
  }

  std::int64_t units(std::int64_t rows) const override {
    if (rows_loop()) return spec_.shape.loops.front().size(rows);
    return tiles_m(rows) * tiles_n(rows);
  }
  std::int64_t grain(std::int64_t) const override { return rows_loop() ? 16 : 1; }

  std::size_t scratch(std::int64_t rows) const override {
    const ContractionShape& s = spec_.shape;
    std::int64_t elements = spec_.turned ? s.m.size(rows) * s.n.size(rows) : 0;
    const std::int64_t most = spec_.turned ? s.n.size(rows) : kTilePanels * table_.panel;
    const std::int64_t columns = rows_loop() ? s.n.size(rows) : std::min(most, s.n.size(rows));
    elements += (ceil_div(columns, table_.panel) * s.k.size(rows) + 1) * table_.panel;
    return padded(static_cast<std::size_t>(elements) * sizeof(T)) + kPadding;
  }

  double work(std::int64_t rows) const override {
    const ContractionShape& s = spec_.shape;
    double flops = 1.0 / 16.0;
    for (const Side& loop : s.loops) flops *= static_cast<double>(loop.size(rows));
    return flops * static_cast<double>(s.m.size(rows)) * static_cast<double>(s.n.size(rows)) *
           static_cast<double>(s.k.size(rows));
  }

  bool can_fetch() const override {
    // Not where the kernels for few rows, columns or terms do the work, or a single register block.
    const ContractionShape& s = spec_.shape;
    return runs_ && !spec_.turned && s.loops.empty() && s.m.size(kFetchingRows) >= 32 &&
           s.n.size(kFetchingRows) >= 16 && s.k.size(kFetchingRows) >= 16;
  }
  void fetch(const FarValue& value) override {
    if (fetched_ < kMostFetches) far_[fetched_++] = value;
  }

  void run(const Context& context, std::int64_t begin, std::int64_t end) const override {
    const ContractionShape& s = spec_.shape;
    const std::int64_t m = s.m.size(context.rows), n = s.n.size(context.rows);
    if (rows_loop()) {
      loop(context, 0, begin, end, s.a_offset, s.b_offset, 0, false, {0, m, 0, n});
      return;
    }
    const std::int64_t across = tiles_n(context.rows);
    const std::int64_t width = spec_.turned ? n : kTilePanels * table_.panel;
    const std::int64_t height = spec_.turned ? m : choice_.tile_rows;
    for (std::int64_t tile = begin; tile < end; ++tile) {
      const std::int64_t i = tile / across * height, j = tile % across * width;
      loop(context, 0, 0, -1, s.a_offset, s.b_offset, 0, false,
           {i, std::min(height, m - i), j, std::min(width, n - j)});
    }
  }

 private:
  struct Tile {
    std::int64_t i, m, j, n;
  };

  bool rows_loop() const {
    return !spec_.shape.loops.empty() && spec_.shape.loops.front().rows && !spec_.reduces_rows;
  }
  std::int64_t tiles_m(std::int64_t rows) const {
    return spec_.turned ? 1 : ceil_div(spec_.shape.m.size(rows), choice_.tile_rows);
  }
  std::int64_t tiles_n(std::int64_t rows) const {
    return spec_.turned ? 1 : ceil_div(spec_.shape.n.size(rows), kTilePanels * table_.panel);
  }

  /// The loops from `depth` on; `end` < 0: all of them. `grows`: an outer contracted loop has been
  /// here.
  void loop(const Context& context, std::size_t depth, std::int64_t begin, std::int64_t end,
            std::int64_t a, std::int64_t b, std::int64_t c, bool grows, const Tile& tile) const {
    const ContractionShape& s = spec_.shape;
    if (depth == s.loops.size()) {
      multiply(context, a, b, c, grows || spec_.reduces_rows, tile);
      return;
    }
    const Side& side = s.loops[depth];
    if (end < 0) end = side.size(context.rows);
    for (std::int64_t i = begin; i < end; ++i) {
      loop(context, depth + 1, 0, -1, a + i * side.a, b + i * side.b, c + i * side.c,
           grows || (side.c == 0 && i > 0), tile);
    }
  }

  T alpha(const Context& context) const {
    double scale = spec_.scale;
    for (const int slot : spec_.scalars) scale *= static_cast<double>(*context.at<T>(slot));
    return static_cast<T>(scale);
  }

  void multiply(const Context& context, std::int64_t a_at, std::int64_t b_at, std::int64_t c_at,
                bool grows, const Tile& tile) const {
    const ContractionShape& s = spec_.shape;
    const std::int64_t k = s.k.size(context.rows);
    const T* a = context.at<T>(spec_.a, a_at + tile.i * s.m.a);
    const T* b = context.at<T>(spec_.b, b_at + tile.j * s.n.b);
    T* c = context.at<T>(spec_.c, c_at + tile.i * s.m.c + tile.j * s.n.c);
    const T scale = spec_.reduces_rows ? alpha(context) : T(1);
    const SmallProduct<T> plain{tile.m, tile.n, k, a,     s.m.a, s.k.a, b,
                                s.k.b,  s.n.b,  c, s.m.c, s.n.c, grows, scale};
    if (!runs_ || tile.m * tile.n * k <= kSmall ||
        (context.all_rows < kRowsWorthPacking && spec_.packed >= 0)) {
      table_.small(plain);
      return;
    }
    if (choice_.kernel == ProductKernel::along && !spec_.turned && s.k.a == 1 && tile.m >= 4) {
      narrow(context, plain);
      return;
    }
    Product<T> g{tile.m,       tile.n, k, a,     s.m.a, s.k.a, b,
                 table_.panel, s.k.b,  c, s.m.c, grows, scale, choice_.depth};
    T* scratch = reinterpret_cast<T*>(context.scratch);
    if (spec_.turned) {
      g.c = scratch;
      g.c_m = tile.n;
      g.accumulate = false;
      scratch += tile.m * tile.n;
    }
    if (spec_.packed >= 0 && context.all_rows >= kRowsWorthPacking) {
      g.b = context.at<T>(spec_.packed) + tile.j * k;
      g.b_row = table_.panel;
      g.b_panel = k * table_.panel;
    } else if (!direct(tile.n)) {
      table_.pack(k, tile.n, b, s.k.b, s.n.b, scratch);
      g.b = scratch;
      g.b_row = table_.panel;
      g.b_panel = k * table_.panel;
    }
    std::array<Fetch, kMostFetches> fetches;
    for (std::size_t i = 0; i < fetched_; ++i) {
      const std::size_t bytes = far_[i].row_bytes * static_cast<std::size_t>(context.rows);
      fetches[i] = {context.slots[far_[i].slot] + (far_[i].of_next_tile ? bytes : 0), bytes};
    }
    g.fetches = fetches.data();
    g.fetch_count = fetched_;
    table_.product(g);
    if (!spec_.turned) return;
    for (std::int64_t i = 0; i < tile.m; ++i) {
      for (std::int64_t j = 0; j < tile.n; ++j) {
        T& to = c[i * s.m.c + j * s.n.c];
        to = grows ? to + g.c[i * tile.n + j] : g.c[i * tile.n + j];
      }
    }
  }

  /// Can the kernel read B where it stands? Then whole vectors end where rows end.
  bool direct(std::int64_t n) const { return spec_.shape.n.b == 1 && n % table_.lanes == 0; }

  void narrow(const Context& context, SmallProduct<T> g) const {
    if (g.b_k != 1) {
      T* columns = reinterpret_cast<T*>(context.scratch);
      for (std::int64_t j = 0; j < g.n; ++j) {
        for (std::int64_t p = 0; p < g.k; ++p) columns[j * g.k + p] = g.b[p * g.b_k + j * g.b_n];
      }
      g.b = columns;
      g.b_k = 1;
      g.b_n = g.k;
    }
    g.c_n = 1;
    table_.narrow(g);
  }

  ContractionSpec spec_;
  ProductChoice choice_;
  const ProductKernels<T>& table_;
  bool runs_ = true;  ///< rows of C are contiguous
  std::array<FarValue, kMostFetches> far_;
  std::size_t fetched_ = 0;
};

/// Unit j packs panel j of B.
template <class T>
class PackingStep final : public Step {
 public:
  PackingStep(const ContractionSpec& spec, const Kernels& kernels)
      : spec_(spec), table_(table<T>(kernels)) {}
  std::int64_t units(std::int64_t) const override {
    return ceil_div(spec_.shape.n.extent, table_.panel);
  }
  std::int64_t grain(std::int64_t) const override { return 2; }
  std::size_t scratch(std::int64_t) const override { return 0; }
  double work(std::int64_t) const override {
    return static_cast<double>(spec_.shape.n.extent * spec_.shape.k.extent);
  }

  void run(const Context& context, std::int64_t begin, std::int64_t end) const override {
    const ContractionShape& s = spec_.shape;
    if (context.all_rows < kRowsWorthPacking) return;
    const std::int64_t first = begin * table_.panel,
                       last = std::min(end * table_.panel, s.n.extent);
    table_.pack(s.k.extent, last - first, context.at<T>(spec_.b, s.b_offset + first * s.n.b), s.k.b,
                s.n.b, context.at<T>(spec_.packed) + first * s.k.extent);
  }

 private:
  ContractionSpec spec_;
  const ProductKernels<T>& table_;
};

}  // namespace

std::int64_t packed_elements(const Kernels& kernels, DType type, std::int64_t k, std::int64_t n) {
  const int panel = type == DType::f32 ? kernels.f32.panel : kernels.f64.panel;
  return ceil_div(n, panel) * panel * k;
}

ContractionSpec oriented(ContractionSpec spec, const Kernels& kernels) {
  const int lanes = spec.type == DType::f32 ? kernels.f32.lanes : kernels.f64.lanes;
  const auto exchange = [&spec] {
    spec.shape = exchanged(spec.shape);
    std::swap(spec.a, spec.b);
  };
  const ContractionShape& s = spec.shape;
  const bool m_runs = s.m.c == 1 || single(s.m), n_runs = s.n.c == 1 || single(s.n);
  if (m_runs && (!n_runs || (s.n.rows && !s.m.rows))) exchange();
  // Few columns and A transposed, as in the weight gradient of a narrow layer: the transposed
  // product has long rows.
  if (!s.n.rows && s.n.extent <= kNarrow && !s.m.rows && s.m.extent >= 2 * lanes && s.m.a == 1 &&
      (s.n.c == 1 || single(s.n)) && s.loops.empty()) {
    exchange();
    spec.turned = true;
  }
  return spec;
}

bool worth_packing(const ContractionSpec& spec, const Kernels& kernels) {
  const ContractionShape& s = spec.shape;
  const int lanes = spec.type == DType::f32 ? kernels.f32.lanes : kernels.f64.lanes;
  const auto moves_b = [](const Side& loop) { return loop.b != 0; };
  const bool one_b = std::none_of(s.loops.begin(), s.loops.end(), moves_b);
  const bool rows_in_a =
      s.m.rows || std::any_of(s.loops.begin(), s.loops.end(), [](const Side& l) { return l.rows; });
  const bool readable = s.n.b == 1 && s.n.extent % lanes == 0 && s.n.extent <= kTilePanels * lanes;
  const bool runs = s.n.c == 1;
  return rows_in_a && one_b && runs && !spec.turned && !s.n.rows && !s.k.rows &&
         choice_of(spec, kernels).kernel != ProductKernel::along && !readable;
}

std::unique_ptr<Step> make_contraction(ContractionSpec spec, const Kernels& kernels) {
  if (spec.type == DType::f32)
    return std::make_unique<ContractionStep<float>>(std::move(spec), kernels);
  return std::make_unique<ContractionStep<double>>(std::move(spec), kernels);
}

std::unique_ptr<Step> make_packing(const ContractionSpec& spec, const Kernels& kernels) {
  if (spec.type == DType::f32) return std::make_unique<PackingStep<float>>(spec, kernels);
  return std::make_unique<PackingStep<double>>(spec, kernels);
}

}  // namespace odeum::cpu
