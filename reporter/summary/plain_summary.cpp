#include "reporter/summary/plain_summary.h"

#include "reporter/record/clock.h"
#include "reporter/summary/plain_text.h"

#include <cerrno>

namespace flockstat::summary {
namespace {

constexpr std::size_t buffer_bytes = 64U << 10U;
static_assert(buffer_bytes >= least_file_room);
constexpr std::size_t distribution_values = 64U << 10U;

/// Writes one file by `write`; remembers the first error.
template<typename Write>
void write_file(const Summary &summary, std::string_view name, std::span<char> buffer, int *first_error,
                Write write) {
    OutFile file(summary.directory, name, buffer);
    write(summary, file);
    const int error = file.finish();
    *first_error = *first_error == 0 ? error : *first_error;
}

} // namespace

int write_plain_summary(const record::Mapping &arena, std::string_view directory, std::string_view flk_name) {
    const std::uint64_t real_bytes = readable_bytes(arena);
    if (real_bytes == 0) {
        return ENOMEM;
    }
    const record::ArenaView view(arena.base, real_bytes);
    const record::Header &header = view.header();
    const TickScale scale(header);
    Memory memory(ArenaIndex::bytes_needed(view) + buffer_bytes + distribution_values * sizeof(ValueCount) +
                  WaitCounters::bytes_needed(view));
    if (memory.error() != 0) {
        return memory.error();
    }
    const std::span<char> buffer = memory.take<char>(buffer_bytes);
    const std::span<ValueCount> distribution = memory.take<ValueCount>(distribution_values);
    SampleSum sum(view, scale, distribution);
    const ArenaIndex index(view, scale, record::read_ticks(header.clock), memory);
    WaitCounters wait_counters(view, distribution, memory);
    const Summary summary{
        index, sum, wait_counters, memory.take<std::uint32_t>(index.processes().size()), directory, flk_name};
    int error = 0;
    write_file(summary, "summary.txt", buffer, &error, write_text);
    write_file(summary, "summary.json", buffer, &error, write_json);
    // Last: a run's file that is younger than the summary tells `report` that there are no function names in
    // it yet.
    if (error == 0 && header.left_running == 0) {
        error = copy_arena(arena, directory, flk_name, buffer);
    }
    return error;
}

} // namespace flockstat::summary
