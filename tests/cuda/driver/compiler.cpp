// SPDX-License-Identifier: Apache-2.0
// A stand-in for NVRTC: kernels in CUDA C++ become a shared library for the host, made by the
// compiler that built the tests. "Machine code" is "fakecuda", a length, and that library.
#include <nvrtc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

struct _nvrtcProgram {
  std::string text, code, log;
};

namespace {

/// CUDA C++ as far as generated kernels use it. No header of the host's: they take longer to read
/// than the kernels.
constexpr const char* kBefore =
    R"(struct Place { operator unsigned() const { return *at; } unsigned* at; };
struct Places { Place x; };
extern "C" { unsigned fake_thread, fake_block, fake_threads; void (*fake_barrier)(); }
static Places threadIdx = {{&fake_thread}}, blockIdx = {{&fake_block}}, blockDim = {{&fake_threads}};
#define __global__
#define __device__
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(threads)
#define __restrict__ __restrict
#define __syncthreads() fake_barrier()
static inline float __uint_as_float(unsigned bits) { float x; __builtin_memcpy(&x, &bits, 4); return x; }
static inline double __longlong_as_double(long long bits) { double x; __builtin_memcpy(&x, &bits, 8); return x; }
#define FUNCTION(name) \
  static inline double name(double x) { return __builtin_##name(x); } \
  static inline float name(float x) { return __builtin_##name##f(x); }
FUNCTION(exp) FUNCTION(expm1) FUNCTION(log) FUNCTION(log1p) FUNCTION(sqrt) FUNCTION(sin)
FUNCTION(cos) FUNCTION(tanh) FUNCTION(erf) FUNCTION(floor) FUNCTION(fabs)
)";

constexpr const char* kBehind = R"(
template <unsigned long... I> struct Numbers {};
template <unsigned long N> using Below = Numbers<__integer_pack(N)...>;
template <class... A> constexpr int count(void (*)(A...)) { return sizeof...(A); }
template <class... A, unsigned long... I>
static void spread(void (*kernel)(A...), const unsigned long* values, Numbers<I...>) {
  kernel((A)values[I]...);
}
#define ENTRY(name, barriers) extern "C" { \
  int name##_parameters = count(name); \
  bool name##_waits = barriers; \
  void name##_run(const unsigned long* values) { \
    spread(name, values, Below<count(name)>()); } }
)";

/// An entry for every kernel, found by the macro that it is written with.
std::string entries(const std::string& text) {
  static const std::regex kernel("\nKERNEL\\([0-9]+\\) (\\w+)\\(");
  std::string result;
  for (std::sregex_iterator at(text.begin(), text.end(), kernel), end; at != end; ++at) {
    const auto begin = static_cast<std::size_t>(at->position());
    const std::size_t next = text.find("\nKERNEL(", begin + 1);
    const bool waits = text.substr(begin, next - begin).find("BARRIER;") != std::string::npos;
    result += "ENTRY(" + (*at)[1].str() + ", " + (waits ? "true" : "false") + ")\n";
  }
  return result;
}

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool names_architecture(int count, const char* const* options) {
  for (int i = 0; i < count; ++i) {
    if (std::regex_match(options[i], std::regex("--gpu-architecture=sm_[0-9]+"))) return true;
  }
  return false;
}

}  // namespace

nvrtcResult nvrtcVersion(int* major, int* minor) {
  *major = 13;
  *minor = 0;
  return NVRTC_SUCCESS;
}
const char* nvrtcGetErrorString(nvrtcResult result) {
  return result == NVRTC_ERROR_COMPILATION ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR";
}

nvrtcResult nvrtcCreateProgram(nvrtcProgram* made, const char* text, const char*, int,
                               const char* const*, const char* const*) {
  *made = new _nvrtcProgram{text, {}, {}};
  return NVRTC_SUCCESS;
}
nvrtcResult nvrtcDestroyProgram(nvrtcProgram* program) {
  delete *program;
  *program = nullptr;
  return NVRTC_SUCCESS;
}

nvrtcResult nvrtcCompileProgram(nvrtcProgram program, int count, const char* const* options) {
  if (!names_architecture(count, options)) return NVRTC_ERROR_INVALID_OPTION;
  char name[] = "/tmp/fake_nvrtc_XXXXXX";
  if (mkdtemp(name) == nullptr) return NVRTC_ERROR_INTERNAL_ERROR;
  const std::filesystem::path folder = name;
  std::ofstream(folder / "kernels.cpp")
      << kBefore << program->text << kBehind << entries(program->text);
  const std::string command =
      std::string(FAKE_CUDA_COMPILER) + " -w -O0 -fPIC -shared -nostdlib -o " +
      (folder / "kernels.so").string() + " " + (folder / "kernels.cpp").string() + " -lm -lc > " +
      (folder / "log").string() + " 2>&1";
  const int status = std::system(command.c_str());
  program->log = content(folder / "log");
  const std::string library = content(folder / "kernels.so");
  std::filesystem::remove_all(folder);
  if (status != 0) return NVRTC_ERROR_COMPILATION;
  const std::uint64_t size = library.size();
  program->code = "fakecuda";
  program->code.append(reinterpret_cast<const char*>(&size), sizeof size);
  program->code += library;
  return NVRTC_SUCCESS;
}

nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram program, std::size_t* size) {
  *size = program->log.size() + 1;
  return NVRTC_SUCCESS;
}
nvrtcResult nvrtcGetProgramLog(nvrtcProgram program, char* log) {
  *std::copy(program->log.begin(), program->log.end(), log) = 0;
  return NVRTC_SUCCESS;
}
nvrtcResult nvrtcGetCUBINSize(nvrtcProgram program, std::size_t* size) {
  *size = program->code.size();
  return NVRTC_SUCCESS;
}
nvrtcResult nvrtcGetCUBIN(nvrtcProgram program, char* code) {
  std::copy(program->code.begin(), program->code.end(), code);
  return NVRTC_SUCCESS;
}
