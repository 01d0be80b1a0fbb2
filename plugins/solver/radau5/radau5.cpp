// SPDX-License-Identifier: Apache-2.0
#include "odeum/implicit.hpp"

namespace {

// Collocation at (4 -+ sqrt(6)) / 10 and 1.
const odeum::Tableau kTableau{
    .order = 5,
    .a = {{"0.1968154772236604258683861429918298896007",
           "-0.0655354258501983881085227825696086918012",
           "0.023770974348220152420408232107189663004"},
          {"0.3944243147390872769974116714584975806901",
           "0.2920734116652284630205027458970589992882",
           "-0.0415487521259979301981860098849674407818"},
          {"0.3764030627004672750500754423692807946676",
           "0.5124858261884216138388134465196080942213",
           "0.1111111111111111111111111111111111111111"}},
    .b = {"0.3764030627004672750500754423692807946676",
          "0.5124858261884216138388134465196080942213",
          "0.1111111111111111111111111111111111111111"},
    .c = {"0.1550510257216821901802715925294108608034",
          "0.6449489742783178098197284074705891391966", "1"},
    .dense = {{"1.5580782047249223824319753706862790293163",
               "-1.9869472213484429397137244142647156746298",
               "0.8052720793239878323318244859477174399811"},
              {"-0.8914115380582557157653087040196123626496",
               "3.3202805546817762730470577475980490079631",
               "-1.9163831904350989434429355970588285510922"},
              {"0.3333333333333333333333333333333333333333",
               "-1.3333333333333333333333333333333333333333",
               "1.1111111111111111111111111111111111111111"}},
    .dense_order = 3,
};

class Radau5 final : public odeum::FullyImplicit {
 public:
  static odeum::Schema schema() {
    return odeum::Schema(
               "Radau IIA of three stages, order 5, L-stable and stiffly accurate; an error "
               "estimate that goes to zero as h^4 and collocation dense output of order 3, as in "
               "RADAU5")
        .cite("E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8")
        .cite(
            "B. L. Ehle, On Pade approximations to the exponential function and A-stable methods "
            "for the numerical solution of initial value problems, Univ. Waterloo (1969)")
        .include(odeum::newton_keys());
  }
  explicit Radau5(const odeum::Config& config) : FullyImplicit(odeum::newton_options(config)) {}
  const odeum::Tableau& tableau() const override { return kTableau; }
  // The real eigenvalue of A.
  odeum::Coefficient error_weight() const override {
    return "0.2748888295956773677478286035994147792946";
  }
};

}  // namespace

ODEUM_PLUGIN(solver, "radau5", Radau5, "1.0.0", "Radau IIA, order 5, L-stable")
