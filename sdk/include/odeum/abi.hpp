// SPDX-License-Identifier: Apache-2.0
// What host and plugin agree on before any code of the plugin runs: the ABI tag, the record in
// section `.odeum`, and the table that the entry point `odeum_plugin_entries` returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "odeum/config.hpp"
#include "odeum/schema.hpp"

namespace odeum::inline v1 {

/// Changes when SDK headers change.
#define ODEUM_ABI_NUMBER 5

// Text of the ABI: odeum's number, the compiler's C++ ABI, the standard library's, sanitizers.
#define ODEUM_TEXT_2(x) #x
#define ODEUM_TEXT(x) ODEUM_TEXT_2(x)
#if defined(__SANITIZE_ADDRESS__)
#define ODEUM_ABI_SANITIZER "+asan"
#elif defined(__SANITIZE_THREAD__)
#define ODEUM_ABI_SANITIZER "+tsan"
#else
#define ODEUM_ABI_SANITIZER ""
#endif
#if defined(_GLIBCXX_USE_CXX11_ABI)
#define ODEUM_ABI_LIBRARY "libstdc++11-" ODEUM_TEXT(_GLIBCXX_USE_CXX11_ABI)
#else
#define ODEUM_ABI_LIBRARY "unknown"
#endif
#if defined(_GLIBCXX_DEBUG)
#define ODEUM_ABI_DEBUG "+debug"
#else
#define ODEUM_ABI_DEBUG ""
#endif
#define ODEUM_ABI_TAG                                   \
  "abi" ODEUM_TEXT(ODEUM_ABI_NUMBER) "-cxx" ODEUM_TEXT( \
      __GXX_ABI_VERSION) "-" ODEUM_ABI_LIBRARY ODEUM_ABI_DEBUG ODEUM_ABI_SANITIZER

inline constexpr std::uint32_t kPluginMagic = 0x5545444F;  ///< "ODEU" in memory

/// What stands in section `.odeum`, one after another. The first three fields never move.
struct PluginRecord {
  std::uint32_t magic;
  std::uint32_t size;  ///< of this struct as the plugin saw it
  char abi[120];
  char kind[32];
  char name[64];
  char version[32];
  char summary[256];
};
static_assert(std::is_trivially_copyable_v<PluginRecord>);

/// What a loaded plugin hands over, one per record. `create` returns a pointer to the kind's
/// interface (cast from Class*), made with new; `destroy` takes it back.
struct PluginEntry {
  const PluginRecord* record;
  Schema (*schema)();
  void* (*create)(const Config& config);
  void (*destroy)(void* object);
};
struct PluginEntries {
  const PluginEntry* first;
  std::size_t count;
};

}  // namespace odeum::inline v1
