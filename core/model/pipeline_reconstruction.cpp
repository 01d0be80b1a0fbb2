// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "model/pipeline.hpp"
#include "model/pipeline_parts.hpp"
#include "odeum/tensor.hpp"

namespace odeum::model {

std::vector<double> Pipeline::reconstruct(const Batch& batch, std::int64_t pass, View parameters,
                                          View buffers) {
  Parts& parts = *parts_;
  const std::string reason = parts.chain->why_no_inverse();
  if (!reason.empty()) throw ConfigError("this model has no way back to the data: " + reason);
  Recorder recorder(parts.parameters, parts.buffers, parts.precision);
  const Tensor x = recorder.column(parts.main_column, parts.chain->input_shape());
  const Tensor code = parts.chain->forward(recorder, x, Use::evaluation).value;
  const std::array output{cast(parts.chain->inverse(recorder, code), DType::f64)};
  const auto program = parts.compile(recorder, output, {"reconstructions"}, "reconstruction");

  const Sources sources = parts.sources(batch, Purpose::evaluation, pass, parameters, buffers);
  std::vector<double> values(
      static_cast<std::size_t>(batch.rows * parts.chain->input_shape().elements_per_row()));
  const View result = parts.memory.results(values.size() * sizeof(double));
  parts.log->records.clear();
  program->run(sources, std::array{result});
  parts.device->download(values.data(), result, values.size() * sizeof(double));
  return values;
}

}  // namespace odeum::model
