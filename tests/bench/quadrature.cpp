// SPDX-License-Identifier: Apache-2.0
// bench_quadrature: gradients of a wide network's solve, for quadrature.py, which starts it and
// compares it with peers on the same weights.
//
//   bench_quadrature FOLDER float32|float64 TOLERANCE THREADS
//
// FOLDER has w1, b1, w2, b2, w3, b3 (layers of a softplus network; where w1 has a column more than
// the state, the time goes there), z (initial states) and g (cotangents at t = 1), each as .npy.
// Then, line by line from the standard input,
//
//   run GRADIENT           one forward and backward pass; answers {"ms", "forward", "backward"}
//   write FILE             the last pass's parameter gradient as one array in .npy
//
// where GRADIENT is a gradient method as a configuration has it, {use: gauss_legendre, nodes:
// steps}.
#include <array>
#include <chrono>
#include <iostream>
#include <map>
#include <sstream>

#include "cli/session.hpp"
#include "config/load.hpp"
#include "config/yaml.hpp"
#include "io/npy.hpp"
#include "odeum/controller.hpp"
#include "odeum/gradient.hpp"
#include "plugin/registry.hpp"
#include "solve/setting.hpp"

namespace odeum::bench {
namespace {

constexpr std::array kLayers = {"w1", "b1", "w2", "b2", "w3", "b3"};

/// The component that `text` describes, with its defaults.
template <class Interface>
std::shared_ptr<Interface> component(const std::string& kind, const std::string& text) {
  const Schema schema = Schema().component(kind, kind, "");
  const Config root = config::resolve(config::parse_yaml("{" + kind + ": " + text + "}", "bench"),
                                      {}, schema, cli::schemas(plugin::registry()).lookup(), ".");
  return plugin::registry().create<Interface>(root.component(kind));
}

/// Arrays on the device.
class Memory {
 public:
  Memory(std::shared_ptr<Device> device, DType type) : device_(std::move(device)), type_(type) {}

  View put(const io::Array& array) {
    const io::Array typed = io::make_array(type_, array.shape, io::values(array));
    memory_.push_back(device_->allocate(typed.bytes.size()));
    const View view{memory_.back().get(), 0};
    device_->upload(view, typed.bytes.data(), typed.bytes.size());
    return view;
  }
  std::vector<double> get(View view, const io::Array& like) const {
    io::Array array{type_, like.shape, {}};
    array.bytes.resize(static_cast<std::size_t>(like.elements()) * size_of(type_));
    device_->download(array.bytes.data(), view, array.bytes.size());
    return io::values(array);
  }

 private:
  std::shared_ptr<Device> device_;
  DType type_;
  std::vector<std::shared_ptr<void>> memory_;
};

Dynamics network(const std::map<std::string, io::Array>& arrays, DType type) {
  const std::int64_t features = arrays.at("z").shape[1];
  const bool sees_time = arrays.at("w1").shape[1] > features;
  Dynamics dynamics;
  dynamics.members = {{.name = "z", .shape = {kRows, features}, .dtype = type}};
  for (const char* name : kLayers) {
    dynamics.constants.push_back({name, Shape(arrays.at(name).shape), type});
  }
  dynamics.rates = [sees_time, type](Tensor t, const State& y, std::span<const Tensor> c) {
    Tensor x = y[0];
    if (sees_time) {
      const Tensor time =
          reshape(cast(t, type), t.shape().has_rows() ? Shape{kRows, 1} : Shape{1, 1});
      x = concat({x, broadcast(time, {kRows, 1})});
    }
    const Tensor hidden = softplus(linear(softplus(linear(x, c[0], c[1])), c[2], c[3]));
    return State{linear(hidden, c[4], c[5])};
  };
  return dynamics;
}

/// The problem with one differentiable solve a method.
class Problem {
 public:
  Problem(const std::string& folder, DType type, double tolerance, const std::string& threads)
      : device_(component<Device>("device", "{use: cpu, threads: " + threads + "}")),
        memory_(device_, type) {
    for (const char* name : kLayers) arrays_[name] = io::read_npy(folder + "/" + name + ".npy");
    for (const char* name : {"z", "g"}) arrays_[name] = io::read_npy(folder + "/" + name + ".npy");
    dynamics_ = network(arrays_, type);
    options_.rtol = tolerance;
    options_.atol = {tolerance};
    for (const char* name : kLayers) {
      constants_.push_back(memory_.put(arrays_[name]));
      targets_.push_back(memory_.put(arrays_[name]));
    }
    initial_ = memory_.put(arrays_["z"]);
    result_ = memory_.put(arrays_["z"]);
    cotangent_ = memory_.put(arrays_["g"]);
    of_initial_ = memory_.put(arrays_["z"]);
    type_ = type;
  }

  std::string run(const std::string& method) {
    std::unique_ptr<DifferentiableSolve>& solve = solves_[method];
    if (!solve) {
      const auto gradient = component<GradientMethod>("gradient", method);
      solve = gradient->prepare(
          solve::make_setting(dynamics_, component<Solver>("solver", "dopri5"),
                              component<Controller>("controller", "integral"), options_, device_),
          std::vector<bool>(kLayers.size(), true));
    }
    for (std::size_t i = 0; i < kLayers.size(); ++i) {
      const auto count = static_cast<std::size_t>(arrays_[kLayers[i]].elements());
      device_->fill_zero(targets_[i], count * size_of(type_));
    }
    const std::array times{0.0, 1.0};
    const SolveCall call{.rows = arrays_["z"].shape[0],
                         .times = times,
                         .initial = std::span(&initial_, 1),
                         .constants = constants_,
                         .results = std::span(&result_, 1),
                         .observer = {}};
    const auto begin = std::chrono::steady_clock::now();
    const SolveReport forward = solve->forward(call);
    if (!forward.ok()) throw RunError(forward.message());
    const SolveReport backward = solve->backward(call, std::span(&cotangent_, 1),
                                                 {std::span(&of_initial_, 1), targets_, {}});
    if (!backward.ok()) throw RunError(backward.message());
    device_->synchronize();
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - begin;
    std::ostringstream line;
    line << "{\"ms\": " << ms.count() << ", \"forward\": " << forward.evaluations
         << ", \"backward\": " << backward.evaluations << "}";
    return line.str();
  }

  void write(const std::string& file) {
    std::vector<double> all;
    for (std::size_t i = 0; i < kLayers.size(); ++i) {
      const std::vector<double> values = memory_.get(targets_[i], arrays_[kLayers[i]]);
      all.insert(all.end(), values.begin(), values.end());
    }
    const auto size = static_cast<std::int64_t>(all.size());
    io::write_npy(file, io::make_array(DType::f64, {size}, all));
  }

 private:
  std::shared_ptr<Device> device_;
  Memory memory_;
  DType type_ = DType::f32;
  std::map<std::string, io::Array> arrays_;
  Dynamics dynamics_;
  SolveOptions options_;
  std::vector<View> constants_, targets_;
  View initial_, result_, cotangent_, of_initial_;
  std::map<std::string, std::unique_ptr<DifferentiableSolve>> solves_;
};

void serve(int argc, char** argv) {
  if (argc != 5) throw ConfigError("bench_quadrature FOLDER float32|float64 TOLERANCE THREADS");
  plugin::set_plugin_path({ODEUM_PLUGINS});
  const DType type = std::string(argv[2]) == "float64" ? DType::f64 : DType::f32;
  Problem problem(argv[1], type, std::stod(argv[3]), argv[4]);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb, file, method;
    words >> verb;
    if (verb == "write") {
      words >> file;
      problem.write(file);
      std::cout << "{}" << std::endl;
      continue;
    }
    std::getline(words >> std::ws, method);
    std::cout << problem.run(method) << std::endl;
  }
}

}  // namespace
}  // namespace odeum::bench

int main(int argc, char** argv) {
  try {
    odeum::bench::serve(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "bench_quadrature: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
