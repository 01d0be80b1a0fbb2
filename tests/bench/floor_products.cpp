// SPDX-License-Identifier: Apache-2.0
#include "floor_products.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "odeum/error.hpp"
#include "odeum/tensor.hpp"
#include "odeum/transforms.hpp"

namespace odeum::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Calls of `work` a second, on all threads together, over about `seconds`: the best of three.
double calls_a_second(int threads, double seconds, const std::function<void(int)>& work) {
  for (int thread = 0; thread < threads; ++thread) work(thread);
  const auto begin = Clock::now();
  work(0);
  const double one = std::max(seconds_since(begin), 1e-7);
  const auto calls = std::max<std::int64_t>(1, static_cast<std::int64_t>(seconds / 3.0 / one));
  double best = 0.0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::atomic<int> waiting{threads};
    std::vector<std::thread> all;
    const auto loop = [&](int thread) {
      --waiting;
      while (waiting.load() > 0) std::this_thread::yield();
      for (std::int64_t call = 0; call < calls; ++call) work(thread);
    };
    const auto start = Clock::now();
    for (int thread = 1; thread < threads; ++thread) all.emplace_back(loop, thread);
    loop(0);
    for (std::thread& thread : all) thread.join();
    best = std::max(best, static_cast<double>(calls) * threads / seconds_since(start));
  }
  return best;
}

// --- The device ---------------------------------------------------------------------------------

struct Operands {
  Shape a, b, c;
  std::function<Tensor(Tensor a, Tensor b)> record;
};

constexpr Window kSame{.kernel = {3, 3}, .pad_before = {1, 1}, .pad_after = {1, 1}};

Operands matrices(const Product& p) {
  switch (p.role) {
    case Product::Role::forward:
      return {{kRows, p.in}, {p.out, p.in}, {kRows, p.out}, [](Tensor a, Tensor b) {
                return dot("ri,oi->ro", a, b);
              }};
    case Product::Role::input_cotangent:
      return {{kRows, p.out}, {p.out, p.in}, {kRows, p.in}, [](Tensor a, Tensor b) {
                return dot("ro,oi->ri", a, b);
              }};
    case Product::Role::weight_cotangent:
      return {{kRows, p.out}, {kRows, p.in}, {p.out, p.in}, [](Tensor a, Tensor b) {
                return dot("ro,ri->oi", a, b);
              }};
  }
  bug("no such role of a product");
}

/// The cotangent of `linear` from that of conv's result, the other operand being `constant`.
Tensor convolution_cotangent(Tensor constant, Tensor cotangent, const Shape& linear,
                             bool of_input) {
  const std::array inputs{InputSpec{"constant", constant.shape()}, InputSpec{"linear", linear}};
  const Program forward = record(inputs, [&](std::span<const Tensor> of) {
    return std::vector{of_input ? conv(of[1], of[0], kSame) : conv(of[0], of[1], kSame)};
  });
  return inline_call(transpose(forward, 1), std::array{constant, cotangent}).front();
}

Operands convolutions(const Product& p) {
  const Shape x{kRows, p.in, p.side, p.side};
  const Shape y{kRows, p.out, p.side, p.side};
  const Shape w{p.out, p.in, 3, 3};
  switch (p.role) {
    case Product::Role::forward:
      return {x, w, y, [](Tensor a, Tensor b) { return conv(a, b, kSame); }};
    case Product::Role::input_cotangent:
      return {y, w, x,
              [x](Tensor g, Tensor weight) { return convolution_cotangent(weight, g, x, true); }};
    case Product::Role::weight_cotangent:
      return {y, x, w,
              [w](Tensor g, Tensor input) { return convolution_cotangent(input, g, w, false); }};
  }
  bug("no such role of a convolution");
}

std::size_t elements(const Shape& shape, std::int64_t rows) {
  std::int64_t count = 1;
  for (int axis = 0; axis < shape.rank(); ++axis)
    count *= shape[axis] == kRows ? rows : shape[axis];
  return static_cast<std::size_t>(count);
}

}  // namespace

double device_rate(Device& device, const Product& product, double seconds) {
  const Operands shapes = product.side == 0 ? matrices(product) : convolutions(product);
  const auto copies =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(2e8 / product.flop()), 1, 24);
  Recording recording;
  std::vector<Tensor> results;
  std::vector<std::shared_ptr<void>> memory;
  std::vector<View> inputs, outputs;
  const auto room = [&](const Shape& shape, std::vector<View>& views) {
    const std::size_t bytes = elements(shape, product.rows) * sizeof(float);
    memory.push_back(device.allocate(bytes));
    views.push_back({memory.back().get(), 0});
    device.fill_zero(views.back(), bytes);
  };
  const bool shared = product.role != Product::Role::weight_cotangent;
  Tensor b;
  for (std::int64_t copy = 0; copy < copies; ++copy) {
    Tensor a = recording.input("a" + std::to_string(copy), shapes.a, DType::f32);
    room(shapes.a, inputs);
    if (!b || !shared) {
      b = recording.input("b" + std::to_string(copy), shapes.b, DType::f32);
      room(shapes.b, inputs);
    }
    results.push_back(shapes.record(a, b));
    room(shapes.c, outputs);
  }
  const auto executable = device.compile(recording.program(results));
  const double calls = calls_a_second(1, seconds, [&](int) {
    executable->run(product.rows, inputs, outputs);
    device.synchronize();
  });
  return 1e-9 * calls * static_cast<double>(copies) * product.flop();
}

// --- A BLAS library -----------------------------------------------------------------------------

namespace {

template <class Integer>
void sgemm(void* function, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n,
           std::int64_t k, const float* a, const float* b, float* c) {
  using Sgemm = void (*)(int, int, int, Integer, Integer, Integer, float, const float*, Integer,
                         const float*, Integer, float, float*, Integer);
  constexpr int kRowMajor = 101;
  constexpr int kPlain = 111;
  constexpr int kTransposed = 112;
  reinterpret_cast<Sgemm>(function)(
      kRowMajor, transpose_a ? kTransposed : kPlain, transpose_b ? kTransposed : kPlain,
      static_cast<Integer>(m), static_cast<Integer>(n), static_cast<Integer>(k), 1.0F, a,
      static_cast<Integer>(transpose_a ? m : k), b, static_cast<Integer>(transpose_b ? k : n), 0.0F,
      c, static_cast<Integer>(n));
}

}  // namespace

Blas::Blas(const std::string& library) {
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw RunError(std::string("no BLAS library: ") + ::dlerror());
  using Name = std::pair<const char*, Layout>;
  for (const auto& [name, layout] :
       {Name{"scipy_cblas_sgemm64_", Layout::wide}, Name{"cblas_sgemm64_", Layout::wide},
        Name{"cblas_sgemm", Layout::narrow}}) {
    function_ = ::dlsym(handle, name);
    layout_ = layout;
    if (function_ != nullptr) return;
  }
  throw RunError(library + " has no cblas_sgemm");
}

void Blas::multiply(const Product& p, const float* a, const float* b, float* c) const {
  const auto call = layout_ == Layout::wide ? &sgemm<std::int64_t> : &sgemm<int>;
  switch (p.role) {
    case Product::Role::forward:
      return call(function_, false, true, p.rows, p.out, p.in, a, b, c);
    case Product::Role::input_cotangent:
      return call(function_, false, false, p.rows, p.in, p.out, a, b, c);
    case Product::Role::weight_cotangent:
      return call(function_, true, false, p.out, p.in, p.rows, a, b, c);
  }
}

double Blas::rate(const Product& product, int threads, double seconds) const {
  const std::int64_t share = (product.rows + threads - 1) / threads;
  const std::size_t room = static_cast<std::size_t>(
      std::max({share * product.in, share * product.out, product.in * product.out}));
  std::vector<std::array<std::vector<float>, 3>> memory(static_cast<std::size_t>(threads));
  for (auto& buffers : memory) {
    for (std::vector<float>& buffer : buffers) buffer.assign(room, 0.5F);
  }
  double best = 0.0;
  for (const std::int64_t height : {64, 128, 256, 1 << 30}) {
    if (height > share && height < (1 << 30)) continue;
    const auto work = [&](int thread) {
      auto& [a, b, c] = memory[static_cast<std::size_t>(thread)];
      for (std::int64_t row = 0; row < share; row += height) {
        Product tile = product;
        tile.rows = std::min(height, share - row);
        multiply(tile, a.data(), b.data(), c.data());
      }
    };
    const double calls = calls_a_second(threads, seconds / 4.0, work);
    const double flop =
        product.flop() * static_cast<double>(share) / static_cast<double>(product.rows);
    best = std::max(best, 1e-9 * calls * flop);
  }
  return best;
}

// --- The peak -----------------------------------------------------------------------------------

namespace {

constexpr std::int64_t kRounds = 100000;
constexpr std::size_t kChains = 12;  // as many as hide the latency of two units

template <class Vector>
[[gnu::always_inline]] inline float chains() {
  std::array<Vector, kChains> sums{};
  for (std::size_t i = 0; i < kChains; ++i) sums[i] += 0.1F * static_cast<float>(i);
  Vector factor{};
  factor += 0.999F;
  for (std::int64_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (std::size_t i = 0; i < kChains; ++i) {
      sums[i] = sums[i] * factor + factor;
    }
  }
  float total = 0.0F;
  for (const Vector& sum : sums) total += sum[0];
  return total;
}

using Wide = float __attribute__((vector_size(64)));
using Middle = float __attribute__((vector_size(32)));
using Narrow = float __attribute__((vector_size(16)));

#if defined(__x86_64__)
[[gnu::target("avx512f")]] float wide_chains() { return chains<Wide>(); }
[[gnu::target("avx2,fma")]] float middle_chains() { return chains<Middle>(); }
#endif
float narrow_chains() { return chains<Narrow>(); }

}  // namespace

double peak_rate(int threads, double seconds) {
  float (*work)() = narrow_chains;
  double width = 4.0;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0) {
    work = wide_chains;
    width = 16.0;
  } else if (__builtin_cpu_supports("fma") != 0) {
    work = middle_chains;
    width = 8.0;
  }
#endif
  std::atomic<float> sink{0.0F};
  const double calls = calls_a_second(threads, seconds, [&](int) { sink = work(); });
  return 1e-9 * calls * 2.0 * width * static_cast<double>(kChains * kRounds);
}

}  // namespace odeum::bench
