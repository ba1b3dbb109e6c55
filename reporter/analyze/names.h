/// Names of numbers that the kernel gives.
#pragma once

#include <cstdint>
#include <string>

namespace flockstat::reporter {

/// "ENOLCK"; "other" for 0, the number where it has no name.
[[nodiscard]] std::string error_name(int error);

/// The name of a file system by its statfs f_type, "ext4"; "0x..." where it is not known.
[[nodiscard]] std::string filesystem_name(std::uint32_t type);

} // namespace flockstat::reporter
