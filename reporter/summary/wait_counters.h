/// The wait counters that programs drove themselves, summed up over the processes.
#pragma once

#include "reporter/summary/memory.h"
#include "reporter/summary/sample_sum.h"

namespace flockstat::summary {

class WaitCounters {
public:
    /// `room`: as for SampleSum, and it may be the same. `memory` gives room for the names. All outlive this.
    WaitCounters(const record::ArenaView &arena, std::span<ValueCount> room, Memory &memory);

    /// Room that a Memory needs for the names.
    [[nodiscard]] static std::size_t bytes_needed(const record::ArenaView &arena);

    /// The names, each once: string records.
    [[nodiscard]] std::span<const record::Ref> names() const { return names_; }

    /// All waits of the counters of that name.
    [[nodiscard]] StatNumbers numbers(record::Ref name);

private:
    record::ArenaView arena_;
    TickScale scale_;
    SampleSum sum_;
    std::span<record::Ref> names_;
};

} // namespace flockstat::summary
