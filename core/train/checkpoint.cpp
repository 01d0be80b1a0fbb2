// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.hpp"

#include <span>

#include "io/json.hpp"
#include "io/safetensors.hpp"
#include "train/fingerprint.hpp"

namespace odeum::train {
namespace {

constexpr const char* kState = "odeum.state";
constexpr const char* kFormat = "odeum.checkpoint";
constexpr const char* kVersion = "1";
constexpr const char* kChecksum = "odeum.checksum";

using io::Json;

Json to_json(const Checkpoint& c) {
  const Progress& p = c.progress;
  const model::Evaluations& e = p.evaluations;
  return {{"step", p.step},
          {"stopped_early", p.stopped_early},
          {"seed", c.seed},
          {"epoch", c.epoch},
          {"epoch_row", c.epoch_row},
          {"metrics_bytes", p.metrics_bytes},
          {"skipped_samples", p.skipped_samples},
          {"evaluations", {e.forward, e.backward, e.accepted, e.rejected}},
          {"search", {p.iterations, p.loss_evaluations}},
          {"since_log", {{"count", p.since_log.count}, {"sums", p.since_log.sums}}},
          {"best",
           {{"step", p.best.step}, {"metric", p.best.metric}, {"since", p.best.evaluations_since}}},
          {"config", c.config},
          {"table", c.table},
          {"columns", c.columns},
          {"sample_shape", c.sample_shape}};
}

void from_json(const Json& json, Checkpoint& c) {
  Progress& p = c.progress;
  p.step = json.at("step").get<std::int64_t>();
  p.stopped_early = json.at("stopped_early").get<bool>();
  c.seed = json.at("seed").get<std::uint64_t>();
  c.epoch = json.at("epoch").get<std::int64_t>();
  c.epoch_row = json.at("epoch_row").get<std::int64_t>();
  p.metrics_bytes = json.at("metrics_bytes").get<std::uint64_t>();
  p.skipped_samples = json.at("skipped_samples").get<std::int64_t>();
  const auto evaluations = json.at("evaluations").get<std::vector<std::int64_t>>();
  p.evaluations = {evaluations.at(0), evaluations.at(1), evaluations.at(2), evaluations.at(3)};
  const auto search = json.value("search", std::vector<std::int64_t>{0, 0});
  p.iterations = search.at(0);
  p.loss_evaluations = search.at(1);
  p.since_log.count = json.at("since_log").at("count").get<std::int64_t>();
  p.since_log.sums = json.at("since_log").at("sums").get<std::map<std::string, double>>();
  p.best.step = json.at("best").at("step").get<std::int64_t>();
  p.best.metric = json.at("best").at("metric").get<double>();
  p.best.evaluations_since = json.at("best").at("since").get<std::int64_t>();
  c.config = json.at("config").get<std::string>();
  c.table = json.value("table", "");
  c.columns = json.at("columns").get<std::vector<std::string>>();
  c.sample_shape = json.at("sample_shape").get<std::vector<std::int64_t>>();
}

/// The state of a checkpoint file; `c` gets the scalar part.
void read_state(const io::Safetensors& contents, const std::filesystem::path& file, Checkpoint& c) {
  const auto format = contents.metadata.find(kFormat);
  const auto state = contents.metadata.find(kState);
  if (format == contents.metadata.end() || state == contents.metadata.end()) {
    throw ConfigError(Place{file.string()}, "is no checkpoint of odeum");
  }
  if (format->second != kVersion) {
    throw ConfigError(Place{file.string()}, "is a checkpoint of format " + format->second +
                                                "; this odeum reads format " + kVersion);
  }
  try {
    from_json(io::parse_json(state->second, file), c);
  } catch (const Json::exception& error) {
    throw ConfigError(Place{file.string()}, std::string("has a malformed state: ") + error.what());
  } catch (const std::out_of_range&) {
    throw ConfigError(Place{file.string()}, "has a malformed state");
  }
}

/// Of the state and of every array.
std::string checksum(const io::Safetensors& contents) {
  std::string parts = contents.metadata.at(kState);
  for (const auto& [name, array] : contents.arrays) {
    parts +=
        name + fingerprint({reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size()});
  }
  return fingerprint(parts);
}

/// A file that was damaged later: it was whole when it got its name.
io::Safetensors contents_of(const std::filesystem::path& file) {
  try {
    io::Safetensors contents = io::read_safetensors(file);
    const auto written = contents.metadata.find(kChecksum);  // none: of before there were any
    if (written != contents.metadata.end() && contents.metadata.contains(kState) &&
        written->second != checksum(contents)) {
      throw ConfigError(Place{file.string()}, "is damaged: what it holds is not what was written");
    }
    return contents;
  } catch (const ConfigError& error) {
    throw ConfigError(std::string(error.what()) +
                      "; where it is taken away, the checkpoint before it is used");
  }
}

void put(io::Safetensors& contents, const std::string& prefix, const model::Layout& layout,
         DType type, std::span<const double> flat) {
  for (const model::Entry& entry : layout.entries) {
    contents.arrays[prefix + entry.name] = io::make_array(
        type, entry.shape.extents(),
        flat.subspan(static_cast<std::size_t>(entry.offset), static_cast<std::size_t>(entry.size)));
  }
}

std::vector<double> take(const io::Safetensors& contents, const std::string& prefix,
                         const model::Layout& layout, DType type,
                         const std::filesystem::path& file) {
  std::vector<double> flat(static_cast<std::size_t>(layout.size));
  for (const model::Entry& entry : layout.entries) {
    const io::Array& array = contents.array(prefix + entry.name, file);
    if (array.shape != entry.shape.extents() || array.dtype != type) {
      throw ConfigError(Place{file.string()}, "belongs to another model: '" + prefix + entry.name +
                                                  "' is " + name(array.dtype) + " " +
                                                  Shape(array.shape).text() + ", this model's is " +
                                                  name(type) + " " + entry.shape.text());
    }
    const std::vector<double> values = io::values(array);
    std::copy(values.begin(), values.end(), flat.begin() + entry.offset);
  }
  return flat;
}

}  // namespace

void save(const std::filesystem::path& file, const Checkpoint& checkpoint,
          const model::Layout& parameters, const model::Layout& buffers, DType type) {
  io::Safetensors contents;
  contents.metadata[kFormat] = kVersion;
  contents.metadata[kState] = io::to_line(to_json(checkpoint));
  put(contents, "parameters.", parameters, type, checkpoint.parameters);
  put(contents, "buffers.", buffers, type, checkpoint.buffers);
  for (const auto& [slot, values] : checkpoint.slots) {
    put(contents, "optimizer." + slot + ".", parameters, type, values);
  }
  contents.metadata[kChecksum] = checksum(contents);
  io::write_safetensors(file, contents);
}

Checkpoint load(const std::filesystem::path& file, const model::Layout& parameters,
                const model::Layout& buffers, DType type) {
  const io::Safetensors contents = contents_of(file);
  Checkpoint checkpoint;
  read_state(contents, file, checkpoint);
  checkpoint.parameters = take(contents, "parameters.", parameters, type, file);
  checkpoint.buffers = take(contents, "buffers.", buffers, type, file);
  // Slots are known by the names in front of the first parameter's.
  const std::string last = "." + parameters.entries.front().name;
  for (const auto& [name, array] : contents.arrays) {
    const std::string first = "optimizer.";
    if (name.rfind(first, 0) != 0 || name.size() <= first.size() + last.size()) continue;
    const std::size_t end = name.size() - last.size();
    if (name.compare(end, last.size(), last) != 0) continue;
    const std::string slot = name.substr(first.size(), end - first.size());
    if (slot.find('.') != std::string::npos) continue;
    checkpoint.slots[slot] = take(contents, first + slot + ".", parameters, type, file);
  }
  return checkpoint;
}

TrainedOn trained_on(const std::filesystem::path& file) {
  Checkpoint checkpoint;
  read_state(contents_of(file), file, checkpoint);
  return {checkpoint.columns, checkpoint.sample_shape};
}

}  // namespace odeum::train
