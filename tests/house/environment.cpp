// Linked into every test executable: the environment of a test, and the rule that a test may not be
// skipped for want of data while there is data.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace {

// ODEUM_TEST_ENVIRONMENT is NAME=value|NAME=value. What the caller has set already wins.
void set_environment(std::string_view list) {
  while (!list.empty()) {
    const std::string_view entry = list.substr(0, list.find('|'));
    list.remove_prefix(std::min(entry.size() + 1, list.size()));
    const auto equals = entry.find('=');
    ::setenv(std::string(entry.substr(0, equals)).c_str(),
             std::string(entry.substr(equals + 1)).c_str(), 0);
  }
}

bool data_is_here() {
  const char* folder = std::getenv("ODEUM_DATA");
  return folder != nullptr && std::filesystem::is_directory(folder);
}

bool names_data(std::string_view message) {
  return message.find("ODEUM_DATA") != std::string_view::npos ||
         message.find("data") != std::string_view::npos;
}

class DataSkipsFail final : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo& test) override {
    if (!test.result()->Skipped() || !data_is_here()) return;
    for (int i = 0; i < test.result()->total_part_count(); ++i) {
      const auto& part = test.result()->GetTestPartResult(i);
      if (part.skipped() && names_data(part.message()))
        ADD_FAILURE() << "skipped for want of data, although ODEUM_DATA is "
                      << std::getenv("ODEUM_DATA");
    }
  }
};

[[maybe_unused]] const bool ready = [] {
  set_environment(ODEUM_TEST_ENVIRONMENT);
  testing::UnitTest::GetInstance()->listeners().Append(new DataSkipsFail);
  return true;
}();

}  // namespace
