#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace flockstat::test {

// Reports in the formats of other tools, as programs of others read them. Each fails the test, with the
// program's words, where it does not take the file.

/// The rows of a table of comma-separated values, by column: Python's csv module.
[[nodiscard]] std::vector<std::map<std::string, std::string>> read_csv(const std::string &text);

/// Frame names -> values of a flame graph: flamegraph.pl. Frames of one name are added up; "all" is the root.
[[nodiscard]] std::map<std::string, std::uint64_t> read_folded(const std::string &text);

/// What `go tool pprof OPTIONS FILE` prints. It leaves nothing behind.
[[nodiscard]] std::string pprof(const std::filesystem::path &profile,
                                const std::vector<std::string> &options);

/// A function's own value and what was called from it, in the sample type's own unit.
struct ProfileValues {
    std::uint64_t flat = 0, cumulative = 0;

    bool operator==(const ProfileValues &) const = default;
};

/// The functions of `go tool pprof -top`, for one of the file's sample types.
[[nodiscard]] std::map<std::string, ProfileValues> pprof_top(const std::filesystem::path &profile,
                                                             const std::string &sample_type);

} // namespace flockstat::test
