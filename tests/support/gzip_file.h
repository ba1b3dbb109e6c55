/// Recordings in tests/data, which are kept compressed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace flockstat::test {

/// What gzip made of it. Throws std::runtime_error where it is damaged.
[[nodiscard]] std::string gunzip(std::string_view compressed);

/// Files of tests/data/`folder` under the current directory, by name. Throws std::runtime_error where there
/// are none.
[[nodiscard]] std::vector<std::filesystem::path> test_data(const std::string &folder);

/// The bytes of a recording that is kept as NAME.flk.gz.
[[nodiscard]] std::vector<std::byte> read_recording(const std::filesystem::path &file);

} // namespace flockstat::test
