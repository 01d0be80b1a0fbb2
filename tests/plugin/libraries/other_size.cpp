// SPDX-License-Identifier: Apache-2.0
// A record of our ABI tag and another size: an odeum whose number was not raised when it should.
#include "odeum/plugin.hpp"

namespace odeum::test {
namespace {

struct LongerRecord {
  PluginRecord known;
  char more[64];
};

constexpr LongerRecord make() {
  LongerRecord longer{
      detail::make_record(ODEUM_ABI_TAG, "controller", "other_size", "1.0.0", "Longer"), {}};
  longer.known.size = sizeof(LongerRecord);
  return longer;
}

[[gnu::section(".odeum"), gnu::used, gnu::retain]] constexpr LongerRecord record = make();

}  // namespace
}  // namespace odeum::test
