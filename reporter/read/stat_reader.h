/// Stats of an arena, in ticks -> Samples, in nanoseconds.
#pragma once

#include "reporter/read/run_clock.h"
#include "reporter/read/samples.h"
#include "reporter/record/arena_view.h"

namespace flockstat::reporter {

/// More calls than this were never counted by any run: a greater count is damage.
inline constexpr std::uint64_t plausible_count = std::uint64_t{1} << 48;

class StatReader {
public:
    /// Both outlive the reader.
    StatReader(record::ArenaView arena, const RunClock &clock)
        : arena_(arena), clock_(clock), buckets_left_(arena.bytes() / sizeof(std::uint32_t)) {}

    /// Converts a Stat; false where it holds what no Stat can. `out` is only written where true.
    [[nodiscard]] bool read(const record::Stat &stat, Samples *out);
    [[nodiscard]] bool read(const record::ShortStat &stat, Samples *out);
    /// The same of one whose times are microseconds of CLOCK_MONOTONIC.
    [[nodiscard]] bool read_microseconds(const record::Stat &stat, Samples *out);

private:
    /// What the numbers of a Stat are.
    enum class Unit { ticks, microseconds };

    [[nodiscard]] std::uint64_t duration_ns(std::uint64_t number, Unit unit) const;
    [[nodiscard]] bool read_in(Unit unit, const record::Stat &stat, Samples *out);
    template<typename Stored>
    [[nodiscard]] bool read_summary(const Stored &stat, Unit unit, Samples *out) const;
    void read_distribution(const record::Stat &stat, Unit unit, Samples *out);

    record::ArenaView arena_;
    const RunClock &clock_;
    std::uint64_t buckets_left_; ///< an arena cannot hold more: damage that links to the same histogram again
                                 ///< and again ends here
};

} // namespace flockstat::reporter
