// SPDX-License-Identifier: Apache-2.0
// Whether code may be loaded from a file: only what the user or root alone could have put there.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <string>

namespace odeum::plugin {

/// Who runs odeum, as far as trust is concerned.
struct Account {
  uid_t user = 0;
  /// The user's primary group where it is his alone (Debian's user private groups: named as he is,
  /// without other members); under umask 002 his own files are writable by it. Else -1, no group.
  gid_t private_group = static_cast<gid_t>(-1);

  static Account current();
};

/// Why a file or folder is not to be trusted: its owner is neither root nor the user, others may
/// write it, or a group may that is not the user's private one. Empty: it may be.
std::string why_untrusted(const struct ::stat& status, const Account& account);
/// The same for a path, links followed. A file's folder is judged too, as whoever may write it can
/// exchange the file.
std::string why_untrusted(const std::filesystem::path& path, const Account& account);

}  // namespace odeum::plugin
