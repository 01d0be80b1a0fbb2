// SPDX-License-Identifier: Apache-2.0
#include "kernelgen/dialect.hpp"

namespace odeum::kernelgen {
namespace {

constexpr const char* kOpenCl = R"(#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define KERNEL(threads) __kernel __attribute__((reqd_work_group_size(threads, 1, 1))) void
#define DEVICE static
#define GLOBAL __global
#define RESTRICT restrict
#define LOCAL_ARRAY(type, name, size) __local type name[size]
#define BARRIER barrier(CLK_LOCAL_MEM_FENCE)
#define MEMORY_BARRIER barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
#define GROUP_ID ((idx)get_group_id(0))
#define LOCAL_ID ((idx)get_local_id(0))
#define BITS_TO_FLOAT(bits) as_float(bits)
#define BITS_TO_DOUBLE(bits) as_double(bits)
)";

constexpr const char* kCuda = R"(typedef unsigned char uchar;
typedef unsigned int uint;
typedef unsigned long ulong;
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
#define DEVICE static __device__ __forceinline__
#define GLOBAL
#define RESTRICT __restrict__
#define LOCAL_ARRAY(type, name, size) __shared__ type name[size]
#define BARRIER __syncthreads()
#define MEMORY_BARRIER __syncthreads()
#define GROUP_ID ((idx)blockIdx.x)
#define LOCAL_ID ((idx)threadIdx.x)
#define BITS_TO_FLOAT(bits) __uint_as_float(bits)
#define BITS_TO_DOUBLE(bits) __longlong_as_double((long long)(bits))
)";

constexpr const char* kShared = R"(#define LOWEST_float BITS_TO_FLOAT(4286578688u)
#define LOWEST_double BITS_TO_DOUBLE(18442240474082181120UL)
#define LOWEST_long (-9223372036854775807L - 1L)
DEVICE float sigmoid_float(float x) {
  const float e = exp(-fabs(x));
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}
DEVICE double sigmoid_double(double x) {
  const double e = exp(-fabs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}
DEVICE float softplus_float(float x) {
  return (x > 0 ? x : (x != x ? x : 0.0f)) + log1p(exp(-fabs(x)));
}
DEVICE double softplus_double(double x) {
  return (x > 0 ? x : (x != x ? x : 0.0)) + log1p(exp(-fabs(x)));
}
)";

/// Philox 4x32-10 and what odeum/random.hpp makes of it.
constexpr const char* kRandom = R"(typedef struct { uint w[4]; } Words;
DEVICE Words philox(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1) {
  Words words;
  for (int round = 0; round < 10; ++round) {
    const ulong p0 = (ulong)0xD2511F53u * c0;
    const ulong p1 = (ulong)0xCD9E8D57u * c2;
    c0 = (uint)(p1 >> 32) ^ c1 ^ k0;
    c1 = (uint)p1;
    c2 = (uint)(p0 >> 32) ^ c3 ^ k1;
    c3 = (uint)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  words.w[0] = c0;
  words.w[1] = c1;
  words.w[2] = c2;
  words.w[3] = c3;
  return words;
}
DEVICE ulong stream_key(ulong seed, uint purpose, ulong step) {
  const Words c =
      philox((uint)step, (uint)(step >> 32), purpose, 0u, (uint)seed, (uint)(seed >> 32));
  return ((ulong)c.w[1] << 32) | c.w[0];
}
DEVICE Words draw(ulong key, ulong sample, ulong element) {
  return philox((uint)element, (uint)(element >> 32), (uint)sample, (uint)(sample >> 32), (uint)key,
                (uint)(key >> 32));
}
DEVICE double to_uniform(uint high, uint low) {
  return ((double)(((ulong)high << 20) | (low >> 12)) + 0.5) * (1.0 / 4503599627370496.0);
}
DEVICE float uniform_float(ulong key, ulong sample, ulong element) {
  return ((float)(draw(key, sample, element).w[0] >> 8) + 0.5f) * (1.0f / 16777216.0f);
}
DEVICE double uniform_double(ulong key, ulong sample, ulong element) {
  const Words c = draw(key, sample, element);
  return to_uniform(c.w[0], c.w[1]);
}
DEVICE double normal_double(ulong key, ulong sample, ulong element) {
  const Words c = draw(key, sample, element);
  return sqrt(-2.0 * log(to_uniform(c.w[0], c.w[1]))) *
         cos(6.283185307179586 * to_uniform(c.w[2], c.w[3]));
}
DEVICE double rademacher_double(ulong key, ulong sample, ulong element) {
  return (draw(key, sample, element).w[0] >> 31) != 0 ? 1.0 : -1.0;
}
)";

}  // namespace

std::string prelude(Dialect dialect, IndexWidth width, const std::string& kernels) {
  const std::string index = width == IndexWidth::bits32 ? "int" : "long";
  return std::string(dialect == Dialect::opencl ? kOpenCl : kCuda) + "typedef " + index +
         " idx;\n" + kShared + (kernels.find("stream_key(") != std::string::npos ? kRandom : "");
}

}  // namespace odeum::kernelgen
