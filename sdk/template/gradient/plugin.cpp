// A gradient by central differences: two solves for every number that the solution depends on. Slow
// and approximate, but it asks nothing of the field; and it is the shape of every gradient method:
// forward, then cotangents back.
#include <cmath>
#include <cstring>
#include <odeum/gradient.hpp>

namespace {

using namespace odeum;

constexpr std::size_t kAlignment = 64;  // of values in device memory

std::size_t elements(const Shape& shape, std::int64_t rows) {
  return static_cast<std::size_t>(shape.elements(rows));
}

double read(const std::byte* from, std::size_t i, DType type) {
  if (type == DType::f32) {
    float value = 0;
    std::memcpy(&value, from + i * sizeof value, sizeof value);
    return value;
  }
  double value = 0;
  std::memcpy(&value, from + i * sizeof value, sizeof value);
  return value;
}

void write(std::byte* to, std::size_t i, DType type, double value) {
  const auto single = static_cast<float>(value);
  if (type == DType::f32) std::memcpy(to + i * sizeof single, &single, sizeof single);
  if (type == DType::f64) std::memcpy(to + i * sizeof value, &value, sizeof value);
}

class Differences final : public DifferentiableSolve {
 public:
  Differences(std::unique_ptr<SolveSetting> setting, double step)
      : setting_(std::move(setting)),
        step_(step),
        integrator_(setting_->integrator(setting_->dynamics(), setting_->options(), {})) {}

  SolveReport forward(const SolveCall& call) override { return integrator_->integrate(call); }

  SolveReport backward(const SolveCall& call, std::span<const View> cotangents,
                       const CotangentTargets& targets) override {
    report_ = {};
    const Dynamics& dynamics = setting_->dynamics();
    SolveCall moved = call;
    std::vector<View> initial(call.initial.begin(), call.initial.end());
    std::vector<View> constants(call.constants.begin(), call.constants.end());
    moved.initial = initial;
    moved.constants = constants;
    for (std::size_t m = 0; m < targets.initial.size(); ++m) {
      const Member& member = dynamics.members[m];
      differentiate(moved, cotangents, initial[m], member.shape, member.dtype, targets.initial[m],
                    false);
    }
    for (std::size_t c = 0; c < targets.constants.size(); ++c) {
      const InputSpec& constant = dynamics.constants[c];
      differentiate(moved, cotangents, constants[c], constant.shape, constant.dtype,
                    targets.constants[c], true);
    }
    std::vector<double> times(call.times.begin(), call.times.end());
    moved.times = times;
    for (std::size_t i = 0; i < targets.times.size(); ++i) {
      const double h = step_ * std::max(1.0, std::abs(call.times.back() - call.times.front()));
      times[i] = call.times[i] + h;
      const double above = loss(moved, cotangents);
      times[i] = call.times[i] - h;
      targets.times[i] = (above - loss(moved, cotangents)) / (2 * h);
      times[i] = call.times[i];
    }
    report_.t = call.times.front();
    report_.reached = static_cast<std::int64_t>(call.times.size());
    return report_;
  }

  std::size_t kept_bytes() const override { return 0; }

 private:
  /// Moves one entry after the other of the value at `place` and puts, or adds, the differences to
  /// `target`.
  void differentiate(const SolveCall& call, std::span<const View> cotangents, View& place,
                     const Shape& shape, DType type, View target, bool add) {
    if (!target || type == DType::i64) return;
    Device& device = setting_->device();
    const std::size_t count = elements(shape, call.rows);
    std::vector<std::byte> values(count * size_of(type));
    std::vector<std::byte> result(values.size());
    device.download(values.data(), place, values.size());
    if (add) device.download(result.data(), target, result.size());
    const std::shared_ptr<void> copy = device.allocate(std::max(values.size(), kAlignment));
    const View original = place;
    place = View{copy.get(), 0};
    for (std::size_t i = 0; i < count; ++i) {
      const double value = read(values.data(), i, type);
      const double h = step_ * std::max(1.0, std::abs(value));
      const auto loss_at = [&](double x) {
        write(values.data(), i, type, x);
        device.upload(place, values.data(), values.size());
        return loss(call, cotangents);
      };
      const double above = loss_at(value + h);
      const double slope = (above - loss_at(value - h)) / (2 * h);
      write(values.data(), i, type, value);
      write(result.data(), i, type, slope + (add ? read(result.data(), i, type) : 0.0));
    }
    place = original;
    device.upload(target, result.data(), result.size());
  }

  /// The results of a solve times their cotangents.
  double loss(const SolveCall& call, std::span<const View> cotangents) {
    Device& device = setting_->device();
    const std::vector<Member>& members = setting_->dynamics().members;
    std::vector<std::shared_ptr<void>> memory;
    std::vector<View> results;
    for (std::size_t i = 0; i < cotangents.size(); ++i) {
      const Member& member = members[i % members.size()];
      const std::size_t bytes = elements(member.shape, call.rows) * size_of(member.dtype);
      memory.push_back(device.allocate(std::max(bytes, kAlignment)));
      results.push_back(View{memory.back().get(), 0});
    }
    SolveCall own = call;
    own.results = results;
    const SolveReport report = integrator_->integrate(own);
    report_.evaluations += report.evaluations;
    if (!report.ok()) throw RunError("a solve for central differences failed: " + report.message());
    double sum = 0;
    for (std::size_t i = 0; i < cotangents.size(); ++i) {
      if (!cotangents[i]) continue;
      const Member& member = members[i % members.size()];
      const std::size_t count = elements(member.shape, call.rows);
      std::vector<std::byte> value(count * size_of(member.dtype));
      std::vector<std::byte> cotangent(value.size());
      device.download(value.data(), results[i], value.size());
      device.download(cotangent.data(), cotangents[i], cotangent.size());
      for (std::size_t k = 0; k < count; ++k) {
        sum += read(value.data(), k, member.dtype) * read(cotangent.data(), k, member.dtype);
      }
    }
    return sum;
  }

  std::unique_ptr<SolveSetting> setting_;
  double step_;
  std::unique_ptr<Integrator> integrator_;
  SolveReport report_;
};

class PluginClass final : public GradientMethod {
 public:
  static Schema schema() {
    return Schema(
               "Central differences of whole solves: two for every parameter and entry of the "
               "state")
        .number("step", 1e-5, "how far a value is moved, relative to it or to 1")
        .above(0);
  }
  explicit PluginClass(const Config& config) : step_(config.number("step")) {}

  std::unique_ptr<DifferentiableSolve> prepare(std::unique_ptr<SolveSetting> setting,
                                               const std::vector<bool>&) const override {
    return std::make_unique<Differences>(std::move(setting), step_);
  }

 private:
  double step_;
};

}  // namespace

ODEUM_PLUGIN(gradient, "plugin_name", PluginClass, "0.1.0", "Gradients by central differences")
