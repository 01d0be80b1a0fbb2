// SPDX-License-Identifier: Apache-2.0
#include "model/sampling.hpp"

#include <algorithm>

namespace odeum::model {

Tensor record_samples(const Chain& chain, const Objective& objective, Recorder& recorder) {
  const std::string reason = chain.why_no_inverse();
  if (!reason.empty()) throw ConfigError("this model cannot draw samples: " + reason);
  NamedScope scope = recorder.scope("objective", Use::evaluation);
  const Tensor base = objective.base_sample(scope, chain.output_shape());
  if (!base) throw ConfigError("this objective defines no samples: " + objective.why_no_sampling());
  return chain.inverse(recorder, base);
}

std::int64_t samples_at_once(std::int64_t elements) {
  constexpr std::int64_t kMostRows = 4096;
  constexpr std::int64_t kMostNumbers = 1 << 16;
  return std::clamp<std::int64_t>(kMostNumbers / elements, 1, kMostRows);
}

}  // namespace odeum::model
