// SPDX-License-Identifier: Apache-2.0
// Tape: records a component's tensor code on given values and evaluates it in float64 with the
// reference interpreter. What the component asks its scope for are inputs of the recording too.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/scope.hpp"
#include "odeum/program.hpp"
#include "odeum/random.hpp"
#include "program/interpreter.hpp"

namespace odeum::plugin_tests {

class Tape {
 public:
  explicit Tape(std::int64_t rows, DType type = DType::f64, Mode mode = Mode::evaluation)
      : rows_(rows),
        type_(type),
        scope_(
            input("anchor", {1}, {0.0}), [this](const model::Item& item) { return provide(item); },
            mode, [this](const model::Observation& one) { observed.push_back(one); }) {}

  /// Values that the scope hands out under a name; others are drawn, uniform in (-1, 1), or for
  /// noise, from the distribution asked for. To be set before recording.
  std::map<std::string, std::vector<double>> given;
  /// What was observed, in order (in training only).
  std::vector<model::Observation> observed;

  Tensor input(const std::string& name, const Shape& shape, std::vector<double> values) {
    if (static_cast<std::int64_t>(values.size()) != shape.elements(rows_))
      bug("values for " + name);
    const Tensor tensor = recording_.input(name, shape, type_);
    values_.push_back(program::Array::of(type_, program::bind(shape, rows_), std::move(values)));
    return tensor;
  }

  model::NamedScope& scope() { return scope_; }
  /// What the scope was asked for under a name.
  const model::Item& item(const std::string& name) const {
    for (const model::Item& item : scope_.items()) {
      if (item.name == name) return item;
    }
    bug("nobody asked for " + name);
  }
  /// The values that the scope handed out under a name.
  const std::vector<double>& handed_out(const std::string& name) const {
    return handed_out_.at(name);
  }

  std::vector<double> evaluate(Tensor tensor) const {
    const std::vector<Tensor> outputs{tensor};
    return program::interpret(recording_.program(outputs), rows_, values_).front().values;
  }

 private:
  Tensor provide(const model::Item& item) {
    std::vector<double> values;
    const auto found = given.find(item.name);
    if (found != given.end()) {
      values = found->second;
    } else {
      RandomStream random(17, handed_out_.size());
      for (std::int64_t i = 0; i < item.shape.elements(rows_); ++i)
        values.push_back(draw(item, random));
    }
    handed_out_[item.name] = values;
    return input(item.name, item.shape, values);
  }

  static double draw(const model::Item& item, RandomStream& random) {
    if (item.kind != model::Item::Kind::noise) return 2.0 * random.uniform() - 1.0;
    switch (item.distribution) {
      case Distribution::uniform:
        return random.uniform();
      case Distribution::normal:
        return random.normal();
      case Distribution::rademacher:
        return random.uniform() < 0.5 ? -1.0 : 1.0;
    }
    bug("a distribution of no kind");
  }

  std::int64_t rows_;
  DType type_;
  Recording recording_;
  std::vector<program::Array> values_;
  std::map<std::string, std::vector<double>> handed_out_;
  model::NamedScope scope_;
};

}  // namespace odeum::plugin_tests
