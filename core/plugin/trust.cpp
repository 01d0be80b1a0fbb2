// SPDX-License-Identifier: Apache-2.0
#include "plugin/trust.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace odeum::plugin {

Account Account::current() {
  Account account;
  account.user = ::geteuid();
  const passwd* user = ::getpwuid(account.user);
  if (!user) return account;
  const std::string name = user->pw_name;
  const gid_t primary = user->pw_gid;
  const group* own = ::getgrgid(primary);
  if (!own || name != own->gr_name) return account;
  for (char** member = own->gr_mem; *member; ++member) {
    if (name != *member) return account;
  }
  account.private_group = primary;
  return account;
}

std::string why_untrusted(const struct ::stat& status, const Account& account) {
  if (status.st_uid != 0 && status.st_uid != account.user)
    return "its owner (user " + std::to_string(status.st_uid) + ") is neither root nor you";
  if (status.st_mode & S_IWOTH) return "everybody may write it; chmod o-w makes it usable";
  if ((status.st_mode & S_IWGRP) && status.st_gid != account.private_group)
    return "its group (" + std::to_string(status.st_gid) +
           ") may write it; chmod g-w makes it usable";
  return "";
}

std::string why_untrusted(const std::filesystem::path& path, const Account& account) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  struct ::stat status {};
  if (error || ::stat(real.c_str(), &status) != 0)
    return std::string("it cannot be looked at: ") +
           (error ? error.message() : std::strerror(errno));
  std::string why = why_untrusted(status, account);
  if (why.empty() && !S_ISDIR(status.st_mode)) {
    if (!S_ISREG(status.st_mode)) return "it is not a file";
    if (::stat(real.parent_path().c_str(), &status) != 0) return "its folder cannot be looked at";
    why = why_untrusted(status, account);
    if (!why.empty()) why = "its folder " + real.parent_path().string() + ": " + why;
  }
  const bool link = std::filesystem::is_symlink(path, error);
  return why.empty() || !link ? why : "it is a link to " + real.string() + ": " + why;
}

}  // namespace odeum::plugin
