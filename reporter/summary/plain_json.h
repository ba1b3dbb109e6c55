/// summary.json, as the command writes it but for what only symbolization tells.
#pragma once

#include "reporter/summary/group_sum.h"
#include "reporter/summary/out_file.h"
#include "reporter/summary/wait_counters.h"

#include <string_view>

namespace flockstat::summary {

/// What a writer works with; all of it outlives the writing.
struct Summary {
    const ArenaIndex &index;
    SampleSum &sum;
    WaitCounters &wait_counters;
    std::span<std::uint32_t> order; ///< room for an order of the processes
    std::string_view directory;
    std::string_view flk_name;
};

/// What a report says of the run as a whole.
struct RunNumbers {
    std::uint64_t duration_ns = 0, processes = 0, running = 0;
    bool complete = true;
};
[[nodiscard]] RunNumbers run_numbers(const ArenaIndex &index);

/// The places of the processes in the order in which a report lists them: by wait, time held, attempts.
[[nodiscard]] std::span<std::uint32_t> rank_processes(const Summary &summary);

/// A string of the arena; empty where it is none. Others may write to it meanwhile: look at each byte once
/// only.
[[nodiscard]] std::string_view text_of(const record::ArenaView &arena, Ref ref);

/// The name of an errno or of a file system's type; the number where there is none.
void put_error_name(OutFile &file, std::uint32_t error);
void put_filesystem_name(OutFile &file, std::uint32_t type);

void write_json(const Summary &summary, OutFile &file);

} // namespace flockstat::summary
