/// One line on stderr that says how a run goes, while it goes.
#pragma once

#include "reporter/record/arena_view.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace flockstat::cli {

/// What a live arena tells at a glance.
struct LiveCounts {
    std::uint64_t processes = 0;  ///< attached since the start
    std::uint64_t lock_calls = 0; ///< attempts and unlocks
    std::uint64_t waiting = 0;    ///< threads that are blocked in a call, or between two polls
};

/// Counts now. `now_ticks`: of the arena's clock. An episode of polls counts as waiting until it is too old
/// to be retried.
[[nodiscard]] LiveCounts count_live(const record::ArenaView &arena, std::uint64_t now_ticks,
                                    std::uint64_t ticks_in_second);

/// "12.3 s, 4 processes, 1,234 lock calls, 2 waiting now".
[[nodiscard]] std::string status_text(std::chrono::milliseconds elapsed, const LiveCounts &counts);

/// Redraws one line about twice a second where stderr is a terminal, else prints one every ten seconds.
class StatusLine {
public:
    /// `arena` outlives the line.
    explicit StatusLine(const record::ArenaView &arena);
    StatusLine(const StatusLine &) = delete;
    StatusLine &operator=(const StatusLine &) = delete;
    /// Erases the line.
    ~StatusLine();

    /// How often tick() wants to be called.
    static constexpr std::chrono::milliseconds interval{500};

    /// Draws if it is time to.
    void tick();

private:
    const record::ArenaView &arena_;
    bool terminal_;
    std::chrono::steady_clock::time_point started_;
    std::chrono::steady_clock::time_point last_;
    bool drawn_ = false;
};

} // namespace flockstat::cli
