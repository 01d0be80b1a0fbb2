// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011). A draw depends on (key, counter) alone: not on threads, partition,
// batch composition or resume.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace odeum::inline v1 {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

/// Ten rounds of Philox 4x32.
constexpr PhiloxCounter philox(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
        static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// What a draw is for; streams of different purposes never meet.
enum class Purpose : std::uint32_t {
  data = 1,
  initialisation,
  shuffle,
  probe,
  noise,
  sample,
  split,
  evaluation,
  jitter,
  user
};

/// 64-bit key material of a run's stream: seed, purpose, step mixed by one Philox call.
constexpr std::uint64_t stream_key(std::uint64_t seed, Purpose purpose, std::uint64_t step) {
  const PhiloxCounter c =
      philox({static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
              static_cast<std::uint32_t>(purpose), 0},
             {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return (std::uint64_t{c[1]} << 32) | c[0];
}

/// Uniform in (0, 1), 24 bits (float32 holds it exactly) or 52 bits (float64).
constexpr float to_uniform_f32(std::uint32_t word) {
  return (static_cast<float>(word >> 8) + 0.5F) * 0x1p-24F;
}
constexpr double to_uniform_f64(std::uint32_t high, std::uint32_t low) {
  return (static_cast<double>((std::uint64_t{high} << 20) | (low >> 12)) + 0.5) * 0x1p-52;
}

/// The draws of one sample, in order: a stream keyed by (key, sample).
class RandomStream {
 public:
  RandomStream(std::uint64_t key, std::uint64_t sample)
      : key_{static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)},
        counter_{0, 0, static_cast<std::uint32_t>(sample),
                 static_cast<std::uint32_t>(sample >> 32)} {}

  std::uint32_t word() {
    if (next_ == 4) {
      words_ = philox(counter_, key_);
      if (++counter_[0] == 0) ++counter_[1];
      next_ = 0;
    }
    return words_[next_++];
  }
  double uniform() {
    const std::uint32_t high = word();
    return to_uniform_f64(high, word());
  }
  /// Box-Muller, the cosine branch.
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }
  /// 0 .. n-1.
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>(uniform() * static_cast<double>(n));
  }

 private:
  PhiloxKey key_;
  PhiloxCounter counter_;
  PhiloxCounter words_{};
  std::size_t next_ = 4;
};

/// The `random` primitive (odeum/tensor.hpp), element `element` of a sample's row: what every
/// device and the reference interpreter must produce from key[0], key[1] and the sample's index.
///
/// The Philox key is stream_key(key[0], Purpose::user, key[1]); the counter is (element low,
/// element high, sample low, sample high). Uniform takes words 0 and 1; normal is Box-Muller of
/// (words 0, 1) and (words 2, 3), cosine branch; rademacher is the sign from word 0's top bit.
/// float32 results are the float64 ones rounded (uniform float32: to_uniform_f32 of word 0).
struct RandomElement {
  PhiloxCounter words;

  constexpr RandomElement(std::uint64_t stream, std::uint64_t sample, std::uint64_t element)
      : words(philox(
            {static_cast<std::uint32_t>(element), static_cast<std::uint32_t>(element >> 32),
             static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(sample >> 32)},
            {static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)})) {}

  constexpr float uniform_f32() const { return to_uniform_f32(words[0]); }
  constexpr double uniform() const { return to_uniform_f64(words[0], words[1]); }
  double normal() const {
    return std::sqrt(-2.0 * std::log(to_uniform_f64(words[0], words[1]))) *
           std::cos(2.0 * std::numbers::pi * to_uniform_f64(words[2], words[3]));
  }
  constexpr double rademacher() const { return (words[0] >> 31) != 0 ? 1.0 : -1.0; }
};

}  // namespace odeum::inline v1
