/// What became of the regions and episodes that nobody closed in the arena.
#pragma once

#include "reporter/read/run.h"

#include <cstdint>
#include <vector>

namespace flockstat::reporter {

/// How an open region ended.
struct RegionEnd {
    Release cause = Release::unknown;
    std::uint64_t held_ns =
        0;                  ///< exit, exec: how long it was held; else how long it is known to have been held
    std::int64_t at_ns = 0; ///< since 1970

    /// Its time is a sample of filelock.region; otherwise it is counted in held_open_ns.
    [[nodiscard]] bool is_sample() const { return cause == Release::exit || cause == Release::exec; }
};

/// Judges what is open in one run's arena.
class Endings {
public:
    /// `run` outlives this.
    explicit Endings(const Run &run);

    /// By the kernel's rules (man 2 fcntl, man 2 flock): a process that ends drops its posix locks, and its
    /// open file descriptions unless others share them; exec keeps both.
    [[nodiscard]] RegionEnd region_end(const Region &region) const;

    /// Will nothing be granted to this episode any more? Its thread or process ended, or it was not retried
    /// within five seconds or twenty times its longest gap, whichever is more.
    [[nodiscard]] bool is_abandoned(const Episode &episode) const;

    /// The record of the image that this process became by exec, the next one of its pid. no_index where
    /// there is none.
    [[nodiscard]] std::uint32_t exec_successor(std::uint32_t process) const { return successors_[process]; }

    /// The last of the images that this process became by exec; itself where there is none.
    [[nodiscard]] std::uint32_t last_image(std::uint32_t process) const;

private:
    const Run &run_;
    std::vector<std::uint32_t> successors_; ///< by process
};

} // namespace flockstat::reporter
