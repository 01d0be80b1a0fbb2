// SPDX-License-Identifier: Apache-2.0
// Programs: recorded tensor functions, as devices read them.
//
// A Program is a plain value: nodes in an order in which operands come before their users, the
// inputs, and the outputs. It is pure: its outputs depend on its inputs alone. Recording is the
// way to make one; transforms (odeum/transforms.hpp) make new ones.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "odeum/shape.hpp"
#include "odeum/tensor.hpp"

namespace odeum::inline v1 {

enum class Op : std::uint8_t {
  input,
  constant,
  iota,
  row_count,
  random,
  // elementwise, one operand
  neg,
  abs,
  sign,
  floor,
  exp,
  expm1,
  log,
  log1p,
  sqrt,
  sin,
  cos,
  tanh,
  sigmoid,
  softplus,
  erf,
  cast,
  stop_gradient,
  // elementwise, two or three operands, all of one shape
  add,
  sub,
  mul,
  div,
  max,
  min,
  less,
  equal,
  select,
  // shape
  reshape,
  permute,
  broadcast,
  slice,
  pad,
  concat,
  // indexing
  gather,
  scatter_add,
  window_argmax,
  // reductions
  sum,
  reduce_max,
  // linear algebra
  dot,
  conv,
  conv_input_gradient,
  conv_weight_gradient,
  lu_solve,
  // structure
  call,
  host_call,
  output,
};
const char* name(Op op);

struct Program;
struct View;  // odeum/device.hpp
class HostFunction;

// Attributes of nodes, by kind of operation.
struct ConstantValues {
  std::vector<double> values;
};  ///< one value (a fill) or one per element
struct Axis {
  int axis = 0;
};  ///< iota, concat
struct Axes {
  std::vector<int> axes;
};  ///< sum, reduce_max, permute; sorted but in permute
struct Bounds {
  int axis = 0;
  std::int64_t begin = 0, end = 0;
};  ///< slice
struct Padding {
  int axis = 0;
  std::int64_t before = 0, after = 0;
};  ///< pad
struct Contraction {
  std::string a, b, out;
};  ///< dot
struct Solve {
  bool transposed = false;
};  ///< lu_solve: with A or with its transpose
struct Randomness {
  Distribution distribution = Distribution::uniform;
};
struct Callee {
  std::shared_ptr<const Program> program;
};  ///< call
struct HostCallee {
  std::shared_ptr<HostFunction> function;
};  ///< host_call
struct OutputIndex {
  int index = 0;
};  ///< output: of a call or host_call

using Attributes =
    std::variant<std::monostate, ConstantValues, Axis, Axes, Bounds, Padding, Contraction, Window,
                 Solve, Randomness, Callee, HostCallee, OutputIndex>;

/// One node. `broadcast` needs equal ranks (each operand extent is 1 or the result's); `reshape`
/// changes nothing in memory; `call` and `host_call` have no value: `output` nodes take theirs.
///
/// Operands, where the name does not say it: select (where, a, b); random (key, sample_index);
/// gather and scatter_add (x, index); lu_solve (a, b); output (the call).
/// conv (x, w), conv_input_gradient (dy, w) and conv_weight_gradient (x, dy) carry the Window of
/// the forward convolution x [..., c_in, h, w], w [c_out, c_in, kh, kw], dy [..., c_out, oh, ow];
/// the node's own shape is that of y, x and w in turn, and conv_weight_gradient sums over all
/// leading axes. Shapes may have rank 0 and extents 0.
///
/// Not-a-number: every arithmetic operation, sign, max, min, reduce_max and window_argmax's gather
/// hand NaN on (max(NaN, x) is NaN, either way round); less and equal give 0 with a NaN; select
/// looks at `where` alone. Integer (int64) values take part in add, sub, mul, neg, abs, sign, max,
/// min, less, equal, select, cast, stop_gradient, sums, maxima and all shape and indexing
/// operations.
struct Node {
  Op op = Op::input;
  DType dtype = DType::f32;
  RowClass row_class = RowClass::none;
  Shape shape;
  std::vector<ValueId> operands;
  Attributes attributes;
};

struct Program {
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;   ///< input nodes, in calling order; an unused input is still here
  std::vector<ValueId> outputs;  ///< any nodes; the same node may stand more than once
  std::vector<std::string> input_names;
  std::vector<std::string> output_names;

  const Node& operator[](ValueId id) const { return nodes[static_cast<std::size_t>(id)]; }
  std::string text() const;  ///< one line a node, for people
};

/// The one way out of a program: C++ code on the host, called with host memory. Such programs run
/// staged: cut at their host calls, the pieces in between on the device.
class HostFunction {
 public:
  virtual ~HostFunction();
  virtual std::string name() const = 0;
  struct Value {
    Shape shape;
    DType dtype = DType::f32;
    /// What the function promises when its arguments are of class none and per_row; with another
    /// argument the result is coupled.
    RowClass row_class = RowClass::coupled;
  };
  virtual std::vector<Value> outputs() const = 0;
  /// Arrays are contiguous, row-major, of the shapes declared with `rows` bound.
  virtual void run(std::int64_t rows, std::span<const void* const> inputs,
                   std::span<void* const> outputs) = 0;
  /// Functions that work on device memory themselves (a solve) say so and are run with device
  /// views instead, without copies to the host.
  virtual bool on_device() const { return false; }
  virtual void run_on_device(std::int64_t rows, std::span<const View> inputs,
                             std::span<const View> outputs);
  /// A function (inputs..., cotangents of the floating-point outputs...) to the cotangents of the
  /// floating-point inputs, or nullptr: then a derivative that needs it is refused by name.
  virtual std::shared_ptr<HostFunction> vjp() { return nullptr; }
};

/// Records a program: create inputs, compute with their handles, name what comes out.
class Recording {
 public:
  Recording();
  ~Recording();
  Recording(Recording&&) noexcept;
  Recording& operator=(Recording&&) noexcept;

  /// A shape that leads with kRows makes a per_row value; another one, a value of class none,
  /// unless told that it is a sum over rows.
  Tensor input(std::string name, Shape shape, DType dtype);
  Tensor input(std::string name, Shape shape, DType dtype, RowClass row_class);
  Tensor constant(double value, Shape shape, DType dtype);

  /// What the outputs need, simplified; every input stays, in the order of creation.
  Program program(std::span<const Tensor> outputs, std::vector<std::string> names = {}) const;

 private:
  std::unique_ptr<program::Graph> graph_;
};

struct InputSpec {
  std::string name;
  Shape shape;
  DType dtype = DType::f32;
};
using Body = std::function<std::vector<Tensor>(std::span<const Tensor>)>;
/// In one go: inputs by their specifications, outputs as the body returns them.
Program record(std::span<const InputSpec> inputs, const Body& body);

/// A call of a program as one node (small programs stay small); arguments in order.
std::vector<Tensor> call(std::shared_ptr<const Program> program, std::span<const Tensor> arguments);
/// The program's nodes copied into the arguments' recording.
std::vector<Tensor> inline_call(const Program& program, std::span<const Tensor> arguments);
std::vector<Tensor> host_call(std::shared_ptr<HostFunction> function,
                              std::span<const Tensor> arguments);

/// The program with constants folded, identities simplified, equal nodes merged, dead ones gone,
/// and calls inlined if asked: what the core hands to a device.
enum class Calls : std::uint8_t { keep, inlined };
Program optimize(const Program& program, Calls calls = Calls::inlined);

}  // namespace odeum::inline v1
