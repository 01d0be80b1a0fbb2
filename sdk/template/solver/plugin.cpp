// Bogacki and Shampine's 3(2) pair: a tableau and a name. Coefficients are fractions, as published;
// `odeum verify` checks their order conditions in exact arithmetic and measures the order.
#include <odeum/solver.hpp>

namespace {

using namespace odeum;

const Tableau kTableau{
    .order = 3,
    .embedded_order = 2,
    .a = {{}, {"1/2"}, {"0", "3/4"}, {"2/9", "1/3", "4/9"}},
    .b = {"2/9", "1/3", "4/9", "0"},
    .c = {"0", "1/2", "3/4", "1"},
    .b_embedded = {"7/24", "1/4", "1/3", "1/8"},
    .dense_order = 3,
};

class PluginClass final : public RungeKutta {
 public:
  static Schema schema() {
    return Schema("Third order with an embedded second-order method, first same as last")
        .cite(
            "P. Bogacki, L. F. Shampine, A 3(2) pair of Runge-Kutta formulas, Appl. Math. "
            "Lett. 2 (1989) 321-325");
  }
  const Tableau& tableau() const override { return kTableau; }
};

}  // namespace

ODEUM_PLUGIN(solver, "plugin_name", PluginClass, "0.1.0", "A Runge-Kutta pair of order 3(2)")
