#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>

namespace flockstat::test {

/// What a process counted of its own lock calls that returned (tests/programs/counted.h).
struct CallCount {
    std::int64_t attempts = 0, unlocks = 0;
};

/// One process's memory of a file of counts: atomic longs of tests/programs/counted.h.
struct CountSlot {
    std::atomic<std::int64_t> pid, attempts, unlocks, holds;
};

/// A file in which processes count, mapped here too. Removed with its directory.
class CountsFile {
public:
    CountsFile(const std::filesystem::path &file, std::size_t processes);
    ~CountsFile();
    CountsFile(const CountsFile &) = delete;
    CountsFile &operator=(const CountsFile &) = delete;

    /// Until each process made that many attempts more than it had. Fails the test after a minute.
    void await_attempts(std::int64_t more) const;

    /// By pid.
    [[nodiscard]] std::map<std::int64_t, CallCount> counts() const;
    [[nodiscard]] std::int64_t pid(std::size_t process) const { return slots_[process].pid.load(); }

private:
    std::span<CountSlot> slots_;
};

/// Checks (Catch2 CHECKs) that a report has of each process all calls that it counted, and at most the one
/// that was in flight at its end besides; that nothing was lost; and that each ended so (`ended` of JSON).
void check_all_counted(const nlohmann::json &report, const std::map<std::int64_t, CallCount> &counts,
                       const std::string &ended);

} // namespace flockstat::test
