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

private:
    template<typename Stored>
    [[nodiscard]] bool read_summary(const Stored &stat, Samples *out) const;
    void read_distribution(const record::Stat &stat, Samples *out);

    record::ArenaView arena_;
    const RunClock &clock_;
    std::uint64_t buckets_left_; ///< an arena cannot hold more: damage that links to the same histogram again
                                 ///< and again ends here
};

} // namespace flockstat::reporter
