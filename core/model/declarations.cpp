// SPDX-License-Identifier: Apache-2.0
#include "model/declarations.hpp"

#include "odeum/random.hpp"

namespace odeum::model {

namespace {

// 64 bytes are 16 float32: a multiple of it suits float64 as well.
constexpr std::int64_t kAlignment = 16;

double draw(const Initializer& initializer, RandomStream& stream) {
  switch (initializer.rule) {
    case Initializer::Rule::constant:
      return initializer.value;
    case Initializer::Rule::uniform:
      return initializer.value * (2.0 * stream.uniform() - 1.0);
    case Initializer::Rule::normal:
      return initializer.value * stream.normal();
  }
  bug("an initializer of unknown rule");
}

}  // namespace

std::uint64_t name_key(const std::string& name) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : name) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

int declare(Layout& layout, const std::string& name, const Shape& shape, Initializer initializer) {
  for (std::size_t i = 0; i < layout.entries.size(); ++i) {
    if (layout.entries[i].name != name) continue;
    if (!(layout.entries[i].shape == shape)) {
      bug("'" + name + "' was asked for with shape " + shape.text() + " after " +
          layout.entries[i].shape.text());
    }
    return static_cast<int>(i);
  }
  if (shape.has_rows())
    bug("'" + name + "' has a shape that depends on the batch: " + shape.text());
  Entry entry{name, shape, initializer, layout.size, shape.elements(1)};
  layout.size += (entry.size + kAlignment - 1) / kAlignment * kAlignment;
  layout.entries.push_back(std::move(entry));
  return static_cast<int>(layout.entries.size()) - 1;
}

std::vector<double> initial_values(const Layout& layout, std::uint64_t seed) {
  std::vector<double> values(static_cast<std::size_t>(layout.size), 0.0);
  const std::uint64_t key = stream_key(seed, Purpose::initialisation, 0);
  for (const Entry& entry : layout.entries) {
    RandomStream stream(key, name_key(entry.name));
    for (std::int64_t i = 0; i < entry.size; ++i) {
      values[static_cast<std::size_t>(entry.offset + i)] = draw(entry.initializer, stream);
    }
  }
  return values;
}

}  // namespace odeum::model
