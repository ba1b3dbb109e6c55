/// Names of JIT-compiled code, as runtimes write them for perf.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace flockstat::reporter {

/// A perf map file: lines of "START SIZE NAME", numbers in hexadecimal
/// (tools/perf/Documentation/jit-interface.txt).
class PerfMap {
public:
    /// A file that is not there, or was last written before `not_before_ns` (since 1970: it is that of an
    /// earlier process of the same number), is an empty map. Lines that cannot be read are passed over; of
    /// ranges that overlap the one written last counts.
    PerfMap(const std::filesystem::path &file, std::int64_t not_before_ns);

    /// The name of the code at an address; empty where there is none.
    [[nodiscard]] std::string name_at(std::uint64_t address) const;

private:
    struct Code {
        std::uint64_t start;
        std::uint64_t size;
        std::string name;
    };

    std::vector<Code> code_; ///< by start; of equal starts in the file's order
};

} // namespace flockstat::reporter
