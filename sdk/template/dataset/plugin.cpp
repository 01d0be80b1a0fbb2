// A generator without end: sample i is a function of (key, i) alone, so batches can be made on any
// thread and again.
#include <odeum/dataset.hpp>
#include <odeum/random.hpp>

namespace {

using namespace odeum;

class PluginClass final : public Dataset {
 public:
  static Schema schema() {
    return Schema(
               "Two normal clouds of the plane around (-distance/2, 0) and (distance/2, 0); column "
               "points {2}")
        .number("distance", 4.0, "between the centres, in deviations of a cloud")
        .at_least(0);
  }
  explicit PluginClass(const Config& config) : distance_(config.number("distance")) {}

  std::vector<Column> columns() const override { return {{"points", {2}}}; }
  std::optional<std::int64_t> count(Split) const override { return std::nullopt; }

  void read(Split, std::uint64_t key, std::span<const std::int64_t> samples,
            std::span<const std::span<double>> out) const override {
    const std::span<double> points = out.front();
    if (points.empty()) return;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      RandomStream random(key, static_cast<std::uint64_t>(samples[i]));
      const double side = samples[i] % 2 == 0 ? -0.5 : 0.5;
      points[2 * i] = side * distance_ + random.normal();
      points[2 * i + 1] = random.normal();
    }
  }

 private:
  double distance_;
};

}  // namespace

ODEUM_PLUGIN(dataset, "plugin_name", PluginClass, "0.1.0", "Two normal clouds")
