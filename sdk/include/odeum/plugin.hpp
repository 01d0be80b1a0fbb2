// SPDX-License-Identifier: Apache-2.0
// Declares a plugin: one macro, once per component, at namespace scope in a source file.
//
//   ODEUM_PLUGIN(solver, "dopri5", Dopri5, "1.0.0", "Dormand-Prince 5(4)")
//
// `Class` derives from the kind's interface, has `static odeum::Schema schema()` and a constructor
// from `const odeum::Config&` (or none, when the schema is empty). What the host needs to know
// before it loads the file stands in the section `.odeum` as a constant record without pointers;
// the host reads it with an ELF reader and refuses a file of another ABI without running its code.
#pragma once

#include <cstddef>
#include <type_traits>

#include "odeum/abi.hpp"

namespace odeum::inline v1 {

// The interfaces by kind.
class VectorField;
class Solver;
class Controller;
class GradientMethod;
class Regularizer;
class Block;
class Objective;
class Dataset;
class Optimizer;
class Device;

namespace kinds {
struct field {
  using Interface = VectorField;
};
struct solver {
  using Interface = Solver;
};
struct controller {
  using Interface = Controller;
};
struct gradient {
  using Interface = GradientMethod;
};
struct regularizer {
  using Interface = Regularizer;
};
struct block {
  using Interface = Block;
};
struct objective {
  using Interface = Objective;
};
struct dataset {
  using Interface = Dataset;
};
struct optimizer {
  using Interface = Optimizer;
};
struct device {
  using Interface = Device;
};
}  // namespace kinds

namespace detail {

template <std::size_t N, std::size_t M>
constexpr void copy_text(char (&to)[N], const char (&from)[M]) {
  static_assert(M <= N, "text of a plugin record is too long");
  for (std::size_t i = 0; i < M; ++i) to[i] = from[i];
}

template <std::size_t A, std::size_t K, std::size_t N, std::size_t V, std::size_t S>
constexpr PluginRecord make_record(const char (&abi)[A], const char (&kind)[K],
                                   const char (&plugin)[N], const char (&version)[V],
                                   const char (&summary)[S]) {
  PluginRecord r{};
  r.magic = kPluginMagic;
  r.size = sizeof(PluginRecord);
  copy_text(r.abi, abi);
  copy_text(r.kind, kind);
  copy_text(r.name, plugin);
  copy_text(r.version, version);
  copy_text(r.summary, summary);
  return r;
}

template <class Interface, class Class>
void* create(const Config& config) {
  if constexpr (std::is_constructible_v<Class, const Config&>) {
    return static_cast<Interface*>(new Class(config));
  } else {
    return static_cast<Interface*>(new Class());
  }
}

template <class Interface>
void destroy(void* object) {
  delete static_cast<Interface*>(object);
}

}  // namespace detail
}  // namespace odeum::inline v1

extern "C" {
// Bounds of the section that the linker gathers this file's entries in, by the linker's names.
extern const odeum::PluginEntry odeum_entries_begin[] __asm__("__start_odeum_entries")
    __attribute__((visibility("hidden")));
extern const odeum::PluginEntry odeum_entries_end[] __asm__("__stop_odeum_entries")
    __attribute__((visibility("hidden")));

/// The only symbol that a plugin exports; ODEUM_PLUGIN has it emitted.
[[gnu::visibility("default")]] inline odeum::PluginEntries odeum_plugin_entries() {
  return {odeum_entries_begin, static_cast<std::size_t>(odeum_entries_end - odeum_entries_begin)};
}
}

#define ODEUM_JOIN_2(a, b) a##b
#define ODEUM_JOIN(a, b) ODEUM_JOIN_2(a, b)

/// The one macro of the SDK. A file may declare several plugins.
#define ODEUM_PLUGIN(kind_, name_, Class_, version_, summary_)                                 \
  [[gnu::section(".odeum"), gnu::used,                                                         \
    gnu::retain]] static constexpr odeum::PluginRecord ODEUM_JOIN(odeum_record_, __LINE__) =   \
      odeum::detail::make_record(ODEUM_ABI_TAG, #kind_, name_, version_, summary_);            \
  [[gnu::section("odeum_entries"), gnu::used,                                                  \
    gnu::retain]] static const odeum::PluginEntry ODEUM_JOIN(odeum_entry_, __LINE__) = {       \
      &ODEUM_JOIN(odeum_record_, __LINE__), &Class_::schema,                                   \
      &odeum::detail::create<odeum::kinds::kind_::Interface, Class_>,                          \
      &odeum::detail::destroy<odeum::kinds::kind_::Interface>};                                \
  [[gnu::used, gnu::retain]] static constexpr auto* ODEUM_JOIN(odeum_entry_point_, __LINE__) = \
      &::odeum_plugin_entries;
