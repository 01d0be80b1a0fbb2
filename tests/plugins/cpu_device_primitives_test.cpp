// SPDX-License-Identifier: Apache-2.0
// Every operation on the CPU device against the float64 interpreter, on sizes that are no multiple
// of a vector, a tile or a block, in every plan.
#include <gtest/gtest.h>

#include "device/compare.hpp"
#include "loaded.hpp"
#include "odeum/transforms.hpp"

namespace odeum {
namespace {

using device_tests::expect_reference;
using device_tests::random_inputs;
using device_tests::Tolerance;
using Tensors = std::vector<Tensor>;
using Arguments = std::span<const Tensor>;

std::vector<std::shared_ptr<Device>> devices() {
  std::vector<std::shared_ptr<Device>> all;
  for (const char* yaml :
       {"threads: 2\nplan: rows\n", "threads: 2\nplan: tasks\n",
        "threads: 1\nplan: rows\ninstructions: avx2\n",
        "threads: 1\nplan: tasks\ninstructions: generic\n", "plan: straight\n",
        "plan: straight\ninstructions: avx2\n", "plan: straight\ninstructions: generic\n"}) {
    all.push_back(plugin_tests::make<Device>("cpu", yaml));
  }
  return all;
}

const std::vector<std::int64_t> kSizes = {1, 7, 64, 129, 1000};

/// The body in float32 and float64, over all row counts.
struct Given {
  std::string name;
  Shape shape;
};
void check(const std::vector<Given>& givens, const Body& body, Tolerance tolerance = {},
           double low = -1, double high = 1, const std::vector<std::int64_t>& sizes = kSizes) {
  const auto all = devices();
  for (const DType type : {DType::f32, DType::f64}) {
    std::vector<InputSpec> specs;
    specs.reserve(givens.size());
    for (const Given& given : givens) specs.push_back({given.name, given.shape, type});
    const Program program = record(specs, body);
    for (const std::int64_t rows : sizes) {
      expect_reference(all, program, rows, random_inputs(program, rows, 7, low, high), tolerance,
                       name(type));
    }
  }
}

TEST(CpuDevice, ComputesEveryFunctionOfOneOperand) {
  check({{"x", {kRows, 5}}}, [](Arguments in) {
    const Tensor x = in[0];
    return Tensors{-x,        abs(x),  sign(x), floor(3.0 * x), exp(x),      expm1(x),
                   sin(x),    cos(x),  tanh(x), sigmoid(x),     softplus(x), erf(x),
                   square(x), relu(x), elu(x),  swish(x),       gelu(x)};
  });
}

TEST(CpuDevice, ComputesLogarithmsAndRootsOfPositiveNumbers) {
  check(
      {{"x", {kRows, 3}}},
      [](Arguments in) {
        return Tensors{log(in[0]), log1p(in[0]), sqrt(in[0]), pow(in[0], 1.7), 1.0 / in[0]};
      },
      {5e-6, 2e-14}, 0.1, 4.0);
}

TEST(CpuDevice, ComputesEveryFunctionOfTwoAndThreeOperands) {
  check({{"x", {kRows, 3}}, {"y", {kRows, 3}}, {"z", {kRows, 3}}}, [](Arguments in) {
    const Tensor x = in[0], y = in[1], z = in[2];
    return Tensors{x + y,         x - y,       x * y,
                   x / (2.0 + y), max(x, y),   min(x, y),
                   less(x, y),    equal(x, x), select(less(x, y), y, z),
                   x * y + z,     x * y - z,   z - x * y};
  });
}

TEST(CpuDevice, BroadcastsScalarsRowsColumnsAndMiddleAxes) {
  check({{"x", {kRows, 3, 4}},
         {"s", {1}},
         {"row", {4}},
         {"middle", {3, 1}},
         {"column", {kRows, 1, 1}},
         {"outer", {kRows, 1, 4}}},
        [](Arguments in) {
          const Tensor x = in[0];
          return Tensors{x + in[1],       x * in[2],
                         x - in[3],       in[4] * x,
                         tanh(x + in[5]), broadcast(in[2], {kRows, 3, 4}),
                         in[4] * in[2],   x + in[1] * in[2] - in[3] * in[4]};
        });
}

TEST(CpuDevice, RunsGroupsOverRowsWiderThanAChunk) {
  check({{"x", {kRows, 2049}}, {"w", {2049}}, {"c", {kRows, 1}}},
        [](Arguments in) {
          return Tensors{tanh(in[0] * in[1]) + in[2], sum_features(in[0] * in[1]),
                         sum_rows(in[0] - in[2])};
        },
        {2e-5, 1e-13}, -1, 1, {1, 3, 70});
}

TEST(CpuDevice, MovesElements) {
  check({{"x", {kRows, 3, 4}}, {"y", {kRows, 3, 2}}, {"w", {3, 5}}}, [](Arguments in) {
    const Tensor x = in[0], y = in[1], w = in[2];
    const Tensor p = permute(x, {0, 2, 1});
    return Tensors{p,
                   reshape(p, {kRows, 12}),
                   slice(x, 1, 1, 3),
                   slice(p, 2, 0, 2),
                   pad(x, 2, 1, 2),
                   pad(w, 0, 1, 1),
                   concat({x, y}),
                   concat({tanh(x), exp(y), x}, -1),
                   concat({slice(x, 2, 1, 3), y}, 1),
                   permute(w, {1, 0}),
                   reshape(permute(w, {1, 0}), {15}),
                   concat({w, w}, 0),
                   x,
                   reshape(x, {kRows, 4, 3}) * 2.0,
                   sum(p, {1}),
                   concat({y, y}, 1) * 0.5};
  });
}

TEST(CpuDevice, SumsAndFindsLargestOverAnyAxes) {
  check({{"x", {kRows, 3, 5}}, {"w", {4, 6, 3}}},
        [](Arguments in) {
          const Tensor x = in[0], w = in[1], y = tanh(x);
          return Tensors{sum(x, {1}),
                         sum(x, {2}),
                         sum(x, {1, 2}),
                         sum(x, {0}),
                         sum(x, {0, 1}),
                         sum(x, {0, 2}),
                         sum(x, {0, 1, 2}),
                         sum(y, {1}),
                         sum(y, {2}),
                         sum(y, {1, 2}),
                         sum(y, {0}),
                         sum(y, {0, 1}),
                         sum(y, {0, 1, 2}),
                         sum(w, {0}),
                         sum(w, {1}),
                         sum(w, {0, 1, 2}),
                         reduce_max(x, {1}),
                         reduce_max(x, {0}),
                         reduce_max(x, {0, 2}),
                         reduce_max(w, {2}),
                         reduce_max(w, {0, 1, 2}),
                         sum(permute(x, {0, 2, 1}), {0, 1}),
                         logsumexp(x, 2),
                         mean_rows(x),
                         mean_features(x)};
        },
        {1e-4, 1e-12});
}

TEST(CpuDevice, ContractsAnyLabels) {
  check({{"x", {kRows, 5, 7}},
         {"y", {kRows, 5, 3}},
         {"w", {6, 7}},
         {"v", {7, 6}},
         {"z", {kRows, 7}},
         {"u", {5}}},
        [](Arguments in) {
          const Tensor x = in[0], y = in[1], w = in[2], v = in[3], z = in[4], u = in[5];
          return Tensors{dot("rpi,oi->rpo", x, w),
                         dot("rpi,io->rpo", x, v),
                         dot("rpi,rpo->io", x, y),
                         dot("rpi,rpo->rio", x, y),
                         dot("rpi,rpo->roi", x, y),
                         dot("ri,rpi->rp", z, x),
                         dot("ri,ri->r", z, z),
                         dot("ri,ri->i", z, z),
                         dot("oi,ri->ro", w, z),
                         dot("ri,rj->rij", z, z),
                         dot("oi,ij->oj", w, v),
                         dot("oi,jo->ij", w, v),
                         dot("p,rpi->ri", u, x),
                         dot("rpi,p->ri", x, u),
                         dot("rpi,ri->p", x, z),
                         dot("rpi,oi->rop", x, w),
                         dot("pr,rq->pq", permute(w, {1, 0}), w),
                         dot("ri,ro->oi", z, reshape(slice(x, 1, 0, 1), {kRows, 7}))};
        },
        {1e-4, 1e-12});
}

TEST(CpuDevice, MultipliesMatricesOfAwkwardSizes) {
  for (const auto& [in_size, out_size] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1},
                                                          {2, 64},
                                                          {64, 2},
                                                          {3, 17},
                                                          {65, 33},
                                                          {64, 64},
                                                          {43, 129},
                                                          {112, 83},
                                                          {1, 40},
                                                          {40, 1}}) {
    check({{"x", {kRows, in_size}}, {"w", {out_size, in_size}}, {"g", {kRows, out_size}}},
          [](Arguments in) {
            return Tensors{dot("ri,oi->ro", in[0], in[1]), dot("ro,oi->ri", in[2], in[1]),
                           dot("ro,ri->oi", in[2], in[0]), tanh(linear(in[0], in[1]))};
          },
          {2e-4, 1e-12}, -1, 1, {1, 5, 129, 1000});
  }
}

TEST(CpuDevice, MultipliesMatricesLargerThanABlock) {
  check({{"x", {kRows, 270}}, {"w", {300, 270}}, {"g", {kRows, 300}}},
        [](Arguments in) {
          return Tensors{dot("ri,oi->ro", in[0], in[1]), dot("ro,oi->ri", in[2], in[1]),
                         dot("ro,ri->oi", in[2], in[0])};
        },
        {2e-4, 1e-12}, -1, 1, {150});
}

TEST(CpuDevice, SumsRowsOfAnyWidthWhileItStoresThem) {
  for (const std::int64_t width : {1, 2, 3, 4, 8, 16, 33, 60, 64, 100, 860, 1023, 1024}) {
    check({{"x", {kRows, width}}, {"w", {width}}},
          [](Arguments in) {
            const Tensor y = in[0] * in[1], z = y + 1.0;
            return Tensors{y, z, sum_features(y), sum_rows(z),
                           y * broadcast(reshape(sum_features(z), {kRows, 1}), y.shape())};
          },
          {2e-4, 1e-12}, -1, 1, {1, 7, 64, 130});
  }
}

TEST(CpuDevice, MovesByIndex) {
  const auto all = devices();
  for (const DType type : {DType::f32, DType::f64, DType::i64}) {
    const std::vector<InputSpec> specs = {{"x", {kRows, 2, 3}, type},
                                          {"i", {kRows, 2, 5}, DType::i64},
                                          {"w", {4, 3}, type},
                                          {"j", {4, 3}, DType::i64}};
    const Program program = record(specs, [](Arguments in) {
      const Tensor taken = gather(in[0], in[1]);
      return Tensors{taken, scatter_add(taken, in[1], 3), gather(in[2], in[3]),
                     scatter_add(in[2], in[3], 6)};
    });
    for (const std::int64_t rows : kSizes)
      expect_reference(all, program, rows, random_inputs(program, rows, 3), {}, name(type));
  }
}

TEST(CpuDevice, ComputesWithIntegers) {
  const auto all = devices();
  const std::vector<InputSpec> specs = {
      {"x", {kRows, 3}, DType::i64}, {"y", {kRows, 3}, DType::i64}, {"f", {kRows, 3}, DType::f64}};
  const Program program = record(specs, [](Arguments in) {
    const Tensor x = in[0], y = in[1];
    return Tensors{x + y,
                   x - y,
                   x * y,
                   -x,
                   abs(y - x),
                   sign(x - y),
                   max(x, y),
                   min(x, y),
                   less(x, y),
                   equal(x, y),
                   select(less(x, y), x, y),
                   sum(x, {0}),
                   sum(x, {1}),
                   sum(x + y, {0, 1}),
                   reduce_max(x, {0}),
                   cast(x, DType::f32),
                   cast(x, DType::f64),
                   cast(10.0 * in[2], DType::i64),
                   cast(in[2], DType::f32),
                   iota(x, {kRows, 3}, 0, DType::i64),
                   iota(x, {4, 3}, 1, DType::f32),
                   row_count(x, DType::i64)};
  });
  for (const std::int64_t rows : kSizes)
    expect_reference(all, program, rows, random_inputs(program, rows, 5, -1, 1, 9));
}

TEST(CpuDevice, DrawsTheRandomNumbersOfTheReference) {
  const auto all = devices();
  for (const DType type : {DType::f32, DType::f64}) {
    const Program program =
        record(std::vector<InputSpec>{{"key", {2}, DType::i64}, {"sample", {kRows}, DType::i64}},
               [type](Arguments in) {
                 return Tensors{random(Distribution::uniform, in[0], in[1], {kRows, 3}, type),
                                random(Distribution::normal, in[0], in[1], {kRows, 2, 2}, type),
                                random(Distribution::rademacher, in[0], in[1], {kRows, 5}, type)};
               });
    for (const std::int64_t rows : kSizes) {
      expect_reference(all, program, rows, random_inputs(program, rows, 5, 0, 1, 1000),
                       {1e-7, 1e-15});
    }
  }
}

TEST(CpuDevice, ConvolvesAndFindsWindowsMaxima) {
  for (const Window& window : {Window{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
                               Window{{2, 3}, {2, 1}, {0, 1}, {1, 0}, {1, 2}}}) {
    check(
        {{"x", {kRows, 2, 7, 6}},
         {"w", {3, 2, window.kernel[0], window.kernel[1]}},
         {"s", {4, 2, 7, 6}}},
        [&window](Arguments in) {
          const Tensor y = conv(in[0], in[1], window);
          const Tensor z = conv(in[2], in[1], window);
          const Tensor loss = reshape(sum_rows(sum_features(square(y))), {1}) +
                              reshape(sum(square(z), {0, 1, 2, 3}), {1});
          Tensors out = vjp(Tensors{loss}, Tensors{in[0], in[1], in[2]}, Tensors{ones_like(loss)});
          out.insert(out.end(), {y, z, max_pool(in[0], window), max_pool(tanh(in[2]), window)});
          return out;
        },
        {2e-3, 1e-11}, -1, 1, {1, 7, 70});
  }
}

TEST(CpuDevice, SolvesSmallSystems) {
  check({{"a", {kRows, 3, 3}}, {"b", {kRows, 3, 2}}, {"c", {4, 4}}, {"d", {4, 1}}},
        [](Arguments in) {
          const Tensor eye = 3.0 * cast(equal(iota(in[0], {1, 3, 3}, 1, DType::i64),
                                              iota(in[0], {1, 3, 3}, 2, DType::i64)),
                                        in[0].dtype());
          const Tensor x = lu_solve(in[0] + eye, in[1]);
          const Tensor loss = sum_rows(sum_features(square(x)));
          Tensors out = vjp(Tensors{loss}, Tensors{in[0], in[1]}, Tensors{ones_like(loss)});
          const Tensor diagonal =
              equal(iota(in[2], {4, 4}, 0, in[2].dtype()), iota(in[2], {4, 4}, 1, in[2].dtype()));
          out.insert(out.end(), {x, lu_solve(in[2] + 4.0 * diagonal, in[3])});
          return out;
        },
        {1e-3, 1e-10});
}

}  // namespace
}  // namespace odeum
