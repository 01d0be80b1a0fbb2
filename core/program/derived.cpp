// SPDX-License-Identifier: Apache-2.0
#include "program/derived.hpp"

#include <utility>

#include "odeum/error.hpp"
#include "program/host_derivative.hpp"
#include "program/primitive.hpp"
#include "program/program_transforms.hpp"

namespace odeum::program {
namespace {

template <class Entries, class Key, class Make>
auto& find_or_make(Entries& entries, Key key, Make make) {
  for (auto& entry : entries) {
    if (entry.key == key) return entry.value;
  }
  auto value = make();  // which may ask for other derived programs of this graph
  entries.push_back({std::move(key), std::move(value)});
  return entries.back().value;
}

}  // namespace

const LinearizedCallee& DerivedPrograms::linearized(const std::shared_ptr<const Program>& program,
                                                    const std::vector<int>& inputs) {
  return *find_or_make(linearized_, Key{program, inputs, {}, 0}, [&] {
    return std::make_unique<LinearizedCallee>(linearize_callee(*program, inputs));
  });
}

std::shared_ptr<const Program> DerivedPrograms::transposed(
    const std::shared_ptr<const Program>& program, const std::vector<int>& linear,
    const std::vector<int>& seeded) {
  return find_or_make(transposed_, Key{program, linear, seeded, 0}, [&] {
    return std::make_shared<const Program>(transpose_outputs(*program, linear, seeded));
  });
}

std::shared_ptr<const Program> DerivedPrograms::batched(
    const std::shared_ptr<const Program>& program, const std::vector<int>& inputs, std::int64_t n) {
  return find_or_make(batched_, Key{program, inputs, {}, n},
                      [&] { return std::make_shared<const Program>(vmap(*program, inputs, n)); });
}

std::shared_ptr<HostFunction> DerivedPrograms::linearized(
    const std::shared_ptr<HostFunction>& function, const std::vector<int>& inputs) {
  return find_or_make(linearized_hosts_, Key{function, inputs, {}, 0}, [&] {
    transposed(function);  // refuses a function without one
    return std::make_shared<LinearizedHost>(function, inputs);
  });
}

std::shared_ptr<HostFunction> DerivedPrograms::transposed(
    const std::shared_ptr<HostFunction>& function) {
  return find_or_make(transposed_hosts_, Key{function, {}, {}, 0}, [&] {
    auto derivative = function->vjp();
    if (!derivative) refuse("vjp", "host function " + function->name() + " has no derivative");
    return derivative;
  });
}

LinearizedHost::LinearizedHost(std::shared_ptr<HostFunction> function, std::vector<int> positions)
    : function_(std::move(function)), positions_(std::move(positions)) {}

std::string LinearizedHost::name() const { return "derivative of " + function_->name(); }

std::vector<HostFunction::Value> LinearizedHost::outputs() const {
  std::vector<Value> result;
  for (const Value& value : function_->outputs()) {
    if (is_float(value.dtype)) result.push_back(value);
  }
  return result;
}

void LinearizedHost::run(std::int64_t, std::span<const void* const>, std::span<void* const>) {
  throw RunError("host function " + function_->name() +
                 " has no forward derivative; only its transpose can run");
}

}  // namespace odeum::program
