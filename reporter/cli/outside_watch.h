/// Notes in the arena who outside the run is in the way of those who wait in it for long.
#pragma once

#include "reporter/read/kernel_locks.h"
#include "reporter/record/arena_view.h"
#include "reporter/record/chain.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace flockstat::cli {

/// What somebody of the run has waited for, or polled for, since long.
struct LongWait {
    std::int32_t pid = 0;
    record::Ref lock = 0; ///< 0: the process's first call for the file, which only the kernel knows
    record::Mode mode = record::Mode::shared;
    std::int64_t range_start = 0,
                 range_end = INT64_MAX; ///< bytes, both included; of one that is blocked: not known
};

/// The waits that are older than `long_ticks` now.
[[nodiscard]] std::vector<LongWait> long_waits(const record::ArenaView &arena, std::uint64_t now_ticks,
                                               std::uint64_t long_ticks);

/// Those of `locks.held` that are in the way of such a wait and belong to a process that the arena does not
/// tell of, each once.
[[nodiscard]] std::vector<reporter::KernelLock> held_outside(const record::ArenaView &arena,
                                                             const std::vector<LongWait> &waits,
                                                             const reporter::KernelLocks &locks);

/// A thread that looks for long waits ten times a second (less often where a look takes long), and asks the
/// kernel's list of locks where there is one.
class OutsideWatch {
public:
    /// `arena` outlives this.
    explicit OutsideWatch(const record::Mapping &arena);
    OutsideWatch(const OutsideWatch &) = delete;
    OutsideWatch &operator=(const OutsideWatch &) = delete;
    ~OutsideWatch() = default; // stops the thread and waits for it

private:
    /// What was noted of processes with the same arguments.
    struct Noted {
        record::OutsideHolder *record = nullptr;
        std::int64_t last_look = 0; ///< the number of the latest look that found one
    };
    using Key =
        std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, record::Family, record::Mode, std::string>;

    void watch(const std::stop_token &stop);
    void look();
    void note(const reporter::KernelLock &held);

    record::Mapping arena_;
    std::int64_t looks_ = 0;
    std::uint64_t looked_ticks_ = 0; ///< when the latest look was
    std::map<Key, Noted> noted_;
    std::jthread thread_; // last: it uses the others
};

} // namespace flockstat::cli
