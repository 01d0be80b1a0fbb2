// SPDX-License-Identifier: Apache-2.0
// Programs derived from callees while a graph is differentiated or batched: each is made once a
// graph, so that equal calls stay equal and merge.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "odeum/program.hpp"
#include "odeum/transforms.hpp"

namespace odeum::program {

struct LinearizedCallee {
  std::shared_ptr<const Program> primal;
  std::shared_ptr<const Program> linear;
  int residuals = 0;
  std::vector<int> moving;  ///< outputs of the callee whose tangents `linear` gives, in order
};

class DerivedPrograms {
 public:
  const LinearizedCallee& linearized(const std::shared_ptr<const Program>& program,
                                     const std::vector<int>& inputs);
  /// Linear in the inputs `linear`; only the outputs `seeded` have cotangents.
  std::shared_ptr<const Program> transposed(const std::shared_ptr<const Program>& program,
                                            const std::vector<int>& linear,
                                            const std::vector<int>& seeded);
  std::shared_ptr<const Program> batched(const std::shared_ptr<const Program>& program,
                                         const std::vector<int>& inputs, std::int64_t n);
  /// The stand-in for a host function's derivative until it is transposed.
  std::shared_ptr<HostFunction> linearized(const std::shared_ptr<HostFunction>& function,
                                           const std::vector<int>& inputs);
  std::shared_ptr<HostFunction> transposed(const std::shared_ptr<HostFunction>& function);

 private:
  struct Key {
    std::shared_ptr<const void> source;
    std::vector<int> first, second;
    std::int64_t n = 0;
    bool operator==(const Key&) const = default;
  };
  template <class T>
  struct Entry {
    Key key;
    T value;
  };
  // Few callees a graph: a list is searched faster than a map is built. Values stay in place.
  std::vector<Entry<std::unique_ptr<LinearizedCallee>>> linearized_;
  std::vector<Entry<std::shared_ptr<const Program>>> transposed_;
  std::vector<Entry<std::shared_ptr<const Program>>> batched_;
  std::vector<Entry<std::shared_ptr<HostFunction>>> linearized_hosts_;
  std::vector<Entry<std::shared_ptr<HostFunction>>> transposed_hosts_;
};

}  // namespace odeum::program
